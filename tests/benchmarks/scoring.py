"""Hits, false alarms and misses of probabilities on scenes, under every measure of a benchmark set.

At a threshold t a pixel is of the counted class where its probability is at least t. Every measure is counted at ½ and
at the run's own threshold; the set's own measure and pixels at a grid of thresholds as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import Scene
from explorer.metrics.counts import ratio
from explorer.metrics.curves import Curve, PixelCurve
from explorer.metrics.matching import LabelObjects, find_label_objects, match
from explorer.metrics.objects import count_objects
from explorer.metrics.threshold_choice import choose_threshold
from tests.benchmarks.sets import BenchmarkSet

PIXELS = "pixel"
GRID: NDArray[np.float64] = np.array([0.02, *(number / 20 for number in range(1, 20)), 0.98])
"""Thresholds of the curves; ½ is one of them."""

Counts = tuple[int, int, int]  # hits, false alarms, misses


@dataclass(frozen=True)
class Scored:
    """Counts of one scene."""

    half: Mapping[str, Counts]  # by measure
    own: Mapping[str, Counts]
    curves: Mapping[str, Sequence[Counts]]  # over GRID; the own measure and pixels only

    def to_json(self) -> dict[str, Any]:
        """The form of the results file."""
        return {"half": dict(self.half), "own": dict(self.own), "curves": dict(self.curves)}


def counts_at(
    probability: NDArray[np.float32],
    threshold: float,
    scene: Scene,
    class_id: int,
    objects: LabelObjects,
    measures: Sequence[str],
    minimum_area: int,
) -> dict[str, Counts]:
    """Counts of one class in one scene at one threshold, by measure."""
    predicted = probability >= np.float32(threshold)
    found: dict[str, Counts] = {}
    for measure in measures:
        if measure == PIXELS:
            there, counted = scene.label == class_id, objects.valid
            hits = int((predicted & there).sum())
            found[measure] = (hits, int((predicted & counted).sum()) - hits, int(there.sum()) - hits)
        else:
            counts = count_objects(match(predicted, objects, MatchRule.parse(measure)), minimum_area)
            found[measure] = (counts.true_positives, counts.false_positives, counts.false_negatives)
    return found


def score_scene(
    probability: NDArray[np.float32],
    scene: Scene,
    chosen: BenchmarkSet,
    minimum_area: int,
    own: float,
    curves: bool = True,
) -> Scored:
    """Counts of the set's class in one scene.

    Args:
        probability: (H, W) of the class.
        scene: with its label.
        chosen: the set: class and measures.
        minimum_area: in pixels; smaller objects of the label count as neither hit nor miss.
        own: threshold of the run.
        curves: also count at a grid of thresholds.
    """
    objects = find_label_objects(scene.label, chosen.target_id, scene.objects)

    def at(threshold: float, measures: Sequence[str]) -> dict[str, Counts]:
        return counts_at(probability, threshold, scene, chosen.target_id, objects, measures, minimum_area)

    swept = tuple(dict.fromkeys([chosen.own_rule, PIXELS])) if curves else ()
    counts = [at(float(threshold), swept) for threshold in GRID] if curves else []
    return Scored(
        at(0.5, chosen.rules), at(own, chosen.rules), {measure: [each[measure] for each in counts] for measure in swept}
    )


def own_threshold(
    probabilities: Sequence[NDArray[np.float32]], scenes: Sequence[Scene], chosen: BenchmarkSet, minimum_area: int
) -> float:
    """The threshold that the app's own rule chooses on scenes that neither train nor score.

    Args:
        probabilities: (H, W) of the class, one a scene.
        scenes: with their labels; blocks of scenes that trained where the training side has few scenes.
        chosen: the set: class and own measure.
        minimum_area: in pixels.
    """
    rule = HALF_IOU if chosen.own_rule == PIXELS else MatchRule.parse(chosen.own_rule)
    measures = tuple(dict.fromkeys([str(rule), PIXELS]))
    total = np.zeros((len(measures), 3, len(GRID)), dtype=np.int64)
    count = 0
    for probability, scene in zip(probabilities, scenes, strict=True):
        objects = find_label_objects(scene.label, chosen.target_id, scene.objects)
        count += int((objects.areas >= minimum_area).sum())
        for place, threshold in enumerate(GRID):
            found = counts_at(probability, float(threshold), scene, chosen.target_id, objects, measures, minimum_area)
            total[:, :, place] += np.array([found[measure] for measure in measures])
    choice = choose_threshold(
        chosen.target_id,
        PixelCurve(GRID, *total[1]),
        Curve(GRID, *total[0]),
        rule,
        count,
        [scene.name for scene in scenes],
    )
    return choice.threshold


def recall(counts: Counts) -> float:
    """Hits ÷ (hits + misses); NaN where there is nothing to find."""
    return _number(ratio(counts[0], counts[0] + counts[2]))


def precision(counts: Counts) -> float:
    """Hits ÷ (hits + false alarms); NaN where nothing is predicted."""
    return _number(ratio(counts[0], counts[0] + counts[1]))


def f1(counts: Counts) -> float:
    """2 hits ÷ (2 hits + false alarms + misses); NaN where nothing is there and nothing predicted."""
    return _number(ratio(2 * counts[0], 2 * counts[0] + counts[1] + counts[2]))


def false_alarms(counts: Counts) -> float:
    """How many there are, of objects or of pixels."""
    return float(counts[1])


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def added(counts: Sequence[Sequence[int]]) -> Counts:
    """The sum of counts.

    >>> added([(1, 2, 3), (0, 1, 0)])
    (1, 3, 3)
    """
    hits, alarms, misses = (sum(each) for each in zip(*counts, strict=True))
    return hits, alarms, misses
