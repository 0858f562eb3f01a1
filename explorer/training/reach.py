"""What a trigger may ask for: the highest value of its metric that a usable probability threshold gives. No torch.

A recall of 1 is always within reach, by predicting everything, so that only usable thresholds count: those at which

- pixels of the class are found at least twice as often as other pixels are falsely reported (otherwise the prediction
  says next to nothing about the label), and
- pixel F1 is at least half of the highest pixel F1 among all thresholds (otherwise recall was bought with false alarms
  that no later phase takes back).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import IGNORE
from explorer.metrics.counts import ObjectScores, PixelCounts, PixelScores
from explorer.metrics.curves import sweep_objects
from explorer.metrics.matching import find_label_objects
from explorer.metrics.tolerance import sweep_within
from explorer.training.plan import Trigger

THRESHOLDS = np.arange(1, 10) / 10
"""A coarse set: matching objects takes long, and the highest value of a curve hardly depends on the step."""

_TIMES = 2  # as often found as falsely reported
_OF_BEST = 0.5  # of the highest F1


@dataclass(frozen=True, eq=False)
class Probed:
    """The probability of one class in a scene or a part of one, with its label."""

    probability: NDArray[np.float32]  # (H, W), 0 to 1
    label: NDArray[np.uint8]  # (H, W), class ids, 255 = ignore
    objects: NDArray[np.int32] | None = None  # (H, W), see Scene


def best_reachable(
    trigger: Trigger, scenes: Sequence[Probed], minimum_area: int, rule: MatchRule = HALF_IOU
) -> float | None:
    """The highest value of the trigger's metric over the usable thresholds, pooled over scenes.

    >>> label = np.array([[1, 1, 0, 0, 0, 0, 0, 0]], dtype=np.uint8)
    >>> probability = np.array([[0.95, 0.35, 0.35, 0.05, 0.05, 0.05, 0.05, 0.05]], dtype=np.float32)
    >>> best_reachable(Trigger(metric="recall"), [Probed(probability, label)], minimum_area=1)
    1.0
    >>> best_reachable(Trigger(metric="precision"), [Probed(probability, label)], minimum_area=1)
    1.0
    >>> best_reachable(Trigger(metric="recall"), [Probed(np.full((1, 8), 0.6, np.float32), label)], minimum_area=1)

    Args:
        trigger: its metric, scope and class.
        scenes: of the trigger's class.
        minimum_area: in pixels; for objects, see :mod:`explorer.metrics.matching`.
        rule: when a predicted object counts as one of the label.

    Returns:
        None where no threshold is usable, the class does not occur, or the metric is not defined.
    """
    counts = reduce(add, (_pixel_counts(scene, trigger.class_id) for scene in scenes))
    usable = [i for i in range(len(THRESHOLDS)) if _says_something(counts[i])]
    pixels = [PixelCounts(*(int(n) for n in counts[i, :3])).scores() for i in range(len(THRESHOLDS))]
    best = max((pixels[i].f1 or 0.0 for i in usable), default=0.0)
    usable = [i for i in usable if (pixels[i].f1 or 0.0) >= _OF_BEST * best]
    scores: Sequence[PixelScores | ObjectScores] = [pixels[i] for i in usable]
    if trigger.scope == "object":
        scores = _under_rule(scenes, trigger.class_id, THRESHOLDS[usable], minimum_area, rule)
    values = [getattr(each, trigger.metric, None) for each in scores]  # objects have no IoU
    return max((value for value in values if value is not None), default=None)


def _pixel_counts(scene: Probed, class_id: int) -> NDArray[np.int64]:
    """(T, 4): hits, false alarms, misses and correctly rejected pixels at every threshold."""
    valid = scene.label != IGNORE
    positive = scene.label[valid] == class_id
    passed = np.searchsorted(THRESHOLDS.astype(np.float32), scene.probability[valid], side="right")
    by_passed = [np.bincount(passed[chosen], minlength=len(THRESHOLDS) + 1) for chosen in (positive, ~positive)]
    hits, false = (np.cumsum(each[::-1])[::-1][1:] for each in by_passed)  # passed at least 1, 2, … thresholds
    return np.stack([hits, false, by_passed[0].sum() - hits, by_passed[1].sum() - false], axis=1)


def _says_something(counts: NDArray[np.int64]) -> bool:
    """Whether TP / (TP + FN) is at least twice FP / (FP + TN), and anything is found."""
    hits, false, missed, rejected = (int(n) for n in counts)
    return hits > 0 and hits * (false + rejected) >= _TIMES * false * (hits + missed)


def _under_rule(
    scenes: Sequence[Probed], class_id: int, thresholds: NDArray[np.float64], minimum_area: int, rule: MatchRule
) -> list[ObjectScores]:
    """The scores of objects at each threshold, or of pixels where the rule counts those, pooled over scenes."""
    if not len(thresholds):
        return []
    labels = [find_label_objects(each.label, class_id, each.objects) for each in scenes]
    pairs = list(zip((each.probability for each in scenes), labels, strict=True))
    numbers = range(len(thresholds))
    if rule.counts_objects:
        found = reduce(add, (sweep_objects(*each, thresholds, rule) for each in pairs)).curve(minimum_area)
        return [found.counts(i).scores() for i in numbers]
    within = reduce(add, (sweep_within(*each, rule.value or 0.0, thresholds, skeletons=False) for each in pairs))
    return [within.counts(i).as_object_scores() for i in numbers]
