"""Coarse to fine: a coarse grid first, then points where the interpolation's expected error is largest.

Choosing points needs no torch, so that the server and many workers can share a slice: points are chosen here and
evaluated anywhere. Nothing is random: the same values always lead to the same batches of points. Points that are known
already, from a slice that was broken off or is too coarse, are taken in the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.landscape.fields import Field
from explorer.landscape.grid import Grid, Tile
from explorer.landscape.held_out import HeldOut, quantile
from explorer.landscape.interpolation import Surface, fit

TOLERANCE = 0.01
"""Default for the 95th percentile of the error, as a share of a field's range. On three trained U-Nets the true one was
then 0.6 to 1.1 %, and the largest error 1.7 to 4.7 % (README)."""

WORST = 4.0
"""The largest error may be this many tolerances."""

MARGIN = 1.5
"""The error that is shown at a point is this many expected deviations: 90 % of the errors are smaller."""

_VERIFY = 16
"""At least so many points are predicted before they are measured."""

_BEYOND = 0.2
"""The largest error: one that is exceeded in so many of the gaps, of which there are as many as points."""

TILE = 9  # points that are yielded together
_GROWTH = 8  # a batch is this fraction of the measured points, so that fitting costs less than evaluating
_RATE = 0.75  # points needed grow with (error / tolerance) to this power: measured on trained segmenters

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimate:
    """All fields on the whole grid, from the points measured so far."""

    values: Array  # (size, fields): measured or interpolated; NaN: undefined, or not smooth and not measured
    error: Array  # (size, fields), as a share of the field's range on its scale; 0 where measured; NaN: unknown


class Refinement:
    """The values measured on a grid so far, and which points to measure next.

    Args:
        watched: names of the smooth fields that have to reach the tolerance; all losses if not given.
        tolerance: for the 95th percentile of the error over the grid, as a share of the range.
        exhaustive: every point of the grid is measured.

    Raises:
        InputError: the tolerance is not positive, or a watched field is not there or not smooth.
    """

    def __init__(
        self,
        grid: Grid,
        fields: Sequence[Field],
        watched: Sequence[str] = (),
        tolerance: float = TOLERANCE,
        exhaustive: bool = False,
    ) -> None:
        if not 0 < tolerance < 1:
            raise InputError(
                f"the tolerance must lie between 0 and 1, not {tolerance:g}", "tolerance", "0.01 is the default"
            )
        smooth = {field.name: column for column, field in enumerate(fields) if field.smooth}
        names = watched or [field.name for field in fields if field.group == "loss"]
        for name in names:
            if name not in smooth:
                raise InputError(f"{name!r} is not among the smooth fields", "fields", f"choose {', '.join(smooth)}")
        self.grid, self.fields = grid, tuple(fields)
        self._watched = np.array([smooth[name] for name in names], dtype=np.int64)
        self._tolerance, self._exhaustive = tolerance, exhaustive
        self.values: Array = np.full((grid.size, len(fields)), np.nan)
        self.standard_errors: Array = np.full((grid.size, len(fields)), np.nan)
        self.measured: NDArray[np.bool_] = np.zeros(grid.size, dtype=np.bool_)
        self._stages = grid.stages()
        self._first = min(grid.size, sum(len(stage) for stage in self._stages) + _VERIFY)
        self._taken: NDArray[np.bool_] = np.zeros(grid.size, dtype=np.bool_)  # in the batches so far
        self._batch: NDArray[np.int64] | None = None  # the next one
        self._held_out = HeldOut(len(fields))
        self._latest_fit: _Fit | None = None
        self._count_at_last_estimate = 0
        self.last_error_in_tolerances = np.inf  # when points were last chosen: the present one costs a fit

    def add(self, tile: Tile) -> None:
        """Adds measured points, in any order. Infinite values count as undefined."""
        self.values[tile.indices] = np.where(np.isfinite(tile.values), tile.values, np.nan)
        self.standard_errors[tile.indices] = tile.standard_errors
        self.measured[tile.indices] = True

    @property
    def count(self) -> int:
        """How many points are measured."""
        return int(self.measured.sum())

    def propose(self) -> NDArray[np.int64]:
        """Indices of the points to measure next, in any order; empty when the tolerance is reached."""
        while True:
            if self._batch is None:
                self._batch = self._next_batch()
            left = self._batch[~self.measured[self._batch]]
            if len(left) or not len(self._batch):
                return left
            self._take(self._batch)
            self._batch = None

    def _next_batch(self) -> NDArray[np.int64]:
        for stage in self._stages:
            left = stage[~self._taken[stage]]
            if len(left):
                return left
        if self._exhaustive:
            return np.flatnonzero(~self._taken)
        fitted, count = self._fit_through(self._taken), int(self._taken.sum())
        self.last_error_in_tolerances, self._count_at_last_estimate = self._in_tolerances(fitted), count
        if self.last_error_in_tolerances <= 1:
            return np.zeros(0, dtype=np.int64)
        batch = max(TILE, count // _GROWTH)
        return fitted.most_uncertain(self._watched, self._held_out.factor, min(batch, self.grid.size - count))

    def _take(self, batch: NDArray[np.int64]) -> None:
        """Takes a measured batch into the fit; once the coarse grid is there, its prediction is compared first."""
        if not self._exhaustive and all(self._taken[stage].all() for stage in self._stages):
            fitted = self._fit_through(self._taken)
            self._held_out.add(*fitted.compare(batch, self.values))
        self._taken[batch] = True

    def error_in_tolerances(self) -> float:
        """The error of the worst watched field, in tolerances: at most 1 when done; infinite if unknown."""
        if self.measured.all():
            return 0.0
        return self._in_tolerances(self._fit)

    def expected_errors(self) -> dict[str, tuple[float, float]]:
        """Of each watched field, the 95th percentile of the error over the grid and the largest error, as shares."""
        p95, most = self._expected(self._fit)
        names = [self.fields[column].name for column in self._watched]
        return {name: (float(a), float(b)) for name, a, b in zip(names, p95, most, strict=True)}

    def _expected(self, fitted: _Fit) -> tuple[Array, Array]:
        """(watched,) each; 0 for a field that is undefined everywhere."""
        deviation = (fitted.deviation * self._held_out.factor)[:, self._watched]
        deviation[:, np.isnan(deviation).all(0)] = 0
        return quantile(deviation, 0.05), quantile(deviation, _BEYOND / max(1, fitted.count))

    def _in_tolerances(self, fitted: _Fit) -> float:
        if fitted.count < self._first:
            return np.inf
        p95, most = self._expected(fitted)
        return float(max((p95 / self._tolerance).max(), (most / (WORST * self._tolerance)).max()))

    def expected(self, budget: int) -> int:
        """About how many points will have been measured in the end, at most ``budget``."""
        if self._exhaustive:
            wanted = self.grid.size
        elif self.count < self._first:
            wanted = self._first
        elif not np.isfinite(self.last_error_in_tolerances):
            wanted = self.grid.size
        else:
            wanted = round(self._count_at_last_estimate * max(1.0, self.last_error_in_tolerances**_RATE))
        return max(self.count, min(wanted, budget, self.grid.size))

    def estimate(self) -> Estimate:
        """Values and errors on the whole grid.

        Errors are scaled by those at points that this refinement has chosen; where it holds the points alone, as when a
        page draws a slice that is being measured, by leave-one-out errors.
        """
        return Estimate(self._fit.values, MARGIN * self._held_out.factor * self._fit.deviation)

    @property
    def _fit(self) -> _Fit:
        return self._fit_through(self.measured)

    def _fit_through(self, known: NDArray[np.bool_]) -> _Fit:
        if self._latest_fit is None or not np.array_equal(self._latest_fit.known, known):
            fitted = known.copy()
            if self._exhaustive:  # all points will be measured: until then, the coarse grid is enough
                fitted[np.setdiff1d(np.arange(self.grid.size), np.concatenate(self._stages))] = False
            values = np.where(known[:, None], self.values, np.nan)
            self._latest_fit = _Fit(self.grid, self.fields, values, known.copy(), fitted)
        return self._latest_fit


class _Fit:
    """Interpolating surfaces through one state of a refinement.

    Args:
        values: (size, fields).
        known: the points whose values are taken as they are.
        fitted: those of them that the surfaces go through.
    """

    def __init__(
        self,
        grid: Grid,
        fields: Sequence[Field],
        values: Array,
        known: NDArray[np.bool_],
        fitted: NDArray[np.bool_],
    ) -> None:
        self._coordinates, self.known, self._fitted = grid.unit_coordinates(), known, fitted
        self._raw = values
        positive = (values[known] > 0) | np.isnan(values[known])
        self._logarithmic = np.array([field.logarithmic for field in fields]) & positive.all(0)
        self._scaled = self._on_scale(values)
        self._smooth = np.array([field.smooth for field in fields])
        self._range = np.array([_range(column[known]) for column in self._scaled.T])

    @property
    def count(self) -> int:
        """How many points are known."""
        return int(self.known.sum())

    def _on_scale(self, values: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self._logarithmic, np.log(values), values)

    def compare(self, batch: NDArray[np.int64], values: Array) -> tuple[Array, Array]:
        """What the surfaces predicted wrong at points that have been measured since, and what was to be expected.

        Args:
            batch: (k,) indices.
            values: (size, fields).

        Returns:
            Errors and expected deviations, (k, fields), as shares of the range.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            error = (self._on_scale(values[batch]) - self._on_scale(self.values[batch])) / self._range
        return error, self.deviation[batch]

    @cached_property
    def _surfaces(self) -> list[tuple[NDArray[np.int64], Surface]]:
        """Columns and their surface: fields that are undefined at the same points share one."""
        finite = np.isfinite(self._scaled) & self._fitted[:, None]
        groups: dict[bytes, list[int]] = {}
        for column in np.flatnonzero(self._smooth & (self._range > 0)).tolist():
            groups.setdefault(finite[:, column].tobytes(), []).append(column)
        surfaces = []
        for columns in groups.values():
            points = finite[:, columns[0]]
            surface = fit(self._coordinates[points], self._scaled[points][:, columns], self._coordinates)
            if surface is not None:
                surfaces.append((np.array(columns), surface))
        return surfaces

    @property
    def values(self) -> Array:
        """(size, fields), see ``Estimate``."""
        return self._interpolated[0]

    @property
    def deviation(self) -> Array:
        """(size, fields): expected, as a share of the range; 0 where known; NaN: unknown."""
        return self._interpolated[1]

    @cached_property
    def _interpolated(self) -> tuple[Array, Array]:
        values = np.where(self.known[:, None], self._raw, np.nan)
        deviation = np.full_like(values, np.nan)
        deviation[self.known] = np.where(np.isnan(values[self.known]), np.nan, 0)
        elsewhere = np.flatnonzero(~self.known)
        if len(elsewhere) and self.known.any():
            known = np.flatnonzero(self.known)
            nearest = known[scipy.spatial.cKDTree(self._coordinates[known]).query(self._coordinates[elsewhere])[1]]
            constant = np.flatnonzero(self._smooth & (self._range == 0))
            values[np.ix_(elsewhere, constant)] = self._raw[np.ix_(nearest, constant)]
            deviation[np.ix_(elsewhere, constant)] = np.where(np.isnan(self._raw[np.ix_(nearest, constant)]), np.nan, 0)
            for columns, surface in self._surfaces:
                undefined = np.isnan(self._raw[np.ix_(nearest, columns)])
                found = surface.values[elsewhere]
                found = np.where(self._logarithmic[columns], np.exp(found), found)
                values[np.ix_(elsewhere, columns)] = np.where(undefined, np.nan, found)
                share = surface.deviation[elsewhere] / self._range[columns]
                deviation[np.ix_(elsewhere, columns)] = np.where(undefined, np.nan, share)
        return values, deviation

    def most_uncertain(self, watched: NDArray[np.int64], factor: Array, count: int) -> NDArray[np.int64]:
        """The points of the largest expected error, each chosen as if those before it were measured already.

        Args:
            watched: columns of the fields that count.
            factor: (fields,), by which their expected deviations are multiplied.
        """
        open_to = ~np.isnan(self.deviation).all(1) & ~self.known
        terms = []
        for columns, surface in self._surfaces:
            for index, spline in enumerate(surface.splines):
                own = [i for i, column in enumerate(columns) if column in watched and surface.chosen[i] == index]
                if own:
                    own_factor = factor[columns[own]] / self._range[columns[own]]
                    weight = (surface.spread[:, own] * own_factor).max(1)
                    terms.append((weight, spline, spline.variance.copy(), list[Array]()))
        chosen: list[int] = []
        while len(chosen) < count and terms:
            error = np.max([weight * np.sqrt(variance) for weight, _, variance, _ in terms], axis=0)
            error = np.where(open_to, error, 0)
            best = int(np.round(error / max(error.max(), np.finfo(float).tiny), 6).argmax())  # ties: the first
            if error[best] <= 0:
                break
            chosen.append(best)
            open_to[best] = False
            for _, spline, variance, taken in terms:
                if variance[best] > 0:
                    column = spline.covariance(best) - sum((each * each[best] for each in taken), np.zeros(()))
                    column /= np.sqrt(variance[best])
                    taken.append(column)
                    variance -= np.minimum(column**2, variance)
        return np.array(sorted(chosen), dtype=np.int64)


def _range(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.ptp(finite)) if len(finite) else 0.0


PointEvaluator = Callable[[Sequence[tuple[float, float]]], Iterator[tuple[Array, Array]]]
"""Gives values and standard errors, each (fields,), of points (alpha, beta), one after another."""


def refine(refinement: Refinement, evaluate: PointEvaluator, budget: int) -> Iterator[Tile]:
    """Measures points until the tolerance is reached or the budget is spent, beginning with what is measured already.

    Args:
        evaluate: each of its iterators is exhausted before the next begins.
        budget: points in all, earlier ones included.

    Yields:
        Tiles, which the refinement holds already.
    """
    while refinement.count < budget:
        wanted = refinement.propose()[: budget - refinement.count]
        if not len(wanted):
            return
        left, rows = wanted, list[tuple[Array, Array]]()
        for row in evaluate(refinement.grid.points(wanted)):
            rows.append(row)
            if len(rows) == min(TILE, len(left)):
                values, standard_errors = (np.stack(each) for each in zip(*rows, strict=True))
                tile = Tile(left[: len(rows)], values, standard_errors)
                left, rows = left[len(rows) :], []
                refinement.add(tile)
                yield tile
