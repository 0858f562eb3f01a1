"""How a run's segmenter scores on scenes with labels: at its thresholds and at ½, pooled and scene by scene."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import Scene
from explorer.metrics.class_map import classes_at
from explorer.metrics.confusion import Labelled, SceneCounts, count_scene
from explorer.metrics.counts import Scores
from explorer.metrics.splitting_predictions import ObjectCut, cut_classes
from explorer.segmenter.prediction import Predictor

_NOT_SCORES = {"true_positives", "false_positives", "false_negatives", "predicted", "predicted_near", "labelled",
               "labelled_near", "reason"}  # fmt: skip


@dataclass(frozen=True)
class Scoring:
    """What scores of objects rest on, beside the thresholds."""

    minimum_area: int  # pixels; smaller objects of the label count as neither hit nor miss
    match_rule: MatchRule = HALF_IOU
    cuts: tuple[ObjectCut, ...] = ()  # how objects of class 1, 2, … are cut out; none: they are taken as they are


@dataclass(frozen=True)
class Evaluation:
    """Scores over scenes."""

    scores: Scores  # at the thresholds and after the cuts, pooled over the scenes
    half: Scores  # at ½, or of the most probable class, as it is, pooled likewise
    scenes: Mapping[str, Scores]  # at the thresholds and after the cuts, by the scene's name
    unseen: Scores | None  # likewise, pooled over the scenes that neither trained nor chose; None: there are none


def evaluate_scenes(
    predictor: Predictor,
    scenes: Iterable[Scene],
    classes: int,
    scoring: Scoring,
    thresholds: Sequence[float] | None = None,
    used: Collection[str] = (),
) -> Evaluation:
    """Pixel and object scores over whole scenes.

    Args:
        classes: number of classes, background included.
        scoring: what the scores of objects rest on.
        thresholds: of class 1, 2, …; None: see :func:`explorer.metrics.class_map.classes_at`.
        used: names of the scenes that trained or chose the thresholds.
    """
    unseen: SceneCounts | None = None
    pooled = half = SceneCounts.none(classes, scoring.match_rule)
    by_scene: dict[str, Scores] = {}
    for scene in scenes:
        probabilities = predictor.probabilities(scene.image, scene.valid)
        at_half = _counts(classes_at(probabilities, None), scene, classes, scoring)
        at_thresholds = at_half
        if thresholds is not None or scoring.cuts:
            predicted = cut_classes(classes_at(probabilities, thresholds), probabilities, scoring.cuts)
            at_thresholds = _counts(predicted, scene, classes, scoring)
        pooled, half = pooled + at_thresholds, half + at_half
        if scene.name not in used:
            unseen = at_thresholds if unseen is None else unseen + at_thresholds
        by_scene[scene.name] = at_thresholds.scores()
    return Evaluation(pooled.scores(), half.scores(), by_scene, unseen.scores() if unseen else None)


def _counts(predicted: NDArray[np.uint8], scene: Scene, classes: int, scoring: Scoring) -> SceneCounts:
    labelled = Labelled(predicted, scene.label, scene.objects)
    return count_scene(labelled, classes, scoring.minimum_area, scoring.match_rule)


def found_nothing(scores: Scores) -> dict[str, bool | None]:
    """By class id: whether no pixel of the class was found; None where the labels hold none. Without the background."""
    return {
        str(class_id): None if of_class.pixel.recall is None else of_class.pixel.recall == 0
        for class_id, of_class in scores.classes.items()
        if class_id > 0
    }


def median_over_scenes(scenes: Iterable[Scores]) -> dict[str, Any]:
    """The median of every score over the scenes where it is defined, None where there is none, in the form of scores.

    ``{"mean_iou", "classes": {"<id>": {"pixel": {"precision", …}, "object": {"precision", …}}}}``; counts are left out.
    One odd scene moves it little, whatever its size.
    """
    listed = list(scenes)
    of_classes = [
        {str(class_id): asdict(of_class) for class_id, of_class in scores.classes.items()} for scores in listed
    ]
    return {
        "mean_iou": _median(scores.mean_iou for scores in listed),
        "classes": {
            class_id: {
                scope: {
                    name: _median(each[class_id][scope][name] for each in of_classes)
                    for name in values
                    if name not in _NOT_SCORES
                }
                for scope, values in of_class.items()
                if values is not None
            }
            for class_id, of_class in (of_classes[0].items() if of_classes else ())
        },
    }


def _median(values: Iterable[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return median(defined) if defined else None
