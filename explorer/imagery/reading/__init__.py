"""From bytes to rasters and labels.

``upload`` unpacks what was sent, ``pairing`` matches images and masks, ``raster`` decodes an image with the decoder of
its format (``pillow``, ``gdal``), ``masks`` and ``vectors`` read masks, and ``class_key`` turns masks into labels.
"""
