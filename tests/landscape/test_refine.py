"""Coarse to fine: which points are measured, when it stops, and whether the error estimate holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.landscape.fields import Field
from explorer.landscape.grid import Grid, Tile
from explorer.landscape.interpolation import fit
from explorer.landscape.refine import TILE, WORST, PointEvaluator, Refinement, refine

LOSS = Field("loss", "Loss", "loss")
PRECISION = Field("precision_1", "Precision", "pixel", smooth=False, logarithmic=False)
RECALL = Field("recall_1", "Recall", "pixel", logarithmic=False)
FIELDS = (LOSS, PRECISION, RECALL)


def valley(alpha: float, beta: float) -> list[float]:
    """A narrow valley, a precision that is undefined on one side, and a smooth recall."""
    loss = 0.02 + (alpha - 0.3) ** 2 + 3 * (beta + 0.1 * alpha**2) ** 2
    precision = np.nan if alpha < -0.6 else 1.0 if beta > 0 else 0.25
    return [loss, precision, 0.5 + 0.4 * np.tanh(2 * alpha)]


def measuring(function: Callable[[float, float], list[float]]) -> PointEvaluator:
    def measure(points: Sequence[tuple[float, float]]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        for alpha, beta in points:
            values = np.array(function(alpha, beta))
            yield values, np.full_like(values, 0.01)

    return measure


def truth(grid: Grid, function: Callable[[float, float], list[float]]) -> NDArray[np.float64]:
    return np.array([function(alpha, beta) for alpha, beta in grid.points(np.arange(grid.size))])


def test_the_grid_holds_the_centre_and_has_even_spacing() -> None:
    grid = Grid(extent=0.7, resolution=21, alpha_middle=0.5, beta_middle=-0.1)
    assert grid.alpha[10] == 0.5
    assert grid.beta[10] == -0.1
    np.testing.assert_allclose(np.diff(grid.alpha), 0.07)
    assert grid.points(np.array([0, 1, 21])) == [
        (grid.alpha[0], grid.beta[0]),
        (grid.alpha[1], grid.beta[0]),  # every row begins at the same alpha
        (grid.alpha[0], grid.beta[1]),
    ]
    with pytest.raises(InputError, match="odd"):
        Grid(resolution=20)
    with pytest.raises(InputError, match="extent"):
        Grid(extent=0)


@pytest.mark.parametrize("resolution", [3, 5, 7, 41, 51])
def test_stages_refine_each_other(resolution: int) -> None:
    grid = Grid(resolution=resolution)
    stages = grid.stages()
    together = np.concatenate(stages)
    assert len(together) == len(set(together.tolist())) == min(9, resolution) ** 2
    assert grid.size // 2 in stages[0]  # the centre is measured first
    assert len(stages[0]) == 9


def test_it_reaches_the_tolerance_with_few_points() -> None:
    grid = Grid()
    refinement = Refinement(grid, FIELDS)
    tiles = list(refine(refinement, measuring(valley), budget=1681))
    assert refinement.error_in_tolerances() <= 1
    assert refinement.count < 400
    assert max(len(tile.indices) for tile in tiles) <= TILE
    assert sum(len(tile.indices) for tile in tiles) == refinement.count
    wanted, found = truth(grid, valley), refinement.estimate()
    error = np.abs(np.log(found.values[:, 0] / wanted[:, 0])) / np.ptp(np.log(wanted[:, 0]))
    assert np.percentile(error, 95) < 0.015
    assert error.max() < 0.05
    p95, worst = refinement.expected_errors()["loss"]
    assert p95 <= 0.01
    assert worst <= WORST * 0.01


def test_measured_points_are_shown_as_measured() -> None:
    refinement = Refinement(Grid(), FIELDS)
    list(refine(refinement, measuring(valley), budget=100))
    found, wanted = refinement.estimate(), truth(refinement.grid, valley)
    np.testing.assert_array_equal(found.values[refinement.measured], wanted[refinement.measured])
    assert (found.error[refinement.measured][:, 0] == 0).all()
    assert (found.error[~refinement.measured][:, 0] > 0).all()


def test_discontinuous_fields_are_never_interpolated() -> None:
    refinement = Refinement(Grid(), FIELDS)
    list(refine(refinement, measuring(valley), budget=100))
    found = refinement.estimate()
    assert np.isnan(found.values[~refinement.measured, 1]).all()
    assert set(np.unique(found.values[:, 1][~np.isnan(found.values[:, 1])])) == {0.25, 1.0}


def test_undefined_values_stay_undefined() -> None:
    def torn(alpha: float, beta: float) -> list[float]:
        bad = alpha > 0.72
        return [np.inf if bad else 1 + alpha**2, 1.0, np.nan if bad else 0.5 * alpha]

    refinement = Refinement(Grid(), FIELDS)
    list(refine(refinement, measuring(torn), budget=300))
    found = refinement.estimate()
    alpha = np.tile(refinement.grid.alpha, 41)
    assert np.isnan(found.values[(alpha > 0.72) & refinement.measured, 0]).all()
    assert np.isnan(found.values[alpha > 0.9, 0]).all()
    inside = alpha < 0.5
    np.testing.assert_allclose(found.values[inside, 0], 1 + alpha[inside] ** 2, rtol=0.01)  # no undefined value spreads


def test_fields_of_zero_and_negative_values_are_interpolated_too() -> None:
    def negative(alpha: float, beta: float) -> list[float]:
        return [alpha + beta, 1.0, 0.0]

    refinement = Refinement(Grid(), FIELDS)
    list(refine(refinement, measuring(negative), budget=1681))
    found, wanted = refinement.estimate(), truth(refinement.grid, negative)
    np.testing.assert_allclose(found.values[:, 0], wanted[:, 0], atol=1e-6)
    assert (found.values[:, 2] == 0).all()  # a constant field is known everywhere
    assert (found.error[:, 2] == 0).all()


def test_the_same_measurements_lead_to_the_same_points() -> None:
    runs = []
    for _ in range(2):
        refinement = Refinement(Grid(), FIELDS, tolerance=0.003)
        runs.append(np.concatenate([tile.indices for tile in refine(refinement, measuring(valley), budget=1681)]))
    np.testing.assert_array_equal(*runs)


def test_a_finer_tolerance_continues_from_the_points_of_a_coarser_one() -> None:
    whole = Refinement(Grid(), FIELDS, tolerance=0.004)
    list(refine(whole, measuring(valley), budget=1681))
    first = Refinement(Grid(), FIELDS, tolerance=0.02)
    list(refine(first, measuring(valley), budget=1681))
    known = np.flatnonzero(first.measured)
    then = Refinement(Grid(), FIELDS, tolerance=0.004)
    then.add(Tile(known, first.values[known], first.standard_errors[known]))
    again = [index for tile in refine(then, measuring(valley), budget=1681) for index in tile.indices]
    assert not set(again) & set(known.tolist())  # nothing is measured twice
    np.testing.assert_array_equal(then.measured, whole.measured)


def test_budget_and_exhaustive() -> None:
    refinement = Refinement(Grid(), FIELDS, tolerance=1e-6)
    list(refine(refinement, measuring(valley), budget=137))
    assert refinement.count == 137
    refinement = Refinement(Grid(resolution=15), FIELDS, exhaustive=True)
    list(refine(refinement, measuring(valley), budget=10**6))
    assert refinement.measured.all()
    np.testing.assert_array_equal(refinement.values, truth(refinement.grid, valley))


def test_an_exhaustive_slice_in_progress_is_interpolated_from_the_coarse_points() -> None:
    """A fit through a thousand points takes a second."""
    refinement = Refinement(Grid(), FIELDS, exhaustive=True)
    list(refine(refinement, measuring(valley), budget=1200))
    found, wanted = refinement.estimate(), truth(refinement.grid, valley)
    np.testing.assert_array_equal(found.values[refinement.measured], wanted[refinement.measured])
    rest = ~refinement.measured
    coarse = Refinement(Grid(), FIELDS)
    list(refine(coarse, measuring(valley), budget=81))
    np.testing.assert_allclose(found.values[rest, 0], coarse.estimate().values[rest, 0])


def test_expected_points_end_at_what_is_measured() -> None:
    refinement = Refinement(Grid(), FIELDS)
    assert refinement.expected(1681) == 97
    for _ in refine(refinement, measuring(valley), budget=1681):
        assert refinement.count <= refinement.expected(1681) <= 1681
    assert refinement.expected(1681) == refinement.count


def test_a_line_is_refined_too() -> None:
    grid = Grid(resolution=101, line=True)
    refinement = Refinement(grid, FIELDS)
    list(refine(refinement, measuring(lambda a, b: [0.1 + a**4, 1.0, a]), budget=101))
    assert 9 < refinement.count < 101
    wanted = 0.1 + grid.alpha**4
    np.testing.assert_allclose(
        np.log(refinement.estimate().values[:, 0] / wanted) / np.ptp(np.log(wanted)), 0, atol=0.02
    )


def test_the_watched_fields_decide() -> None:
    def two(alpha: float, beta: float) -> list[float]:
        return [1 + alpha**2, 1.0, float(np.tanh(9 * (alpha - beta)))]

    counts = []
    for watched in (("loss",), ("recall_1",)):
        refinement = Refinement(Grid(), FIELDS, watched)
        list(refine(refinement, measuring(two), budget=1681))
        counts.append(refinement.count)
        if watched == ("recall_1",):
            rows, columns = np.divmod(np.flatnonzero(refinement.measured), 41)
            near = np.abs(rows - columns) <= 8
            assert near.mean() > 0.5  # a band of two fifths of the grid: points go to the step
    assert counts[0] < counts[1]
    for bad in ("precision_1", "nothing"):
        with pytest.raises(InputError, match="smooth"):
            Refinement(Grid(), FIELDS, (bad,))
    with pytest.raises(InputError, match="tolerance"):
        Refinement(Grid(), FIELDS, tolerance=0)


def test_splines_reproduce_their_polynomials_and_left_out_errors() -> None:
    random = np.random.default_rng(0)
    points, targets = random.uniform(-1, 1, (30, 2)), random.uniform(-1, 1, (50, 2))
    surface = fit(points, (1 + points[:, :1] - 2 * points[:, 1:]), targets)
    assert surface is not None
    np.testing.assert_allclose(surface.values[:, 0], 1 + targets[:, 0] - 2 * targets[:, 1], atol=1e-8)
    measured = np.sin(3 * points[:, :1])
    for spline in fit(points, measured, targets).splines:  # type: ignore[union-attr]
        without = type(spline)(spline._kernel, np.delete(points, 4, 0), points[4:5])
        left_out, scaled = spline.left_out(measured)
        wanted = measured[4] - without.values(np.delete(measured, 4, 0))[0]
        assert left_out[4] == pytest.approx(wanted, rel=1e-6)
        assert abs(scaled[4]) == pytest.approx(abs(wanted) / without.variance[0] ** 0.5, rel=1e-4)
    assert fit(points[:4], measured[:4], targets) is None


@pytest.mark.parametrize(("width", "kernels"), [(1, 0), (2, 1), (3, 2)])
def test_points_on_a_line_or_two_determine_no_or_one_spline(width: int, kernels: int) -> None:
    """As where all other points are undefined."""
    points = np.array([(x, y) for x in np.linspace(-0.2, 0.2, width) for y in np.linspace(-1, 1, 9)])
    surface = fit(points, points[:, :1] ** 2 + points[:, 1:], Grid().unit_coordinates())
    assert (0 if surface is None else len(surface.splines)) == kernels
    if surface is not None:
        assert np.isfinite(surface.values).all()


def test_a_grid_of_undefined_values_ends() -> None:
    def ridge(alpha: float, beta: float) -> list[float]:
        return [1 + beta**2 if abs(alpha) < 0.01 else np.nan, 1.0, np.nan]

    refinement = Refinement(Grid(), FIELDS)
    list(refine(refinement, measuring(ridge), budget=1681))
    found = refinement.estimate()
    assert np.isfinite(found.values[:, 0]).sum() == np.isfinite(refinement.values[:, 0]).sum()  # as measured


def gaussians(alpha: float, beta: float) -> list[float]:
    """Three bumps of different widths on a slope."""
    bumps = [(0.4, 0.3, 0.35, 1.0), (-0.5, 0.1, 0.5, -0.8), (0.1, -0.6, 0.25, 0.7)]
    heights = [h * np.exp(-((alpha - a) ** 2 + (beta - b) ** 2) / (2 * w * w)) for a, b, w, h in bumps]
    return [float(np.exp(0.5 * alpha + sum(heights))), 1.0, 0.5]


def folds(alpha: float, beta: float) -> list[float]:
    """Two creases, along curves that no grid line follows."""
    return [1 + abs(alpha - 0.3 * beta**2) + 0.5 * abs(beta + 0.4 * alpha - 0.13), 1.0, 0.5]


def waves(alpha: float, beta: float) -> list[float]:
    return [2 + float(np.sin(4 * alpha + beta) * np.cos(3 * beta)), 1.0, 0.5]


SURFACES = (valley, gaussians, folds, waves)


def true_error(refinement: Refinement, wanted: NDArray[np.float64]) -> tuple[float, float]:
    """95th percentile and largest error of the loss on the grid, as shares of its log range."""
    true = np.log(wanted[:, 0])
    error = np.abs(np.log(refinement.estimate().values[:, 0]) - true) / np.ptp(true)
    return float(np.percentile(error, 95)), float(error.max())


@pytest.mark.parametrize(("surface", "most"), [(valley, 6.0), (gaussians, 2.5), (folds, 1.7), (waves, 1.7)])
def test_expected_errors_are_about_the_true_ones(surface: Callable[[float, float], list[float]], most: float) -> None:
    """At every stage of the refinement, not only where it stops; more than true where it converges fast."""
    refinement, wanted = Refinement(Grid(), FIELDS, tolerance=0.0005), truth(Grid(), surface)
    ratios = []
    while len(batch := refinement.propose()) and refinement.count < 300:
        if refinement.count >= 97:
            p95, worst = refinement.expected_errors()["loss"]
            true95, true_worst = true_error(refinement, wanted)
            ratios.append((p95 / true95, worst / true_worst))
        refinement.add(Tile(batch, wanted[batch], np.zeros((len(batch), 3))))
    of_p95, of_worst = np.array(ratios).T
    assert 0.7 < of_p95.min() <= of_p95.max() < most
    assert 0.5 < of_worst.min() <= of_worst.max() < 3


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("tolerance", [0.01, 0.004])
def test_it_stops_when_the_true_error_is_below_the_tolerance_and_soon_after(
    surface: Callable[[float, float], list[float]], tolerance: float
) -> None:
    refinement, wanted = Refinement(Grid(), FIELDS, tolerance=tolerance), truth(Grid(), surface)
    reached = 0
    while len(batch := refinement.propose()):
        if not reached and refinement.count > 81 and true_error(refinement, wanted)[0] <= tolerance:
            reached = refinement.count
        refinement.add(Tile(batch, wanted[batch], np.zeros((len(batch), 3))))
    p95, worst = true_error(refinement, wanted)
    assert p95 <= 1.1 * tolerance
    assert worst <= 6 * tolerance  # a crease between two points is not seen before one of them lies on it
    assert refinement.count <= max(97, 1.5 * (reached or refinement.count)) + TILE


def test_points_that_are_known_are_taken_as_if_they_had_been_measured() -> None:
    """A slice that was broken off in the middle of a batch goes on to the same end, and knows its errors as well."""
    whole = Refinement(Grid(), FIELDS, tolerance=0.004)
    order = np.concatenate([tile.indices for tile in refine(whole, measuring(valley), budget=1681)])
    for known in (order[:40], order[:105], np.sort(order)[:110]):
        again = Refinement(Grid(), FIELDS, tolerance=0.004)
        again.add(Tile(known, whole.values[known], whole.standard_errors[known]))
        list(refine(again, measuring(valley), budget=1681))
        np.testing.assert_array_equal(again.measured, whole.measured)
        assert again.error_in_tolerances() == whole.error_in_tolerances()
        assert again.expected_errors() == whole.expected_errors()
