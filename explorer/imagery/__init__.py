"""Imagery: scenes with their labels, and how they are read, checked, split and kept.

Here are the words that every part uses. Reading needs rasterio, which takes 0.3 s to import, and is therefore
imported where files come in: :mod:`explorer.imagery.datasets` makes datasets of folders and uploads,
:mod:`explorer.imagery.reading.raster` reads one image.
"""

from explorer.imagery.scene import IGNORE, Dataset, GeoReference, Raster, Scene, Stretch

__all__ = ["IGNORE", "Dataset", "GeoReference", "Raster", "Scene", "Stretch"]
