"""From bytes to rasters and labels.

``upload`` unpacks what was sent, ``label_files`` recognises label files, ``layout`` tells images, labels and side files
apart, ``pairing`` pairs images and labels by hand, by what a label file lists and by ``name_rules``, which compare
``names``.

``raster`` decodes an image with the decoder of its format (``pillow``, ``gdal``); ``georeference`` finds where it lies,
``fill_values`` what is no data in it.

``labels`` is the registry of label formats. ``masks`` reads rasters; ``annotations`` has a module for each annotation
format; ``vectors`` draws polygons: ``vector_files`` reads features, ``vector_areas`` takes their polygons,
``vector_classes`` finds the property that holds the class, and ``vector_placing`` goes from coordinates to pixels;
``pixel_centres`` finds polygons that cover none.

``alignment`` lays a label on its image's grid, with ``regridding``. ``class_key`` decides what the values of all labels
mean, with ``mask_values`` (and ``pieces``), ``roles`` and ``values``.
"""
