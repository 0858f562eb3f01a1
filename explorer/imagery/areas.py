"""Areas of interest: polygons in pixels, outside of which a label is ignored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from explorer.errors import InputError
from explorer.imagery.choices import Polygon


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
