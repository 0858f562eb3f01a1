"""Brings pixels onto another grid: for each pixel of the new grid, which pixel of the old one is nearest.

Such a *lookup* is an array (H, W) of positions in the flattened old grid, −1 where the old grid has no pixel. It is
computed once and moves every array of a file alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.warp import reproject

from explorer.imagery.scene import GeoReference

Lookup = NDArray[np.int32]
"""(H, W) of the new grid: position in the flattened old grid, −1 = none."""

_NONE = -1
_ANY_CRS = CRS.from_epsg(3857)  # stands for an unknown system: no coordinates are converted between equal ones


def turned(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """An array (…, H, W) turned as an Exif orientation (1 to 8) demands."""
    rows, columns = array.ndim - 2, array.ndim - 1
    match orientation:
        case 2:
            array = np.flip(array, columns)
        case 3:
            array = np.flip(array, (rows, columns))
        case 4:
            array = np.flip(array, rows)
        case 5:
            array = np.swapaxes(array, rows, columns)
        case 6:
            array = np.flip(np.swapaxes(array, rows, columns), columns)
        case 7:
            array = np.flip(np.swapaxes(array, rows, columns), (rows, columns))
        case 8:
            array = np.flip(np.swapaxes(array, rows, columns), rows)
    return np.ascontiguousarray(array)


def turned_lookup(shape: tuple[int, int], orientation: int) -> Lookup:
    """Turns a grid of a shape as an Exif orientation demands."""
    return turned(_positions(shape), orientation)


def scaled_lookup(shape: tuple[int, int], new_shape: tuple[int, int]) -> Lookup:
    """Lays a grid over the whole of another of a different size."""
    rows, columns = (
        ((2 * np.arange(new, dtype=np.int64) + 1) * old // (2 * new)).astype(np.int32)
        for old, new in zip(shape, new_shape, strict=True)
    )
    return np.asarray(rows[:, None] * np.int32(shape[1]) + columns[None, :], dtype=np.int32)


def georeferenced_lookup(
    shape: tuple[int, int], georeference: GeoReference, new_shape: tuple[int, int], new_georeference: GeoReference
) -> Lookup:
    """Warps a grid onto another by their georeferences; if one has no CRS, that of the other is assumed.

    Raises:
        Exception: whatever GDAL and PROJ raise where one system cannot be converted to the other.
    """
    crs, new_crs = georeference.crs or new_georeference.crs, new_georeference.crs or georeference.crs
    lookup = np.full(new_shape, _NONE, dtype=np.int32)
    reproject(
        _positions(shape),
        lookup,
        src_transform=Affine(*georeference.transform),
        src_crs=CRS.from_user_input(crs) if crs else _ANY_CRS,
        src_nodata=_NONE,
        dst_transform=Affine(*new_georeference.transform),
        dst_crs=CRS.from_user_input(new_crs) if new_crs else _ANY_CRS,
        dst_nodata=_NONE,
        resampling=Resampling.nearest,
    )
    return lookup


def control_points_lookup(
    shape: tuple[int, int],
    points: Sequence[GroundControlPoint],
    crs: CRS | None,
    new_shape: tuple[int, int],
    new_transform: Affine,
) -> Lookup:
    """Warps a grid that ground control points locate onto a regular grid in the same coordinate reference system."""
    lookup = np.full(new_shape, _NONE, dtype=np.int32)
    reproject(
        _positions(shape),
        lookup,
        gcps=points,
        src_crs=crs or _ANY_CRS,
        src_nodata=_NONE,
        dst_transform=new_transform,
        dst_crs=crs or _ANY_CRS,
        dst_nodata=_NONE,
        resampling=Resampling.nearest,
    )
    return lookup


def picked(array: NDArray[Any], lookup: Lookup, fill: Any) -> NDArray[Any]:
    """The values of an array (…, H, W) on the new grid; ``fill`` where the old grid has no pixel."""
    flat = array.reshape(*array.shape[:-2], -1)
    result = flat[..., np.maximum(lookup, 0)]
    result[..., lookup == _NONE] = fill
    return result


def _positions(shape: tuple[int, int]) -> Lookup:
    return np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
