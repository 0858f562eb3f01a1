"""Curves of bounded size: they look like all of their points, and change at their end only."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.runs.thinning import Curve, _Stretch

RNG = np.random.default_rng(0)


def grown(values: np.ndarray, most: int = 32) -> Curve:
    curve = Curve(most)
    for number, value in enumerate(values):
        curve.append(number + 1, value)
    return curve


@pytest.mark.parametrize("count", [0, 1, 2, 32, 33, 64, 65, 1000, 12_345])
def test_extremes_and_ends_are_kept(count: int) -> None:
    values = RNG.normal(size=count)
    x, y = grown(values).points()
    assert len(x) <= 2 * 32 + 1
    assert (np.diff(x) > 0).all()
    assert np.array_equal(values[x.astype(int) - 1], y), "all are points of the curve"
    if count:
        assert (y.min(), y.max(), x[-1]) == (values.min(), values.max(), count)


def test_a_peak_of_one_point_is_seen_wherever_it_is() -> None:
    for place in (0, 1, 500, 998, 999):
        values = np.zeros(1000)
        values[place] = 5
        x, y = grown(values).points()
        assert x[y.argmax()] == place + 1


def test_few_points_are_all_there() -> None:
    values = RNG.normal(size=30)
    x, y = grown(values).points()
    assert (x.tolist(), y.tolist()) == (list(range(1, 31)), values.tolist())


def test_points_that_are_not_finite_leave_holes() -> None:
    x, y = grown(np.array([1.0, math.nan, 2.0, math.inf, 3.0])).points()
    assert x.tolist() == [1, 2, 3, 4, 5]
    assert np.isnan(y).tolist() == [False, True, False, True, False]
    x, y = grown(np.array([math.nan, 1.0, math.inf, 2.0, math.nan] * 20)).points()
    assert set(y[np.isfinite(y)]) == {1.0, 2.0}
    assert np.isnan(y).any()
    assert (np.diff(x) > 0).all()
    assert np.isnan(grown(np.full(100, math.nan)).points()[1]).all()


def test_only_the_end_changes_but_for_the_rare_moments_when_stretches_are_joined() -> None:
    curve, changed, before = Curve(32), [], (np.empty(0), np.empty(0))
    for number in range(4000):
        curve.append(number + 1, float(RNG.normal()))
        now = curve.points()
        same = min(len(before[0]), len(now[0]))
        kept = np.logical_and(*(a[:same] == b[:same] for a, b in zip(before, now, strict=True)))
        changed.append(len(now[0]) - (same if kept.all() else int(kept.argmin())))
        before = now
    assert sum(count > 3 for count in changed) == 6, "joined at 32 · 2^k points, which at first loses none"
    assert max(changed[2049:4000]) <= 3


@pytest.mark.parametrize("count", [100, 10_000])
def test_what_stays_as_it_was_is_looked_at_once(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the run: a look costs what is new."""
    curve = grown(RNG.normal(size=count), 256)
    curve.points()
    looked_at: list[int] = []
    points = _Stretch.points
    monkeypatch.setattr(_Stretch, "points", lambda self: looked_at.append(1) or points(self))
    curve.append(count + 1, 0.0)
    curve.points()
    assert len(looked_at) <= 2
