"""Footprints: where scenes lie on the ground, and which of them show the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon, STRtree

from explorer.imagery.scene import IGNORE, Scene

LEAST_SHARE = 0.01
"""Of the smaller scene: less is a seam between neighbours."""


@dataclass(frozen=True)
class Overlap:
    """Two scenes (positions in the list) and the share of the smaller one that both show."""

    first: int
    second: int
    share: float


def overlaps(scenes: Sequence[Scene]) -> list[Overlap]:
    """All pairs of georeferenced scenes that share more than ``LEAST_SHARE`` of the smaller one's ground."""
    known = next((scene.georeference.crs for scene in scenes if scene.georeference and scene.georeference.crs), None)
    footprints = {}
    for index, scene in enumerate(scenes):
        footprint = _footprint(scene, known)
        if footprint is not None and footprint.area > 0:
            footprints[index] = footprint
    if len(footprints) < 2:
        return []
    positions, polygons = list(footprints), list(footprints.values())
    found = []
    for one, other in STRtree(polygons).query(polygons, predicate="intersects").T:
        if positions[one] < positions[other]:
            smaller = min(polygons[one].area, polygons[other].area)
            share = polygons[one].intersection(polygons[other]).area / smaller
            if share > LEAST_SHARE:
                found.append(Overlap(positions[one], positions[other], share))
    return sorted(found, key=lambda overlap: (overlap.first, overlap.second))


def _footprint(scene: Scene, crs: str | None) -> Polygon | None:
    """The ground under the rows and columns that count, in a common system; None where it is not known."""
    if scene.georeference is None or (crs is not None and scene.georeference.crs is None):
        return None
    counted = scene.label != IGNORE
    rows, columns = np.flatnonzero(counted.any(axis=1)), np.flatnonzero(counted.any(axis=0))
    if not rows.size:
        return None
    edge = np.linspace(0, 1, 9)[:-1]  # points between the corners: straight lines bend in another system
    across = np.concatenate([edge, np.ones(8), 1 - edge, np.zeros(8)])
    down = np.concatenate([np.zeros(8), edge, np.ones(8), 1 - edge])
    x = columns[0] + across * (columns[-1] + 1 - columns[0])
    y = rows[0] + down * (rows[-1] + 1 - rows[0])
    a, b, c, d, e, f = scene.georeference.transform
    ground_x, ground_y = a * x + b * y + c, d * x + e * y + f
    if crs is not None and scene.georeference.crs != crs:
        moved = _transformed(scene.georeference.crs or "", crs, ground_x, ground_y)
        if moved is None:
            return None
        ground_x, ground_y = moved
    if not (np.isfinite(ground_x).all() and np.isfinite(ground_y).all()):
        return None
    polygon = Polygon(np.column_stack([ground_x, ground_y]))
    return polygon if polygon.is_valid else None


def _transformed(
    source: str, target: str, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    from rasterio.errors import CRSError, RasterioError  # 0.3 s: not at server start
    from rasterio.warp import transform

    try:
        moved_x, moved_y = transform(source, target, x.tolist(), y.tolist())
    except (CRSError, RasterioError):
        return None
    return np.array(moved_x), np.array(moved_y)
