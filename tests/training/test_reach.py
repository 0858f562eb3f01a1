"""What is within a trigger's reach: by hand, on ten pixels."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.imagery.match_rule import MatchRule
from explorer.training.plan import Trigger
from explorer.training.reach import Probed, best_reachable

# Two of ten pixels are foreground. At 0.1: 2 hits, 4 false alarms (twice as often found as 4/8: usable, F1 0.5);
# at 0.2: 2 hits, 1 false alarm (F1 0.8); at 0.6 and above: 1 hit, none false (F1 ⅔).
PROBABILITY = np.array([[0.95, 0.55, 0.55, 0.15, 0.15, 0.15, 0.05, 0.05, 0.05, 0.05]], np.float32)
LABEL = np.array([[1, 1, 0, 0, 0, 0, 0, 0, 0, 0]], np.uint8)


def reach(
    metric: str, probability: np.ndarray = PROBABILITY, label: np.ndarray = LABEL, scope: str = "pixel"
) -> float | None:
    trigger = Trigger.model_validate({"metric": metric, "scope": scope, "relative": True})
    return best_reachable(trigger, [Probed(probability, label)], minimum_area=1)


@pytest.mark.parametrize(("metric", "highest"), [("recall", 1.0), ("precision", 1.0), ("f1", 0.8), ("iou", 2 / 3)])
def test_the_highest_value_over_thresholds(metric: str, highest: float) -> None:
    assert reach(metric) == pytest.approx(highest)


def test_what_says_nothing_about_the_label_is_not_within_reach() -> None:
    assert reach("recall", np.full((1, 10), 0.7, np.float32)) is None  # everything is predicted, or nothing
    assert reach("recall", 1 - PROBABILITY) is None  # the wrong way round
    assert reach("recall", label=np.zeros((1, 10), np.uint8)) is None  # no such class


def test_recall_that_is_bought_with_false_alarms_is_not_within_reach() -> None:
    """At 0.5: one of two found, F1 ⅔. At 0.1: both, with 40 false alarms of 98, F1 0.09."""
    label = np.zeros((1, 100), np.uint8)
    label[0, :2] = 1
    probability = np.full((1, 100), 0.05, np.float32)
    probability[0, :42], probability[0, 0] = 0.15, 0.95
    assert reach("recall", probability, label) == 0.5


def test_ignored_pixels_do_not_count() -> None:
    label = LABEL.copy()
    label[0, 2:6] = 255
    assert reach("f1", label=label) == 1.0


def test_scenes_are_pooled() -> None:
    trigger = Trigger(metric="f1")
    nothing = Probed(np.full((1, 10), 0.05, np.float32), LABEL)
    assert best_reachable(trigger, [Probed(PROBABILITY, LABEL), nothing], 1) == pytest.approx(4 / 7)


def test_objects_are_matched_at_the_usable_thresholds() -> None:
    """Two objects, of which one is found whole from 0.3 down; below 0.2 a bridge joins them, and neither matches."""
    label = np.zeros((5, 20), np.uint8)
    label[1:4, 1:4] = label[1:4, 10:13] = 1
    probability = np.full((5, 20), 0.05, np.float32)
    probability[1:4, 1:4], probability[1:4, 10:13], probability[2, 4:10] = 0.95, 0.35, 0.15
    assert reach("recall", probability, label, "object") == 1.0
    probability[1:4, 10:13] = 0.15
    assert reach("recall", probability, label, "object") == 0.5
    assert reach("iou", probability, label, "object") is None  # objects have none


@pytest.mark.parametrize(
    ("rule", "highest"),
    [
        # the square of 3×3 is found whole at 0.9, with a frame of one pixel around it (IoU 9/25) at 0.3
        (MatchRule(kind="iou", value=0.5), 0.5),
        (MatchRule(kind="iou", value=0.1), 1.0),
        (MatchRule(kind="tolerance", value=1), 1.0),  # all pixels of both within one pixel of the prediction
    ],
)
def test_the_rule_of_the_dataset_decides_what_is_found(rule: MatchRule, highest: float) -> None:
    label = np.zeros((16, 32), np.uint8)
    label[4:7, 4:7] = label[4:7, 20:23] = 1
    probability = np.full((16, 32), 0.05, np.float32)
    probability[4:7, 4:7], probability[3:8, 19:24] = 0.95, 0.35
    trigger = Trigger(metric="recall", scope="object", relative=True)
    assert best_reachable(trigger, [Probed(probability, label)], 1, rule) == highest
