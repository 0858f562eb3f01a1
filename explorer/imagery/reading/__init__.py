"""From bytes to rasters and labels.

``upload`` unpacks what was sent, ``layout`` tells images, labels and side files apart, ``pairing`` pairs images and
labels by hand, by what a label file lists and by ``name_rules``, which compare ``names``. ``raster`` decodes an image
with the decoder of its format (``pillow``, ``gdal``), ``masks`` and ``vectors`` read masks, and ``class_key`` turns
masks into labels.
"""
