"""From bytes to rasters and labels.

``upload`` unpacks what was sent, ``pairing`` matches images and masks, ``raster`` decodes an image with the decoder of
its format (``pillow``, ``gdal``), ``masks`` and ``vectors`` read masks, and ``class_key`` turns masks into labels.
``vectors`` draws polygons: ``vector_files`` reads features, ``vector_areas`` takes their polygons, ``vector_classes``
finds the property that holds the class and ``vector_placing`` goes from coordinates to pixels.
"""
