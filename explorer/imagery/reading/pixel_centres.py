"""Whether a polygon is drawn at all: whether it contains the centre of a pixel."""

from __future__ import annotations

import numpy as np
import shapely

_MOST_CENTRES = 4096  # in the bounds of a polygon that are looked at one by one
_SURE_AREA = 0.75  # × length of the outline: without a centre, no point is farther than √½ from the outline


def covers_a_centre(polygon: shapely.Polygon, shape: tuple[int, ...]) -> bool:
    """Whether a polygon contains the centre of a pixel of an image; near enough where it is thin and very long.

    Args:
        polygon: in pixels, x to the right and y down.
        shape: height and width of the image.
    """
    left, top, right, bottom = polygon.bounds
    inside = left >= 0 and top >= 0 and right <= shape[1] and bottom <= shape[0]
    if inside and polygon.area > _SURE_AREA * polygon.length + 2 * shapely.get_num_coordinates(polygon):
        return True
    columns = np.arange(max(0.0, np.ceil(left - 0.5)), min(shape[1] - 1.0, np.floor(right - 0.5)) + 1) + 0.5
    rows = np.arange(max(0.0, np.ceil(top - 0.5)), min(shape[0] - 1.0, np.floor(bottom - 0.5)) + 1) + 0.5
    if len(columns) * len(rows) > _MOST_CENTRES:
        return bool(polygon.area >= 1)
    x, y = np.meshgrid(columns, rows)
    return bool(shapely.contains_xy(polygon, x, y).any())
