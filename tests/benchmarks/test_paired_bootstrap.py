"""The statistics of the benchmarks, on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.paired_bootstrap import (
    Effect,
    Part,
    claim_p_values,
    effect,
    holm,
    pooled_effect,
    two_sided,
    verdict,
)

NAN = float("nan")


def crossed(rng: np.random.Generator, mean: float, seeds: int, units: int, folds: int) -> np.ndarray:
    """Differences with an effect of the seed, of the unit and of both; each seed scores one fold of the units."""
    table = (
        mean + 0.1 * rng.normal(size=(seeds, 1)) + 0.1 * rng.normal(size=units) + rng.normal(size=(seeds, units)) / 9
    )
    scored = np.arange(seeds)[:, None] % folds == np.arange(units) % folds
    return np.where(scored, table, NAN)


def fixed(draws: list[float]) -> Effect:
    return Effect(float(np.mean(draws)), np.array(draws), 4, 2, 2)


@pytest.mark.parametrize(("seeds", "units", "folds"), [(8, 8, 1), (8, 12, 3), (8, 4, 4), (5, 3, 3)])
def test_interval_covers_the_true_mean_as_often_as_it_says(seeds: int, units: int, folds: int) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        found = effect(crossed(rng, 0.3, seeds, units, folds), seed=trial, draws=400)
        assert found is not None
        low, high = found.interval
        covered += low <= 0.3 <= high
    assert covered / 200 >= 0.93


def test_interval_is_of_use_where_the_effect_is_large() -> None:
    found = effect(crossed(np.random.default_rng(1), 0.3, 8, 8, 1))
    assert found is not None
    low, high = found.interval
    assert 0.05 < low < found.mean < high < 0.6


def test_error_rate_without_an_effect_is_at_most_the_level() -> None:
    rng = np.random.default_rng(2)
    rejected = 0
    for trial in range(200):
        found = effect(crossed(rng, 0.0, 8, 10, 1), seed=trial, draws=400)
        assert found is not None
        holds, fails = claim_p_values([Part(found)])
        rejected += two_sided(holds, fails) <= 0.05
    assert rejected / 200 <= 0.05


def test_mean_is_over_the_defined_cells() -> None:
    found = effect(np.array([[1.0, NAN], [3.0, 5.0], [NAN, NAN]]))
    assert found is not None
    assert (found.mean, found.cells, found.units, found.seeds) == (3.0, 3, 2, 2)


def test_equal_differences_have_an_interval_without_width() -> None:
    found = effect(np.full((3, 4), 0.25))
    assert found is not None
    assert found.interval == pytest.approx((0.25, 0.25))


@pytest.mark.parametrize("table", [np.array([[1.0, 2.0]]), np.full((3, 2), NAN), np.array([[1.0], [NAN]])])
def test_one_seed_decides_nothing(table: np.ndarray) -> None:
    assert effect(table) is None


def test_same_seed_gives_the_same_draws() -> None:
    table = crossed(np.random.default_rng(3), 0.1, 5, 4, 1)
    one, other = effect(table, seed=7), effect(table, seed=7)
    assert one is not None
    assert other is not None
    assert np.array_equal(one.draws, other.draws)


def test_every_dataset_has_the_same_weight() -> None:
    found = pooled_effect([np.full((2, 1), 0.0), np.full((8, 20), 1.0)])
    assert found is not None
    assert (found.mean, found.units, found.seeds) == (0.5, 2, 2)
    # of two datasets: both the first (0), both the second (1), or one of each (½), with chances ¼, ¼ and ½; spread by
    # t(1) / z · √2 = 12.706 / 1.96 · 1.414 = 9.168
    values = [0.5 - 0.5 * 9.168, 0.5, 0.5 + 0.5 * 9.168]
    shares = [np.mean(np.isclose(found.draws, value, atol=0.01)) for value in values]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_one_dataset_says_nothing_about_datasets() -> None:
    assert pooled_effect([np.full((3, 3), 1.0), np.full((1, 3), 1.0)]) is None


def test_p_values_count_the_draws_on_the_other_side() -> None:
    found = fixed([-1.0, 0.0, 1.0, 2.0])
    assert found.p_not_above() == pytest.approx((2 + 1) / 5)
    assert found.p_not_below() == pytest.approx((3 + 1) / 5)
    assert found.p_not_above(-0.05) == pytest.approx((1 + 1) / 5)


def test_claim_with_two_parts_holds_only_if_both_do() -> None:
    good, bad = fixed([1.0] * 99), fixed([-1.0] * 99)
    assert claim_p_values([Part(good), Part(good)]) == pytest.approx((0.01, 1.0))
    assert claim_p_values([Part(good), Part(bad)]) == pytest.approx((1.0, 0.02))


def test_price_within_the_bound_is_allowed() -> None:
    falls_by_three_points = fixed([-0.03] * 99)
    assert claim_p_values([Part(falls_by_three_points, bound=-0.05)])[0] == pytest.approx(0.01)
    assert claim_p_values([Part(falls_by_three_points)])[0] == pytest.approx(1.0)


def test_holm_by_hand() -> None:
    # sorted: .005 · 4 = .02, .01 · 3 = .03, .03 · 2 = .06, .04 · 1 = .04, raised to .06
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({"a": 0.7, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


@pytest.mark.parametrize(
    ("holds", "fails", "adjusted", "expected"),
    [
        (0.001, 1.0, 0.01, "holds"),
        (1.0, 0.001, 0.01, "fails"),
        (0.001, 1.0, 0.06, "undecided"),
        (0.5, 0.5, 1.0, "undecided"),
    ],
)
def test_verdict(holds: float, fails: float, adjusted: float, expected: str) -> None:
    assert verdict(holds, fails, adjusted) == expected
