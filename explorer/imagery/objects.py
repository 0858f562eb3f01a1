"""Objects of a label: which pixels form one, how large they are, and the object nearest to each pixel.

Where a label came with objects drawn one by one, an object is all pixels of one class with one id, so that objects that
touch stay apart. Elsewhere, an object is an 8-connected component of the pixels of one class; so are pixels of a class
that have no id. Pixels labelled ``IGNORE`` belong to none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray

from explorer.imagery.scene import Scene

MINIMUM_AREA = 8
"""The largest minimum area, in pixels, that is taken unless another is chosen."""

_SMALLEST_SHARE = 0.05  # of the objects: at most so many fall below the minimum area that is taken by default
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class ObjectMaps:
    """The objects of a label, computed once per scene and cropped with it.

    ``owners`` holds the objects' Voronoi cells: every pixel belongs to the nearest object of a class (Euclidean
    distance between pixel centres), so that every false positive pixel is assigned to an object.
    """

    ids: NDArray[np.int32]  # (H, W), 1..n, unique over all foreground classes; 0 = none
    owners: NDArray[np.int32]  # (classes − 1, H, W), [k − 1]: id of the nearest object of class k; 0 = none


def connected_components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Numbers the 8-connected components of a mask in row order.

    >>> connected_components(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]], dtype=bool))[1]
    2

    Args:
        mask: (H, W).

    Returns:
        ids (H, W), 0 outside the mask and 1..n inside; and n.
    """
    ids = np.zeros(mask.shape, dtype=np.int32)
    return ids, int(scipy.ndimage.label(mask, structure=_EIGHT_NEIGHBOURS, output=ids))


def objects_of_class(
    label: NDArray[np.uint8], class_id: int, objects: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int32], int]:
    """Numbers the objects of one class, whatever their size.

    >>> label = np.array([[1, 1, 1, 0, 1]], dtype=np.uint8)
    >>> objects_of_class(label, 1)[0]
    array([[1, 1, 1, 0, 2]], dtype=int32)
    >>> objects_of_class(label, 1, np.array([[7, 7, 9, 0, 0]], dtype=np.int32))[0]
    array([[1, 1, 2, 0, 3]], dtype=int32)

    Args:
        label: (H, W), class ids, 255 = ignore.
        class_id: the class whose objects are meant.
        objects: (H, W), an id per object that was drawn by itself, 0 = none; see ``Scene.objects``.

    Returns:
        ids (H, W), 0 where there is no object of the class and 1..n elsewhere: first the objects with an id in the
        order of their ids, then components; and n.
    """
    mask = label == class_id
    if objects is None:
        return connected_components(mask)
    drawn = mask & (objects > 0)
    ids, components = connected_components(mask & ~drawn)
    found, number = np.unique(objects[drawn], return_inverse=True)
    ids[ids > 0] += len(found)
    ids[drawn] = number + 1
    return ids, len(found) + components


def areas_of(ids: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Pixels of each of the objects 1..count: (count,)."""
    return np.bincount(ids[ids > 0], minlength=count + 1)[1:].astype(np.int64)


def centroids_of(ids: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """Row and column of the centroid of each of the objects 1..count: (count, 2); the first pixel's middle is 0.

    >>> centroids_of(np.array([[1, 1, 0], [0, 0, 2]], dtype=np.int32), 2)
    array([[0. , 0.5],
           [1. , 2. ]])
    """
    places = np.flatnonzero(ids)
    id_of_pixel = ids.ravel()[places]
    rows, columns = np.divmod(places, ids.shape[1])
    areas, *sums = (np.bincount(id_of_pixel, weights, count + 1)[1:] for weights in (None, rows, columns))
    centroids: NDArray[np.float64] = np.stack(sums, axis=1) / areas[:, None]
    return centroids


def object_maps(label: NDArray[np.uint8], classes: int, objects: NDArray[np.int32] | None = None) -> ObjectMaps:
    """Ids and Voronoi cells of all objects of a label, whatever their size.

    Args:
        label: (H, W), class ids below ``classes``, or ``IGNORE``. The background, class 0, has no objects.
        classes: number of classes, background included.
        objects: (H, W), an id per object that was drawn by itself, 0 = none; see ``Scene.objects``.
    """
    ids = np.zeros(label.shape, dtype=np.int32)
    owners = np.zeros((classes - 1, *label.shape), dtype=np.int32)
    found = 0
    for class_id in range(1, classes):
        own, count = objects_of_class(label, class_id, objects)
        if count == 0:
            continue
        own[own > 0] += found
        found += count
        ids += own
        rows, columns = scipy.ndimage.distance_transform_edt(own == 0, return_distances=False, return_indices=True)
        owners[class_id - 1] = own[rows, columns]
    return ObjectMaps(ids, owners)


def object_areas(scenes: Sequence[Scene], classes: int) -> tuple[NDArray[np.int64], ...]:
    """Of each foreground class, the areas (n,) in pixels of its objects in all scenes.

    Args:
        scenes: their labels hold ids below ``classes``, or ``IGNORE``.
        classes: number of classes, background included.
    """
    none = np.zeros(0, dtype=np.int64)
    return tuple(
        np.concatenate([none, *(areas_of(*objects_of_class(scene.label, class_id, scene.objects)) for scene in scenes)])
        for class_id in range(1, classes)
    )


def median_diameter(areas: NDArray[np.int64]) -> float:
    """Diameter of the disc whose area is the median, in pixels; 0 without objects.

    >>> round(median_diameter(np.array([3, 314, 900])), 1)
    20.0

    Args:
        areas: (n,) pixels.
    """
    return 2 * math.sqrt(float(np.median(areas)) / math.pi) if len(areas) else 0.0


def near_others(ids: NDArray[np.int32], count: int, gap: float) -> NDArray[np.bool_]:
    """Of each of the objects 1..count, whether another is at most about this far away, edge to edge: (count,).

    >>> near_others(np.array([[1, 0, 0, 2, 3, 0, 0, 0, 0, 0, 4]], dtype=np.int32), 4, gap=2)
    array([ True,  True,  True, False])

    Args:
        ids: (H, W), 1..count, 0 = none.
        gap: pixels between the two, not negative; 0: they touch, side by side or at a corner.
    """
    from skimage.segmentation import expand_labels  # 0.2 s: not at server start

    grown = np.pad(expand_labels(ids, gap / 2), 1)
    near = np.zeros(count + 1, dtype=np.bool_)
    for one, other in (
        (grown[:, :-1], grown[:, 1:]),
        (grown[:-1], grown[1:]),
        (grown[:-1, :-1], grown[1:, 1:]),
        (grown[:-1, 1:], grown[1:, :-1]),
    ):
        meet = (one != other) & (one > 0) & (other > 0)
        near[one[meet]] = near[other[meet]] = True
    return near[1:]


def default_minimum_area(scenes: Sequence[Scene], classes: int) -> int:
    """The minimum area that suits the objects of a label: at most 5 % of them are smaller, and it is at most 8 pixels.

    Args:
        scenes: all of a dataset.
        classes: number of classes, background included.

    Returns:
        1 to ``MINIMUM_AREA``; the latter where there is no object.
    """
    areas = np.concatenate(object_areas(scenes, classes))
    if not len(areas):
        return MINIMUM_AREA
    return min(MINIMUM_AREA, int(np.quantile(areas, _SMALLEST_SHARE, method="lower")))
