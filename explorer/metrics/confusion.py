"""Scores of predicted classes, pooled over scenes, as validation, summaries and ``evaluate`` report them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import add
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import IGNORE
from explorer.metrics.counts import ClassScores, ObjectCounts, PixelCounts, Scores, ToleranceCounts
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import count_objects
from explorer.metrics.tolerance import count_within


class Labelled(NamedTuple):
    """A prediction with its label."""

    predicted: NDArray[np.uint8]  # (H, W), class ids
    label: NDArray[np.uint8]  # (H, W), class ids, 255 = ignore
    objects: NDArray[np.int32] | None = None  # (H, W), an id per object that was drawn by itself; see Scene.objects


@dataclass(frozen=True, eq=False)
class SceneCounts:
    """Pixels and objects of all classes in one scene, or in several, which are pooled by adding."""

    rule: MatchRule
    confusion: NDArray[np.int64]  # (K, K), see ``confusion_matrix``
    objects: tuple[ObjectCounts, ...]  # of classes 1, 2, …; none where the rule counts pixels
    tolerance: tuple[ToleranceCounts, ...]  # of classes 1, 2, …; none where the rule counts objects

    @classmethod
    def none(cls, classes: int, rule: MatchRule) -> Self:
        """Of no scene."""
        foreground = classes - 1
        return cls(
            rule,
            np.zeros((classes, classes), dtype=np.int64),
            (ObjectCounts(),) * foreground if rule.counts_objects else (),
            () if rule.counts_objects else (ToleranceCounts(),) * foreground,
        )

    def __add__(self, other: SceneCounts) -> SceneCounts:
        return SceneCounts(
            self.rule,
            self.confusion + other.confusion,
            tuple(map(add, self.objects, other.objects)),
            tuple(map(add, self.tolerance, other.tolerance)),
        )

    def scores(self) -> Scores:
        """Scores of all classes.

        ``mean_iou`` is over the classes, background included, that occur in a label or a prediction. The background has
        pixel scores; its objects are not counted.
        """
        pixels = [_of_class(self.confusion, class_id).scores() for class_id in range(len(self.confusion))]
        ious = [scores.iou for scores in pixels if scores.iou is not None]
        classes = {0: ClassScores(pixels[0], ObjectCounts().scores())}
        for class_id, of_pixels in enumerate(pixels[1:], start=1):
            if self.rule.counts_objects:
                objects = self.objects[class_id - 1]
                classes[class_id] = ClassScores(of_pixels, objects.scores(), objects.panoptic(self.rule))
            else:
                near = self.tolerance[class_id - 1]
                no_quality = ObjectCounts().panoptic(self.rule)
                classes[class_id] = ClassScores(of_pixels, near.as_object_scores(), no_quality, near.scores())
        return Scores(sum(ious) / len(ious) if ious else None, classes, self.rule)


def count_scene(scene: Labelled, classes: int, minimum_area: int, rule: MatchRule = HALF_IOU) -> SceneCounts:
    """What ``score_predictions`` counts in one scene.

    Args:
        scene: a prediction with its label.
        classes: number of classes, background included.
        minimum_area: in pixels; see :mod:`explorer.metrics.matching`. A rule that counts pixels has none.
        rule: when a predicted object counts as one of the label.

    Raises:
        InputError: the two sizes differ, or a class id is out of range.
    """
    confusion = confusion_matrix(scene.predicted, scene.label, classes)
    counts = SceneCounts.none(classes, rule)
    objects, tolerance = list(counts.objects), list(counts.tolerance)
    for class_id in range(1, classes):
        if not (confusion[class_id].any() or confusion[:, class_id].any()):
            continue
        of_label = find_label_objects(scene.label, class_id, scene.objects)
        mask = scene.predicted == class_id
        if rule.counts_objects:
            objects[class_id - 1] = count_objects(match(mask, of_label, rule), minimum_area)
        else:
            tolerance[class_id - 1] = count_within(mask, of_label, rule.value or 0.0)
    return SceneCounts(rule, confusion, tuple(objects), tuple(tolerance))


def score_predictions(
    scenes: Iterable[Labelled], classes: int, minimum_area: int, rule: MatchRule = HALF_IOU
) -> Scores:
    """Scores of every class, from counts that are pooled over all scenes.

    Args:
        scenes: predictions with their labels.
        classes: number of classes, background included.
        minimum_area: in pixels; see :mod:`explorer.metrics.matching`.
        rule: when a predicted object counts as one of the label.

    Raises:
        InputError: the two sizes differ, or a class id is out of range.
    """
    counts = (count_scene(scene, classes, minimum_area, rule) for scene in scenes)
    return sum(counts, SceneCounts.none(classes, rule)).scores()


def score_by_scene(
    scenes: Iterable[tuple[str, Labelled]], classes: int, minimum_area: int, rule: MatchRule = HALF_IOU
) -> tuple[Scores, list[tuple[str, Scores]]]:
    """The scores of ``score_predictions``, and those of each scene by itself.

    Args:
        scenes: names, and predictions with their labels.
        classes: number of classes, background included.
        minimum_area: in pixels; see :mod:`explorer.metrics.matching`.
        rule: when a predicted object counts as one of the label.

    Raises:
        InputError: the two sizes differ, or a class id is out of range.
    """
    counts = [(name, count_scene(scene, classes, minimum_area, rule)) for name, scene in scenes]
    pooled = sum((of_scene for _, of_scene in counts), SceneCounts.none(classes, rule))
    return pooled.scores(), [(name, of_scene.scores()) for name, of_scene in counts]


def confusion_matrix(predicted: NDArray[np.uint8], label: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Pixels by true class (rows) and predicted class (columns): (classes, classes), without ignored pixels.

    >>> label = np.array([[0, 0, 1, 255]], dtype=np.uint8)
    >>> confusion_matrix(np.array([[0, 1, 1, 1]], dtype=np.uint8), label, classes=2)
    array([[1, 1],
           [0, 1]])

    Raises:
        InputError: the two sizes differ, or a class id is out of range.
    """
    if predicted.shape != label.shape:
        raise InputError(
            f"the prediction is {predicted.shape}, its label {label.shape}", "score", "they must have the same size"
        )
    # One count over pairs of bytes: a pair is label · 256 + prediction.
    pairs = (label.astype(np.uint16) << 8) | predicted
    counts = np.bincount(pairs.ravel(), minlength=256 * 256).reshape(256, 256).astype(np.int64)
    counts[IGNORE] = 0
    for name, seen in (("label", counts.any(axis=1)), ("prediction", counts.any(axis=0))):
        highest = int(np.flatnonzero(seen).max(initial=0))
        if highest >= classes:
            raise InputError(f"the {name} holds class {highest} of {classes}", "score", "ids go from 0 up")
    return counts[:classes, :classes]


def _of_class(confusion: NDArray[np.int64], class_id: int) -> PixelCounts:
    hits = int(confusion[class_id, class_id])
    return PixelCounts(
        true_positives=hits,
        false_positives=int(confusion[:, class_id].sum()) - hits,
        false_negatives=int(confusion[class_id].sum()) - hits,
    )
