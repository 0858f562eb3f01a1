"""Encodes small images and zips as other software does: input of the reading tests."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from PIL import Image
from rasterio.control import GroundControlPoint
from rasterio.io import MemoryFile
from rasterio.transform import from_origin


def png(array, **options) -> bytes:
    """(H, W) or (H, W, C) as PNG by Pillow."""
    return picture(Image.fromarray(array), **options)


def picture(image: Image.Image, kind="PNG", **options) -> bytes:
    """A Pillow image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def palette_png(index, colours, **options) -> bytes:
    """(H, W) of indices into a list of colours as PNG."""
    image = Image.fromarray(index, mode="P")
    image.putpalette([part for colour in colours for part in colour])
    return picture(image, **options)


def tiff(array, *, driver="GTiff", names=(), colours=None, mask=None, interpretation=None, **profile) -> bytes:
    """(C, H, W) as TIFF by rasterio."""
    bands, height, width = array.shape
    with MemoryFile() as memory:
        with memory.open(
            driver=driver, width=width, height=height, count=bands, dtype=array.dtype, **profile
        ) as dataset:
            dataset.write(array)
            for number, name in enumerate(names, start=1):
                dataset.set_band_description(number, name)
            if colours is not None:
                dataset.write_colormap(1, colours)
            if mask is not None:
                dataset.write_mask(mask)
            if interpretation is not None:
                dataset.colorinterp = interpretation
        return memory.read()


def oriented_tiff(array, orientation, **options) -> bytes:
    """(H, W) as TIFF by Pillow, with the tag Orientation."""
    return picture(Image.fromarray(array), "TIFF", tiffinfo={274: orientation}, **options)


def tiff_with_control_points(array, points, crs) -> bytes:
    """(C, H, W) as GeoTIFF that is located only by points (column, row, x, y)."""
    gcps = [GroundControlPoint(row=row, col=column, x=x, y=y) for column, row, x, y in points]
    return tiff(array, gcps=gcps, crs=crs)


def geotiff(array, *, crs="EPSG:32616", west=500_000.0, north=3_700_000.0, pixel=1.0, **profile) -> bytes:
    """(C, H, W) as GeoTIFF, north up, with its top left corner at (west, north)."""
    return tiff(array, crs=crs, transform=from_origin(west, north, pixel, pixel), **profile)


def zipped(members, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """Contents by name as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def shortly(value) -> str | None:
    """A short test id for parameters that are whole files."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else None


def photo(height=12, width=10, bands=3, dtype="uint8", seed=0):
    """(C, H, W) of noise."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(dtype).max, (bands, height, width), dtype=dtype)
