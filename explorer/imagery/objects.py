"""Objects of a label: connected components, and the object nearest to each pixel.

An object is an 8-connected component of the pixels of one class. Pixels labelled ``IGNORE`` belong to none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MINIMUM_AREA = 8
"""By default, objects with fewer pixels are not counted."""

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class ObjectMaps:
    """The objects of a label, computed once per scene and cropped with it.

    ``owners`` holds the objects' Voronoi cells: every pixel belongs to the nearest object of a class (Euclidean
    distance between pixel centres), so that every false positive pixel is assigned to an object.
    """

    ids: NDArray[np.int32]  # (H, W), 1..n, unique over all foreground classes; 0 = none
    owners: NDArray[np.int32]  # (classes − 1, H, W), [k − 1]: id of the nearest object of class k; 0 = none


def label_objects(mask: NDArray[np.bool_], minimum_area: int = MINIMUM_AREA) -> tuple[NDArray[np.int32], int]:
    """Numbers the 8-connected components of a mask in row order.

    Args:
        mask: (H, W), True where the class is.
        minimum_area: components with fewer pixels are dropped; 1 keeps all.

    Returns:
        ids (H, W), 0 where there is no object and 1..n elsewhere; and n.
    """
    ids = np.zeros(mask.shape, dtype=np.int32)
    count = int(ndimage.label(mask, structure=_EIGHT_NEIGHBOURS, output=ids))
    if count == 0 or minimum_area <= 1:
        return ids, count
    kept = np.bincount(ids.ravel(), minlength=count + 1) >= minimum_area
    kept[0] = False
    if kept[1:].all():
        return ids, count
    renumbered = (np.cumsum(kept) * kept).astype(np.int32)
    return renumbered[ids], int(kept.sum())


def object_maps(label: NDArray[np.uint8], classes: int) -> ObjectMaps:
    """Ids and Voronoi cells of all objects of a label, whatever their size.

    Args:
        label: (H, W), class ids below ``classes``, or ``IGNORE``. The background, class 0, has no objects.
        classes: number of classes, background included.
    """
    ids = np.zeros(label.shape, dtype=np.int32)
    owners = np.zeros((classes - 1, *label.shape), dtype=np.int32)
    found = 0
    for class_id in range(1, classes):
        own, count = label_objects(label == class_id, minimum_area=1)
        if count == 0:
            continue
        own[own > 0] += found
        found += count
        ids += own
        rows, columns = ndimage.distance_transform_edt(own == 0, return_distances=False, return_indices=True)
        owners[class_id - 1] = own[rows, columns]
    return ObjectMaps(ids, owners)
