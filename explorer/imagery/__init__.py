"""Imagery: scenes with their labels, and how they are read, checked, split and stored.

:mod:`explorer.imagery.scene` defines the types that every part uses. :mod:`explorer.imagery.datasets` makes datasets
from uploads and folders; :mod:`explorer.imagery.reading` reads the files. Both need rasterio, which takes 0.3 s to
import: they are imported only where files are read.
"""
