"""One-to-one matching of predicted objects with the objects of a label.

A predicted object and a label object are a pair when their IoU = |A ∩ B| / |A ∪ B| is strictly above ½. No
object can have two such partners, so that the matching is unique and needs no solver (Kirillov et al., Panoptic
Segmentation, CVPR 2019, section 4.1).

All objects take part, whatever their size. The minimum area is applied to the result, so that the outcome of one object
does not depend on whether its partner is just below or just above it:

- an object of the label below the minimum is neither found nor missed;
- a predicted object that found such an object is nothing: no hit and no false alarm;
- a predicted object without a partner is a false alarm unless it is below the minimum itself;
- an object of the label at or above the minimum is found by a predicted object of any size.

A predicted object at or above the minimum that has no partner is a false alarm also where it covers small objects of
the label: only a match excuses it.

Objects of a label that were drawn one by one stay apart where they touch (``explorer.imagery.objects``). Predicted
objects are connected components always, since a segmenter predicts no ids: a component that covers several touching
objects matches at most the one that makes up more than half of it, and the others are missed.

Ignored pixels (label 255) belong to no object: predicted objects are the connected components of the prediction on
the other pixels, so that predictions at ignored pixels cannot change a match. A predicted object without a partner is
no false alarm where it is the visible part of one of which more than half is ignored. Areas are without ignored pixels.
In a part of a scene, an object's area is that of its pixels there, as at the edge of a scene.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.objects import areas_of, connected_components, objects_of_class
from explorer.imagery.scene import IGNORE

MATCH_RULE = "IoU > 0.5"
"""When a predicted object counts as an object of the label, in words."""


@dataclass(frozen=True, eq=False)
class LabelObjects:
    """The objects of one class in a label. They are found once and matched many times."""

    ids: NDArray[np.int32]  # (H, W), 1..n, 0 = none
    areas: NDArray[np.int64]  # (n,) pixels
    valid: NDArray[np.bool_]  # (H, W), False: ignored


@dataclass(frozen=True, eq=False)
class Matching:
    """Which of n label objects were found, and by which of m predicted objects, whatever their sizes."""

    areas: NDArray[np.int64]  # (n,) pixels of the label's objects
    partners: NDArray[np.int64]  # (n,) id of the predicted object that found it, 0 = not found
    ious: NDArray[np.float64]  # (n,) IoU with that object, 0 = not found
    predicted_ids: NDArray[np.int32]  # (H, W), 1..m, 0 = none
    predicted_areas: NDArray[np.int64]  # (m,) pixels
    unexplained: NDArray[np.bool_]  # (m,) True: no partner, and not mostly ignored

    def counted(self, minimum_area: int) -> NDArray[np.bool_]:
        """(n,): the label's objects that are found or missed; the others are below the minimum area."""
        counted: NDArray[np.bool_] = self.areas >= minimum_area
        return counted

    def false_alarms(self, minimum_area: int) -> NDArray[np.bool_]:
        """(m,): the predicted objects that are false alarms."""
        return self.unexplained & (self.predicted_areas >= minimum_area)


def find_label_objects(
    label: NDArray[np.uint8], class_id: int, objects: NDArray[np.int32] | None = None
) -> LabelObjects:
    """The objects of one class in a label, whatever their size.

    Args:
        label: (H, W), class ids, 255 = ignore.
        class_id: the class whose objects are meant.
        objects: (H, W), an id per object that was drawn by itself, 0 = none; see ``Scene.objects``.
    """
    ids, count = objects_of_class(label, class_id, objects)
    return LabelObjects(ids, areas_of(ids, count), label != IGNORE)


def match(predicted: NDArray[np.bool_], objects: LabelObjects) -> Matching:
    """Matches the connected components of a prediction with the objects of a label.

    >>> label = np.array([[1, 1, 0, 1, 0, 0]], dtype=np.uint8)
    >>> predicted = np.array([[1, 1, 0, 0, 0, 1]], dtype=bool)
    >>> found = match(predicted, find_label_objects(label, class_id=1))
    >>> found.partners, found.ious
    (array([1, 0]), array([1., 0.]))
    >>> found.counted(minimum_area=2), found.false_alarms(minimum_area=1), found.false_alarms(minimum_area=2)
    (array([ True, False]), array([False,  True]), array([False, False]))

    Args:
        predicted: (H, W), True where the class is predicted.
        objects: the label's objects of that class.
    """
    ids, count = connected_components(predicted & objects.valid)
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
    unexplained = np.ones(count, dtype=np.bool_)
    unexplained[predicted_ids - 1] = False
    if count and (hidden := predicted & ~objects.valid).any():
        unexplained &= ~_mostly_ignored(predicted, hidden, ids, count)
    return Matching(objects.areas, partners, ious, ids, areas, unexplained)


def _mostly_ignored(
    predicted: NDArray[np.bool_], hidden: NDArray[np.bool_], ids: NDArray[np.int32], count: int
) -> NDArray[np.bool_]:
    """(count,) True where the component that an object is part of, ignored pixels included, is mostly ignored."""
    whole, wholes = connected_components(predicted)
    mostly = np.append(False, 2 * areas_of(whole * hidden, wholes) > areas_of(whole, wholes))
    whole_of = np.zeros(count + 1, dtype=np.int64)
    whole_of[ids] = whole  # all pixels of an object lie in one whole
    return mostly[whole_of[1:]]
