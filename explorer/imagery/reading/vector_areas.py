"""From the features of a vector file to polygons: collections are opened, self-crossings repaired, the rest counted.

A polygon is an object; so is each part of a feature with several parts, such as one that was dissolved by class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import FileKind
from explorer.imagery.reading.vector_files import VectorFile

_POLYGON = 3  # type ids of shapely
_COLLECTIONS = (4, 5, 6, 7)
_KINDS = {0: "point", 1: "line", 2: "line", 4: "point", 5: "line"}
_NOT_VALID = "not valid"
_WITHOUT_GEOMETRY = "without a geometry"
_EMPTY = "empty geometry"
_LISTED = 5  # feature numbers in a note
_MAX_CROSSINGS = 10_000  # of a polygon with itself; repairing more takes minutes
_SAMPLED_SEGMENTS = 100


@dataclass(frozen=True, eq=False)
class Areas:
    """The polygons of a vector file, in the file's coordinates.

    Attributes:
        kind: of the file.
        polygons: (n,) valid shapely polygons of two dimensions.
        objects: (n,) 0 … n − 1, ascending; polygons of one object have the same.
        features: (n,) position of each polygon's feature in ``properties``.
        properties: by name the value of each feature.
        crs: that the file declares; None if it declares none.
        feature_count: features in the file.
        left_out: why features have no polygon, and their numbers in the file, from 1.
        repaired: numbers of the features whose polygons crossed themselves.
        in_part: numbers of the features that hold points or lines beside polygons.
    """

    kind: FileKind
    polygons: NDArray[np.object_]
    objects: NDArray[np.int64]
    features: NDArray[np.int64]
    properties: Mapping[str, Sequence[str | None]]
    crs: CRS | None
    feature_count: int
    left_out: Mapping[str, Sequence[int]]
    repaired: Sequence[int]
    in_part: Sequence[int]

    def notes(self) -> tuple[Note, ...]:
        """What was left out or repaired."""
        sentences = []
        missing = sum(map(len, self.left_out.values()))
        if missing:
            reasons = ", ".join(_counted(reason, numbers) for reason, numbers in self.left_out.items())
            sentences.append(f"{missing} of {self.feature_count} features have no area and were left out: {reasons}.")
        if self.repaired:
            sentences.append(f"Polygons that cross themselves were repaired: {_numbers(self.repaired)}.")
        if self.in_part:
            sentences.append(f"Only the polygons are used of collections: {_numbers(self.in_part)}.")
        return (Note("feature_left_out", " ".join(sentences)),) if sentences else ()


def areas_of(file: VectorFile, name: str) -> Areas:
    """The polygons of a file; there may be none."""
    present = np.flatnonzero(file.valid & ~shapely.is_missing(file.geometries) & ~shapely.is_empty(file.geometries))
    parts, owners = _opened(file.geometries[present], present)
    finite = _finite(parts)
    is_polygon = (shapely.get_type_id(parts) == _POLYGON) & finite
    polygons, owners_of_polygons = shapely.force_2d(parts[is_polygon]), owners[is_polygon]
    polygons, drawn, repaired = _repaired(polygons)
    features = owners_of_polygons[drawn]
    _, objects = np.unique(drawn, return_inverse=True)
    left_out: dict[str, list[int]] = {}
    has_polygon = np.isin(np.arange(len(file.geometries)), features)
    kinds = dict(zip(owners[::-1].tolist(), shapely.get_type_id(parts)[::-1].tolist(), strict=True))
    not_finite = set(owners[~finite].tolist())
    for position in np.flatnonzero(~has_polygon).tolist():
        geometry = file.geometries[position]
        if not file.valid[position] or position in not_finite:
            reason = _NOT_VALID
        elif geometry is None:
            reason = _WITHOUT_GEOMETRY
        else:
            reason = _KINDS.get(kinds[position], _NOT_VALID) if position in kinds else _EMPTY
        left_out.setdefault(reason, []).append(position + 1)
    areas = Areas(
        file.kind,
        polygons,
        objects.astype(np.int64),
        features,
        file.properties,
        file.crs,
        len(file.geometries),
        left_out,
        sorted({int(number) + 1 for number in owners_of_polygons[repaired]}),
        sorted({int(number) + 1 for number in owners[~is_polygon] if has_polygon[number]}),
    )
    return areas


def _opened(
    geometries: NDArray[np.object_], owners: NDArray[np.int64]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The single parts of geometries, and the owner of each."""
    while np.isin(shapely.get_type_id(geometries), _COLLECTIONS).any():
        geometries, positions = shapely.get_parts(geometries, return_index=True)
        owners = owners[positions]
    filled = ~shapely.is_empty(geometries)
    return geometries[filled], owners[filled]


def _finite(geometries: NDArray[np.object_]) -> NDArray[np.bool_]:
    corners, positions = shapely.get_coordinates(geometries, return_index=True)
    finite = np.ones(len(geometries), dtype=np.bool_)
    finite[positions[~np.isfinite(corners).all(axis=1)]] = False
    return finite


def _repaired(
    polygons: NDArray[np.object_],
) -> tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64]]:
    """Valid polygons, the position of the polygon that each came from, and the positions of those repaired."""
    invalid = np.flatnonzero(~shapely.is_valid(polygons))
    if not len(invalid):
        return polygons, np.arange(len(polygons)), invalid
    mended = polygons.copy()
    for position in invalid:
        few = _crossings(polygons[position]) <= _MAX_CROSSINGS
        mended[position] = (
            shapely.make_valid(polygons[position], method="structure", keep_collapsed=False) if few else None
        )
    parts, drawn = _opened(mended[~shapely.is_missing(mended)], np.flatnonzero(~shapely.is_missing(mended)))
    kept = shapely.get_type_id(parts) == _POLYGON
    return parts[kept], drawn[kept], np.intersect1d(invalid, drawn[kept])


def _crossings(polygon: shapely.Polygon) -> float:
    """About how often the outline crosses itself, from a sample of its segments."""
    corners = shapely.get_coordinates(polygon)
    segments = shapely.linestrings(np.stack([corners[:-1], corners[1:]], axis=1))
    sample = segments[:: max(1, len(segments) // _SAMPLED_SEGMENTS)]
    pairs = len(shapely.STRtree(segments).query(sample, predicate="intersects")[0])
    return max(0, pairs - 3 * len(sample)) * len(segments) / len(sample) / 2  # itself and its neighbours do not count


def _counted(reason: str, numbers: Sequence[int]) -> str:
    plural = "s" if len(numbers) > 1 and reason in ("point", "line") else ""
    return f"{len(numbers)} {reason}{plural} ({_numbers(numbers)})"


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_LISTED]))
    more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
    return f"feature{'s' if len(numbers) > 1 else ''} {shown}{more}"
