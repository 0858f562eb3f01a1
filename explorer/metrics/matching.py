"""One-to-one matching of predicted objects with the objects of a label.

A predicted object and a label object are a pair when their IoU = |A ∩ B| / |A ∪ B| is strictly above ½. No
object can have two such partners, so that the matching is unique and needs no solver (Kirillov et al., Panoptic
Segmentation, CVPR 2019, section 4.1).

Ignored pixels (label 255) belong to no object: predicted objects are the connected components of the prediction on
the other pixels, so that predictions at ignored pixels cannot change a match. A predicted object without a partner is
no false alarm where it is the visible part of one of which more than half is ignored. The minimum area applies to
objects of label and prediction alike, without their ignored pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.objects import MINIMUM_AREA, label_objects
from explorer.imagery.scene import IGNORE


@dataclass(frozen=True, eq=False)
class LabelObjects:
    """The objects of one class in a label. They are found once and matched many times."""

    ids: NDArray[np.int32]  # (H, W), 1..n, 0 = none
    areas: NDArray[np.int64]  # (n,) pixels
    valid: NDArray[np.bool_]  # (H, W), False: ignored
    minimum_area: int


@dataclass(frozen=True, eq=False)
class Matching:
    """Which of n label objects were found, and by which of m predicted objects."""

    partners: NDArray[np.int64]  # (n,) id of the predicted object that found it, 0 = missed
    ious: NDArray[np.float64]  # (n,) IoU with that object, 0 = missed
    false_alarms: NDArray[np.bool_]  # (m,) True: no partner, and not mostly ignored
    predicted_ids: NDArray[np.int32]  # (H, W), 1..m, 0 = none


def find_label_objects(label: NDArray[np.uint8], class_id: int, minimum_area: int = MINIMUM_AREA) -> LabelObjects:
    """The objects of one class in a label.

    Args:
        label: (H, W), class ids, 255 = ignore.
        class_id: the class whose objects are meant.
        minimum_area: objects of fewer pixels are left out, here and among the predicted ones.
    """
    ids, count = label_objects(label == class_id, minimum_area)
    return LabelObjects(ids, areas_of(ids, count), label != IGNORE, minimum_area)


def match(predicted: NDArray[np.bool_], objects: LabelObjects) -> Matching:
    """Matches the connected components of a prediction with the objects of a label.

    >>> label = np.array([[1, 1, 0, 1, 0, 0]], dtype=np.uint8)
    >>> predicted = np.array([[1, 1, 0, 0, 0, 1]], dtype=bool)
    >>> found = match(predicted, find_label_objects(label, class_id=1, minimum_area=1))
    >>> found.partners, found.ious, found.false_alarms
    (array([1, 0]), array([1., 0.]), array([False,  True]))

    Args:
        predicted: (H, W), True where the class is predicted.
        objects: the label's objects of that class.
    """
    ids, count = label_objects(predicted & objects.valid, objects.minimum_area)
    areas = areas_of(ids, count)
    both = np.flatnonzero((ids > 0) & (objects.ids > 0))
    pairs, intersections = np.unique(
        objects.ids.ravel()[both].astype(np.int64) * (count + 1) + ids.ravel()[both], return_counts=True
    )
    label_ids, predicted_ids = np.divmod(pairs, count + 1)
    unions = objects.areas[label_ids - 1] + areas[predicted_ids - 1] - intersections
    matched = 2 * intersections > unions  # whole numbers: exactly ½ is no match, whatever the rounding
    label_ids, predicted_ids = label_ids[matched], predicted_ids[matched]

    partners = np.zeros(len(objects.areas), dtype=np.int64)
    ious = np.zeros(len(objects.areas), dtype=np.float64)
    partners[label_ids - 1] = predicted_ids
    ious[label_ids - 1] = intersections[matched] / unions[matched]
    false_alarms = np.ones(count, dtype=np.bool_)
    false_alarms[predicted_ids - 1] = False
    if count and (hidden := predicted & ~objects.valid).any():
        false_alarms &= ~_mostly_ignored(predicted, hidden, ids, count)
    return Matching(partners, ious, false_alarms, ids)


def areas_of(ids: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Pixels of each of the objects 1..count: (count,)."""
    return np.bincount(ids[ids > 0], minlength=count + 1)[1:].astype(np.int64)


def _mostly_ignored(
    predicted: NDArray[np.bool_], hidden: NDArray[np.bool_], ids: NDArray[np.int32], count: int
) -> NDArray[np.bool_]:
    """(count,) True where the component that an object is part of, ignored pixels included, is mostly ignored."""
    whole, wholes = label_objects(predicted, minimum_area=1)
    mostly = np.append(False, 2 * areas_of(whole * hidden, wholes) > areas_of(whole, wholes))
    whole_of = np.zeros(count + 1, dtype=np.int64)
    whole_of[ids] = whole  # all pixels of an object lie in one whole
    return mostly[whole_of[1:]]
