"""One-to-one matching of predicted objects with the objects of a label, under a match rule.

Which pairs are candidates is what the rule says (``explorer.imagery.match_rule``):

- IoU = |A ∩ B| / |A ∪ B| strictly above t;
- any overlap: a common pixel;
- centre inside: the centroid of the label's object, rounded to a pixel, lies in the predicted object;
- centroids within d pixels of each other (Euclidean).

From t = ½ on no object can be in two candidate pairs, so that all of them match (Kirillov et al., Panoptic
Segmentation, CVPR 2019, section 4.1). Elsewhere an object can, and matching is one to one all the same: a predicted
object finds one object of the label at most, and each is found once. Of all such matchings the one with the most pairs
is taken; of these, the one with the largest sum of IoU, or for centroids, with the smallest sum of distances.

All objects take part, whatever their size. The minimum area is applied to the result, so that the outcome of one object
does not depend on whether its partner is just below or just above it:

- an object of the label below the minimum is neither found nor missed;
- a predicted object that found such an object is nothing: no hit and no false alarm;
- a predicted object without a partner is a false alarm unless it is below the minimum itself;
- an object of the label at or above the minimum is found by a predicted object of any size.

A predicted object at or above the minimum that has no partner is a false alarm also where it covers small objects of
the label: only a match excuses it.

Objects of a label that were drawn one by one stay apart where they touch (``explorer.imagery.objects``). Predicted
objects are connected components; ``explorer.metrics.splitting_predictions`` separates those that touch. A component
that covers several touching objects matches one of them at most, and the others are missed.

Ignored pixels (label 255) belong to no object: predicted objects are the connected components of the prediction on
the other pixels, so that predictions at ignored pixels cannot change a match. A predicted object without a partner is
no false alarm where it is the visible part of one of which more than half is ignored. Areas and centroids are without
ignored pixels. In a part of a scene, an object's area is that of its pixels there, as at the edge of a scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.objects import areas_of, centroids_of, connected_components, objects_of_class
from explorer.imagery.scene import IGNORE
from explorer.metrics.assignment import one_to_one
from explorer.metrics.candidates import candidate_pairs


@dataclass(frozen=True, eq=False)
class LabelObjects:
    """The objects of one class in a label. They are found once and matched many times."""

    ids: NDArray[np.int32]  # (H, W), 1..n, 0 = none
    areas: NDArray[np.int64]  # (n,) pixels
    valid: NDArray[np.bool_]  # (H, W), False: ignored

    @cached_property
    def centroids(self) -> NDArray[np.float64]:
        """(n, 2): row and column."""
        return centroids_of(self.ids, len(self.areas))

    @cached_property
    def all_valid(self) -> bool:
        """Whether no pixel is ignored."""
        return bool(self.valid.all())


@dataclass(frozen=True, eq=False)
class Matching:
    """Which of n label objects were found, and by which of m predicted objects, whatever their sizes."""

    areas: NDArray[np.int64]  # (n,) pixels of the label's objects
    partners: NDArray[np.int64]  # (n,) id of the predicted object that found it, 0 = not found
    ious: NDArray[np.float64]  # (n,) IoU with that object; 0 = not found, or found by its centroid alone
    predicted_ids: NDArray[np.int32]  # (H, W), 1..m, 0 = none
    predicted_areas: NDArray[np.int64]  # (m,) pixels
    unexplained: NDArray[np.bool_]  # (m,) True: no partner, and not mostly ignored

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,): the label's objects that have a partner."""
        found: NDArray[np.bool_] = self.partners > 0
        return found

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


def match(predicted: NDArray[np.bool_], objects: LabelObjects, rule: MatchRule = HALF_IOU) -> Matching:
    """Matches the connected components of a prediction with the objects of a label.

    >>> label = np.array([[1, 1, 0, 1, 0, 0]], dtype=np.uint8)
    >>> predicted = np.array([[1, 1, 0, 0, 0, 1]], dtype=bool)
    >>> found = match(predicted, find_label_objects(label, class_id=1))
    >>> found.partners, found.ious
    (array([1, 0]), array([1., 0.]))
    >>> found.counted(minimum_area=2), found.false_alarms(minimum_area=1), found.false_alarms(minimum_area=2)
    (array([ True, False]), array([False,  True]), array([False, False]))
    >>> match(predicted, find_label_objects(label, 1), MatchRule.parse("centroid:2")).partners
    array([1, 2])

    Args:
        predicted: (H, W), True where the class is predicted.
        objects: the label's objects of that class.
        rule: one that matches objects.

    Raises:
        ValueError: the rule counts pixels (``tolerance``).
    """
    ids, count = connected_components(predicted if objects.all_valid else predicted & objects.valid)
    areas = areas_of(ids, count)
    pairs = candidate_pairs(rule, objects, ids, areas)
    if not pairs.unique:
        pairs = pairs.only(one_to_one(pairs.label_ids, pairs.predicted_ids, pairs.quality))

    partners = np.zeros(len(objects.areas), dtype=np.int64)
    ious = np.zeros(len(objects.areas), dtype=np.float64)
    partners[pairs.label_ids - 1] = pairs.predicted_ids
    ious[pairs.label_ids - 1] = pairs.ious
    unexplained = np.ones(count, dtype=np.bool_)
    unexplained[pairs.predicted_ids - 1] = False
    if count and not objects.all_valid and predicted[~objects.valid].any():
        unexplained &= ~_mostly_ignored(predicted, objects.valid, ids, count)
    return Matching(objects.areas, partners, ious, ids, areas, unexplained)


def _mostly_ignored(
    predicted: NDArray[np.bool_], valid: NDArray[np.bool_], ids: NDArray[np.int32], count: int
) -> NDArray[np.bool_]:
    """(count,) True where the whole that an object is the visible part of is mostly ignored."""
    whole, wholes = connected_components(predicted)
    mostly = np.append(False, 2 * areas_of(whole * ~valid, wholes) > areas_of(whole, wholes))
    whole_of = np.zeros(count + 1, dtype=np.int64)
    whole_of[ids] = whole  # all pixels of an object lie in one whole
    return mostly[whole_of[1:]]
