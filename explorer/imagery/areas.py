"""Areas of interest: polygons in pixels, outside of which a label is ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from explorer.errors import InputError
from explorer.imagery.choices import Polygon
from explorer.imagery.reading.vectors import NoOverlapError, polygons_in_pixels
from explorer.imagery.scene import Raster
from explorer.settings import Settings

_NOWHERE: Polygon = ((-2.0, -2.0), (-1.0, -1.0))
"""The area of a scene on which no polygon lies."""


def outside_areas(areas: Sequence[Polygon], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W), True where a pixel's centre lies in none of the polygons.

    Args:
        areas: corners (x, y) in pixels; two corners are opposite ones of a box.
        shape: height and width.
    """
    inside = rasterize(
        [({"type": "Polygon", "coordinates": [_closed(area)]}, 1) for area in areas],
        out_shape=shape,
        dtype=np.uint8,
    )
    outside: NDArray[np.bool_] = inside == 0
    return outside


def areas_in_file(
    data: bytes, name: str, rasters: Mapping[str, Raster], limits: Settings | None = None
) -> dict[str, tuple[Polygon, ...]]:
    """The polygons of a vector file, in pixels of each scene; of a scene without any, an area outside of it.

    Args:
        data: content of the file.
        name: of the file.
        rasters: images by the names of their scenes.
        limits: on the file's size; those of the installation if not given.

    Raises:
        InputError: the file cannot be read, or its polygons lie on none of the scenes.
    """
    areas: dict[str, tuple[Polygon, ...]] = {}
    outside = []
    for scene, raster in rasters.items():
        try:
            areas[scene] = polygons_in_pixels(data, name, raster, limits)
        except NoOverlapError as problem:
            areas[scene] = (_NOWHERE,)
            outside.append(problem)
    if outside and len(outside) == len(rasters):
        raise outside[0]
    return areas


def area_of(text: str) -> Polygon:
    """A polygon from "x,y,x,y,…"; two corners are opposite ones of a box.

    Raises:
        InputError: an odd number of values, fewer than two corners, or not numbers.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) < 4 or len(numbers) % 2 or not np.isfinite(numbers).all():
        raise InputError(f"{text!r} is no area", "area", "give corners in pixels: left,top,right,bottom or x,y,x,y,x,y")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _closed(area: Polygon) -> list[tuple[float, float]]:
    if len(area) == 2:
        (left, top), (right, bottom) = area
        area = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [*area, area[0]]
