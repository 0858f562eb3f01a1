"""The objects of a predicted mask, one by one: class, score, area, centre, and where each begins and ends. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray

from explorer.imagery.ground import pixel_areas
from explorer.imagery.objects import connected_components
from explorer.imagery.scene import GeoReference
from explorer.metrics.class_map import STEPS

_COUNTED_AT_ONCE = 1 << 20  # pixels


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """n objects, by class and then from top to bottom. An object is an 8-connected component of one class.

    Attributes:
        ids: (H, W), 1..n, 0 = none.
        class_ids: (n,).
        scores: (n,), the mean probability of the class inside the object, 0 to 1.
        areas: (n,), pixels.
        centres: (n, 2), row and column of the centroid; the middle of the first pixel is (0, 0).
        boxes: (n, 4), first row, first column, and the row and column behind the last ones.
    """

    ids: NDArray[np.int32]
    class_ids: NDArray[np.int64]
    scores: NDArray[np.float64]
    areas: NDArray[np.int64]
    centres: NDArray[np.float64]
    boxes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.areas)


def find_objects(mask: NDArray[np.uint8], values: NDArray[np.uint16]) -> FoundObjects:
    """The objects of a mask.

    >>> mask = np.array([[1, 1, 0], [0, 0, 2]], dtype=np.uint8)
    >>> values = np.array([[[900, 700, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 600]]], dtype=np.uint16)
    >>> found = find_objects(mask, values)
    >>> found.class_ids.tolist(), found.areas.tolist(), found.scores.tolist(), found.boxes.tolist()
    ([1, 2], [2, 1], [0.8, 0.6], [[0, 0, 1, 2], [1, 2, 2, 3]])

    Args:
        mask: (H, W), class ids, 255 = no data.
        values: (K − 1, H, W), probabilities of the classes 1, 2, … in 1/STEPS.
    """
    ids = np.zeros(mask.shape, dtype=np.int32)
    class_ids: list[int] = []
    for class_id in range(1, len(values) + 1):
        own, count = connected_components(mask == class_id)
        for strip in _strips(mask.shape):
            np.add(own[strip], len(class_ids), out=ids[strip], where=own[strip] > 0)
        class_ids += [class_id] * count
    number = len(class_ids)
    sums = np.zeros(
        (4, number + 1)
    )  # pixels, probabilities, rows and columns of each object: whole numbers, added exactly
    for strip in _strips(mask.shape):
        rows, columns = np.nonzero(ids[strip])
        id_of_pixel = ids[strip][rows, columns]
        of_class = values[:, strip][mask[strip][rows, columns].astype(np.intp) - 1, rows, columns]
        for total_of, weights in zip(sums, (None, of_class, rows + strip.start, columns), strict=True):
            total_of += np.bincount(id_of_pixel, weights, number + 1)
    areas, total, down, across = sums[:, 1:]
    boxes = [
        (down.start, across.start, down.stop, across.stop) for down, across in scipy.ndimage.find_objects(ids, number)
    ]
    return FoundObjects(
        ids,
        np.array(class_ids, dtype=np.int64),
        total / (STEPS * np.maximum(areas, 1)),
        areas.astype(np.int64),
        np.stack([down, across], axis=1) / np.maximum(areas, 1)[:, None],
        np.array(boxes, dtype=np.int64).reshape(-1, 4),
    )


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Whole rows, from top to bottom: each pixel of an object takes some fifty bytes while it is counted."""
    rows = max(1, _COUNTED_AT_ONCE // max(1, shape[1]))
    for top in range(0, shape[0], rows):
        yield slice(top, min(shape[0], top + rows))


def areas_on_ground(found: FoundObjects, georeference: GeoReference | None) -> NDArray[np.float64] | None:
    """Square metres (n,) of each object on the ellipsoid; None if the georeference does not say.

    The pixels of an object are taken to be as large as the one at its centre.
    """
    of_pixel = pixel_areas(georeference, found.centres)
    return None if of_pixel is None else found.areas * of_pixel
