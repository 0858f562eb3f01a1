"""Statistics of the objects of a label: how large, how thin, how far apart, how many touch.

A plan and a match rule are derived from them. All lengths and areas are in pixels of the scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray

from explorer.imagery.objects import areas_of, connected_components, objects_of_class
from explorer.imagery.scene import IGNORE, Scene

MOST_PIXELS = 16_000_000
"""Pixels of all scenes that are looked at. Of larger ones, each scene gives the band of rows with most foreground."""

MOST_OBJECTS = 4000
"""Objects of a class that are measured; of more, evenly spaced ones."""

ObjectKind = Literal["points", "thin", "objects", "areas"]

_THIN = 5.0  # elongation, see ``ObjectStatistics``: cars have 2, ships 3 to 4, cracks 6 and more
_LARGE = 0.4  # of the side of a scene
_EQUAL_AREAS = 0.1  # an area this close to the median is equal to it
_POINTS = {"objects": 5, "equal": 0.6, "roundness": 0.6, "diameter": 16.0}  # least, least, least, most
_CORE = 0.6  # of an object's greatest depth


@dataclass(frozen=True, eq=False)
class ObjectStatistics:
    """The objects of one class in all scenes, one entry an object: arrays of (n,) unless said otherwise.

    - ``areas``: pixels.
    - ``sides``: (n, 2), height and width of the bounding box.
    - ``thickness``: diameter of the largest disc that fits into the object.
    - ``spacing``: distance from the centroid to the nearest centroid of another object of the scene; infinite if it is
      alone there.
    - ``touching``: where objects were drawn one by one, whether another object of the class is beside it; elsewhere,
      whether it looks like several that merged: its middle, where it is deeper than 0.6 of its greatest depth, falls
      apart.
    - ``cut``: it reaches the edge of the scene, or pixels to ignore, so that it may be larger than it is here.
    - ``counts``: (scenes,), number of objects in each scene, also of those that are not measured.
    """

    areas: NDArray[np.int64]
    sides: NDArray[np.int64]
    thickness: NDArray[np.float64]
    spacing: NDArray[np.float64]
    touching: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    counts: NDArray[np.int64]
    side: float  # of a scene, as looked at: square root of the mean number of its pixels

    @property
    def whole(self) -> NDArray[np.bool_]:
        """The objects whose sizes can be trusted: those that are not cut; all, if fewer than a third are not."""
        return ~self.cut if 3 * np.count_nonzero(~self.cut) > len(self.cut) else np.ones_like(self.cut)

    @property
    def diameters(self) -> NDArray[np.float64]:
        """Diameter of the disc of equal area."""
        return np.asarray(np.sqrt(self.areas * 4 / np.pi))

    @property
    def elongation(self) -> NDArray[np.float64]:
        """Area ÷ thickness²: about 0.8 for a disc, 1 for a square, and a bar's length ÷ its width."""
        thickness: NDArray[np.float64] = self.thickness
        return self.areas / thickness**2

    @property
    def roundness(self) -> NDArray[np.float64]:
        """Area ÷ area of the disc round the longer side of the bounding box: 1 for a disc, 1.3 for a square."""
        return np.asarray(self.areas / (np.pi / 4 * self.sides.max(1, initial=1) ** 2))

    @property
    def fill(self) -> NDArray[np.float64]:
        """Share of the bounding box that the object covers: 1 for an upright box."""
        return np.asarray(self.areas / self.sides.prod(1).clip(1))

    @property
    def equal_share(self) -> float:
        """Share of the class's pixels in objects whose area is within a tenth of the median; 0 if there are none."""
        areas = self.areas[self.whole]
        if not len(areas):
            return 0.0
        median = np.median(areas)
        return float(areas[np.abs(areas - median) <= _EQUAL_AREAS * median].sum() / areas.sum())

    @property
    def typical_elongation(self) -> float:
        """Median elongation where each object counts with its area, so that specks beside a crack do not; 0 if none."""
        return weighted_median(self.elongation, self.areas)

    @property
    def kind(self) -> ObjectKind:
        """What the objects are; a guess from their shapes.

        - ``points``: small round objects of equal size, as are drawn about points.
        - ``thin``: most of the class lies in things five times as long as thick, or more: roads, cracks.
        - ``areas``: most of the class lies in things as large as 0.4 of a scene's side: land cover.
        - ``objects``: anything else.
        """
        whole = self.whole
        if not len(self.areas):
            return "objects"
        if (
            len(self.areas) >= _POINTS["objects"]
            and self.equal_share >= _POINTS["equal"]
            and np.median(self.roundness[whole]) >= _POINTS["roundness"]
            and np.median(self.diameters[whole]) <= _POINTS["diameter"]
        ):
            return "points"
        if self.typical_elongation >= _THIN:
            return "thin"
        if weighted_median(self.diameters, self.areas) >= _LARGE * self.side:
            return "areas"
        return "objects"


def object_statistics(scenes: Sequence[Scene], classes: int) -> tuple[ObjectStatistics, ...]:
    """Of each foreground class, the statistics of its objects in all scenes; class k is at [k − 1].

    At most ``MOST_PIXELS`` are looked at, and ``MOST_OBJECTS`` of a class are measured.

    Args:
        scenes: at least one; their labels hold ids below ``classes``, or ``IGNORE``.
        classes: number of classes, background included.
    """
    share = min(1.0, MOST_PIXELS / max(1, sum(scene.label.size for scene in scenes)))
    parts = [_densest_rows(scene, share) for scene in scenes]
    side = float(np.sqrt(np.mean([label.size for label, _ in parts])))
    return tuple(_of_class(parts, class_id, side) for class_id in range(1, classes))


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    """The value at half of the total weight; 0 without values.

    >>> weighted_median(np.array([5.0, 1.0, 2.0]), np.array([6, 2, 3]))
    5.0

    Args:
        values: (n,).
        weights: (n,), not negative.
    """
    if not len(values):
        return 0.0
    order = np.argsort(values, kind="stable")
    past = weights[order].cumsum()
    return float(values[order[np.searchsorted(past, past[-1] / 2)]])


_Part = tuple[NDArray[np.uint8], NDArray[np.int32] | None]  # label and objects, see Scene


@dataclass(frozen=True, eq=False)
class _Found:
    """The objects of one class in one scene, in the order of ``objects_of_class``."""

    ids: NDArray[np.int32]  # (H, W)
    count: int
    areas: NDArray[np.int64]
    centroids: NDArray[np.float64]  # (n, 2)
    touching: NDArray[np.bool_] | None  # None: connected components


def _densest_rows(scene: Scene, share: float) -> _Part:
    """The band of this share of a scene's rows that holds most foreground."""
    height = max(1, round(scene.size[0] * share))
    if height == scene.size[0]:
        return scene.label, scene.objects
    foreground = ((scene.label > 0) & (scene.label != IGNORE)).sum(1)
    sums = np.concatenate([[0], np.cumsum(foreground)])
    top = int(np.argmax(sums[height:] - sums[:-height]))
    rows = slice(top, top + height)
    return scene.label[rows], None if scene.objects is None else scene.objects[rows]


def _of_class(parts: Sequence[_Part], class_id: int, side: float) -> ObjectStatistics:
    found = [_found(label, class_id, objects) for label, objects in parts]
    counts = np.array([each.count for each in found], dtype=np.int64)
    step = max(1, -(-int(counts.sum()) // MOST_OBJECTS))
    rows: list[tuple[float, ...]] = []
    past = 0
    for (label, _), each in zip(parts, found, strict=True):
        spacing = _spacing(each.centroids)
        boxes = scipy.ndimage.find_objects(each.ids)
        for i in range(-past % step, each.count, step):
            touching, thickness, cut = _shape(each, label, i, boxes[i])
            height, width = (extent.stop - extent.start for extent in boxes[i])
            rows.append((each.areas[i], height, width, thickness, spacing[i], touching, cut))
        past += each.count
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    whole_numbers = table[:, :3].astype(np.int64)
    return ObjectStatistics(
        areas=whole_numbers[:, 0],
        sides=whole_numbers[:, 1:],
        thickness=table[:, 3],
        spacing=table[:, 4],
        touching=table[:, 5] > 0,
        cut=table[:, 6] > 0,
        counts=counts,
        side=side,
    )


def _found(label: NDArray[np.uint8], class_id: int, objects: NDArray[np.int32] | None) -> _Found:
    ids, count = objects_of_class(label, class_id, objects)
    areas = areas_of(ids, count)
    rows, columns = np.nonzero(ids)
    of = ids[rows, columns]
    sums = [np.bincount(of, weights=axis, minlength=count + 1)[1:] for axis in (rows, columns)]
    centroids = np.stack(sums, 1) / np.maximum(areas, 1)[:, None]
    touching = None
    if objects is not None and (objects[label == class_id] > 0).any():
        touching = np.zeros(count + 1, dtype=np.bool_)
        for one, other in _neighbours(ids):
            meet = (one != other) & (one > 0) & (other > 0)
            touching[one[meet]] = touching[other[meet]] = True
        touching = touching[1:]
    return _Found(ids, count, areas, centroids, touching)


def _neighbours(ids: NDArray[np.int32]) -> tuple[tuple[NDArray[np.int32], NDArray[np.int32]], ...]:
    """All pairs of pixels that are beside each other or meet at a corner, as pairs of views."""
    return (
        (ids[:, :-1], ids[:, 1:]),
        (ids[:-1], ids[1:]),
        (ids[:-1, :-1], ids[1:, 1:]),
        (ids[:-1, 1:], ids[1:, :-1]),
    )


def _spacing(centroids: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(centroids) < 2:
        return np.full(len(centroids), np.inf)
    distances = np.asarray(scipy.spatial.KDTree(centroids).query(centroids, k=2)[0], dtype=np.float64)
    return distances[:, 1]


def _shape(each: _Found, label: NDArray[np.uint8], i: int, box: tuple[slice, ...]) -> tuple[bool, float, bool]:
    """Of one object: whether it touches another, its thickness, and whether it is cut."""
    mask = np.pad(each.ids[box] == i + 1, 1)
    depth = scipy.ndimage.distance_transform_edt(mask)
    deepest = float(depth.max())
    touching = bool(each.touching[i]) if each.touching is not None else _looks_merged(depth, deepest)
    # From pixel centre to pixel centre: an object one pixel thick has depth 1
    return touching, max(1.0, 2 * deepest - 1), _is_cut(label, mask, box)


def _looks_merged(depth: NDArray[np.float64], deepest: float) -> bool:
    return deepest >= 2 and connected_components(depth > _CORE * deepest)[1] > 1


def _is_cut(label: NDArray[np.uint8], mask: NDArray[np.bool_], box: tuple[slice, ...]) -> bool:
    inside = all(extent.start > 0 and extent.stop < side for extent, side in zip(box, label.shape, strict=True))
    if not inside:
        return True
    around = label[box[0].start - 1 : box[0].stop + 1, box[1].start - 1 : box[1].stop + 1]
    ignored = around == IGNORE
    return bool(ignored.any() and (scipy.ndimage.binary_dilation(mask) & ignored).any())
