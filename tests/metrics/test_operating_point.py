"""Thresholds and runs for a cost of a miss, against an exhaustive search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.metrics.curves import Curve
from explorer.metrics.operating_point import advise, iso_f1, minimum_cost_point, operating_point, why_not


def curve(true: list[int], false: list[int], positives: int) -> Curve:
    hits = np.array(true)
    return Curve(np.linspace(0, 1, len(hits)), hits, np.array(false), positives - hits)


FINE = curve([10, 9, 8, 5, 0], [90, 20, 4, 1, 0], 10)


@st.composite
def curves(draw, positives: int = 12):
    true = sorted(draw(st.lists(st.integers(0, positives), min_size=6, max_size=6)), reverse=True)
    false = sorted(draw(st.lists(st.integers(0, 40), min_size=6, max_size=6)), reverse=True)
    return curve(true, false, positives)


@pytest.mark.parametrize(
    ("miss", "threshold"),
    [(0, 1.0), (0.5, 0.75), (1, 0.5), (5, 0.5), (20, 0.25), (100, 0.0)],
)
def test_the_more_a_miss_costs_the_lower_the_threshold(miss: float, threshold: float) -> None:
    point = minimum_cost_point(FINE, miss)
    assert point.threshold == threshold
    assert point.cost(miss) == (miss * FINE.false_negatives + FINE.false_positives).min()


@settings(max_examples=100, deadline=None)
@given(curves(), st.floats(0, 50))
def test_nothing_is_cheaper(any_curve: Curve, miss: float) -> None:
    costs = miss * any_curve.false_negatives + any_curve.false_positives
    assert minimum_cost_point(any_curve, miss).cost(miss) == pytest.approx(costs.min())


@settings(max_examples=100, deadline=None)
@given(curves(), st.floats(0, 20), st.floats(0, 20))
def test_a_higher_cost_of_a_miss_never_means_more_misses(any_curve: Curve, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if low < high * (1 - 1e-9):
        assert minimum_cost_point(any_curve, high).false_negatives <= minimum_cost_point(any_curve, low).false_negatives


def test_among_equals_the_middle_of_the_longest_run() -> None:
    flat = curve([10, 9, 9, 9, 9, 5], [50, 3, 3, 3, 3, 3], 10)
    assert minimum_cost_point(flat, 1).threshold == pytest.approx(0.4)


def test_a_point_is_read_at_the_nearest_threshold() -> None:
    point = operating_point(FINE, 0.6)
    assert (point.threshold, point.precision, point.recall, point.f1) == (0.5, 8 / 12, 0.8, 16 / 22)
    last = operating_point(FINE, 1)
    assert (last.precision, last.recall, last.f1) == (None, 0, 0)


def test_the_run_to_take() -> None:
    careful = curve([8, 7, 6, 5, 4], [9, 3, 1, 0, 0], 10)
    assert advise([FINE, careful], 0.5).best == 1
    assert advise([FINE, careful], 10).best == 0
    same = advise([careful, FINE, careful], 0.5)
    assert (same.best, same.ties) == (0, (2,))
    assert same.offers[0].cost == 0.5 * 5 + 0


def test_of_runs_at_one_cost_the_better_f1() -> None:
    few, many = curve([2, 2], [2, 2], 10), curve([10, 10], [10, 10], 10)
    assert advise([few, many], 1).best == 1
    assert advise([few, many], 1).ties == (0,)


@settings(max_examples=60, deadline=None)
@given(st.lists(curves(), min_size=1, max_size=4), st.floats(0, 30))
def test_no_other_run_is_cheaper(runs: list[Curve], miss: float) -> None:
    advice = advise(runs, miss)
    finding = [number for number, each in enumerate(runs) if each.true_positives.any()]
    if not finding:
        assert advice.best is None
        return
    assert advice.best in finding
    assert advice.offers[advice.best].cost == min(advice.offers[number].cost for number in finding)


def test_a_run_that_finds_nothing_is_never_recommended() -> None:
    nothing = curve([0, 0, 0], [0, 0, 0], 10)  # at a low cost of a miss, predicting nothing would be cheapest
    assert advise([nothing, FINE], 0.01).best == 1
    assert "finds nothing" in advise([nothing, FINE], 0.01).offers[0].reason
    excluded = advise([FINE, FINE], 1, {0: "it finds nothing at its own threshold"})
    assert (excluded.best, excluded.offers[0].reason) == (1, "it finds nothing at its own threshold")


def test_what_cannot_be_compared_says_why() -> None:
    empty = curve([0, 0, 0], [5, 2, 1], 0)
    other = curve([3, 2, 0], [5, 2, 0], 3)
    advice = advise([empty, FINE, other], 2)
    assert advice.best == 1
    assert advice.offers[0].point is None
    assert "nothing of this class" in advice.offers[0].reason
    assert "3 to find instead of 10" in advice.offers[2].reason
    assert advise([empty], 2).best is None
    assert advise([], 2).best is None


@pytest.mark.parametrize(
    ("misleading", "reason"),
    [
        (FINE, None),
        (curve([0, 0, 0], [5, 2, 1], 0), "no recall"),
        (curve([0, 0, 0], [0, 0, 0], 4), "no precision"),
        (curve([4, 3, 3, 3, 0], [90, 2, 2, 2, 0], 4), "a point, not a curve"),
    ],
)
def test_curves_that_would_mislead(misleading: Curve, reason: str | None) -> None:
    said = why_not(misleading)
    assert said is None if reason is None else reason in said


@pytest.mark.parametrize("f1", [0.1, 0.5, 0.9])
def test_iso_lines_have_one_f1(f1: float) -> None:
    recall, precision = iso_f1(f1)
    np.testing.assert_allclose(2 * precision * recall / (precision + recall), f1)
    assert precision.max() == pytest.approx(1)
    assert recall.max() == 1
