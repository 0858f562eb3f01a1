"""Imagery: scenes with their labels, and how they are read, checked, split and stored.

The package exports the types that every part uses. :mod:`explorer.imagery.datasets` makes datasets from uploads and
folders; :mod:`explorer.imagery.reading` reads the files. Both need rasterio, which takes 0.3 s to import: they are
imported only where files are read.
"""

from explorer.imagery.scene import IGNORE, Dataset, GeoReference, Raster, Scene, Stretch

__all__ = ["IGNORE", "Dataset", "GeoReference", "Raster", "Scene", "Stretch"]
