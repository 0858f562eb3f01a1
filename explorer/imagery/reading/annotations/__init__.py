"""Annotation files, which hold the outlines or pixels of objects by class name: a module with a reader per format.

``documents`` parses JSON and finds an image among the names in a file, ``runs`` decodes run lengths, and ``drawing``
draws what the readers found into a mask. ``colour_keys`` reads the class of each colour of raster masks,
``unsupported`` names the formats that are recognised and not read.
"""
