"""Thresholds that are known by construction: plateau, few objects, blocks, nothing found, rules that may not choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.metrics.curves import PixelCurve
from explorer.metrics.threshold_choice import ChosenThreshold, choose_threshold, plateau

GRID = np.arange(1, 10) / 10


@dataclass
class Given:
    """An F1 at every threshold."""

    f1: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def pixels(f1: list[float]) -> PixelCurve:
    """A curve with this F1 at the thresholds 0.1 to 0.9: of 1000 pixels to find, TP hits, and misses only."""
    hits = np.array([round(1000 * value / (2 - value)) for value in f1])
    return PixelCurve(GRID, hits, np.zeros(9, np.int64), 1000 - hits)


def chosen(
    of_pixels: list[float], of_objects: list[float] | None = None, rule: MatchRule = HALF_IOU, **more: object
) -> ChosenThreshold:
    objects = None if of_objects is None else Given(np.array(of_objects), GRID)
    settings = {"count": 100, "scenes": list("abcde")} | more
    return choose_threshold(1, pixels(of_pixels), objects, rule, **settings)  # type: ignore[arg-type]


FLAT = [0.5] * 9
PEAK_AT_3 = [0.1, 0.3, 0.8, 0.3, 0.2, 0.1, 0.1, 0.0, 0.0]
PEAK_AT_7 = [0.0, 0.1, 0.2, 0.2, 0.3, 0.4, 0.9, 0.3, 0.1]
PLATEAU_3_TO_6 = [0.1, 0.3, 0.77, 0.8, 0.78, 0.77, 0.4, 0.79, 0.0]
NONE = [0.0] * 9
OVERLAP, CENTROID, TOLERANCE = (MatchRule.parse(text) for text in ("overlap", "centroid:4", "tolerance:2"))


@pytest.mark.parametrize(
    ("curves", "more", "threshold", "said"),
    [
        ((PEAK_AT_3,), {}, 0.3, "the best threshold, 0.3"),
        ((PLATEAU_3_TO_6,), {}, 0.45, "from 0.3 to 0.6, where the criterion is within 5 % of its best"),
        ((PEAK_AT_3, PEAK_AT_7), {}, 0.7, "best"),  # (0.2 + 0.9) / 2 is more than (0.8 + 0.2) / 2
        ((PEAK_AT_7, PEAK_AT_3), {}, 0.7, "best"),
        ((FLAT, PEAK_AT_3), {}, 0.3, "best"),
        ((FLAT,), {}, 0.5, "from 0.1 to 0.9"),
        ((PEAK_AT_3, PEAK_AT_7, OVERLAP), {}, 0.3, "best"),
        ((FLAT, PEAK_AT_7, CENTROID), {}, 0.7, "best"),
        ((PEAK_AT_3, PEAK_AT_7), {"count": 29}, 0.6, "halfway from there to ½, because 29 objects are fewer than 30"),
        ((PEAK_AT_3, PEAK_AT_7), {"count": 1}, 0.6, "1 object is fewer"),
        ((PEAK_AT_3, PEAK_AT_7), {"count": 30}, 0.7, "best"),
        ((PEAK_AT_3, PEAK_AT_7), {"count": 0}, 0.4, "0 objects are fewer"),
        ((PEAK_AT_3, PEAK_AT_7, TOLERANCE), {"count": 0}, 0.7, "best"),
        ((FLAT, PEAK_AT_7, TOLERANCE), {"count": 1}, 0.7, "best"),
        ((PEAK_AT_7,), {"scenes": list("abcd")}, 0.6, "halfway from there to ½, because 4 scenes are fewer than 5"),
        ((FLAT, PEAK_AT_7, TOLERANCE), {"scenes": ["a"]}, 0.6, "1 scene is fewer"),
        ((NONE, NONE), {}, 0.5, "½, because nothing is found at any threshold"),
        ((NONE, [float("nan")] * 9), {"count": 9}, 0.5, "nothing is found"),
    ],
)
def test_threshold_known_by_construction(
    curves: tuple[object, ...], more: dict[str, object], threshold: float, said: str
) -> None:
    found = chosen(*curves, **more)  # type: ignore[arg-type]
    assert found.threshold == pytest.approx(threshold)
    assert said in found.rule


def test_value_is_the_criterion_at_the_threshold() -> None:
    found = chosen(PEAK_AT_3, PEAK_AT_7)
    assert found.value == pytest.approx((0.1 + 0.9) / 2, abs=1e-3)
    assert found.criterion == "mean of F1 under IoU > 0.5 and F1 of pixels"
    assert chosen(PEAK_AT_3, PEAK_AT_7, OVERLAP).criterion == "F1 of pixels"
    assert chosen(PEAK_AT_3, PEAK_AT_7, count=0).criterion == "F1 of pixels"


def test_a_class_that_does_not_occur_keeps_half() -> None:
    nothing = PixelCurve(GRID, np.zeros(9, np.int64), np.arange(9), np.zeros(9, np.int64))
    found = choose_threshold(2, nothing, None, HALF_IOU, 0, ["a", "b"])
    assert (found.threshold, found.value, found.scenes) == (0.5, None, ("a", "b"))
    assert "does not occur" in found.rule


def test_an_undefined_f1_is_not_chosen() -> None:
    nan = float("nan")
    assert chosen(FLAT, [nan, nan, 0.2, nan, nan, nan, nan, nan, nan]).threshold == pytest.approx(0.3)


def test_thresholds_near_0_and_1_are_not_chosen() -> None:
    grid = np.array([0.02, 0.1, 0.5, 0.95, 0.99])
    best_outside = PixelCurve(
        grid, np.array([90, 60, 10, 20, 90]), np.zeros(5, np.int64), np.array([10, 40, 90, 80, 10])
    )
    assert choose_threshold(1, best_outside, None, HALF_IOU, 100, "abcde").threshold == pytest.approx(0.1)
    both = Given(np.array([1.0, 0.2, 0.1, 0.4, 1.0]), grid)
    assert choose_threshold(1, best_outside, both, HALF_IOU, 100, "abcde").threshold == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([0.5], (0, 0)), ([1.0, 0.951, 0.949], (0, 1)), ([0.0, 1.0, 0.0, 1.0], (1, 1)), ([0.99, 1.0, 0.99], (0, 2))],
)
def test_plateau_is_next_to_the_best(values: list[float], wanted: tuple[int, int]) -> None:
    assert plateau(np.array(values)) == wanted
