"""Coarse to fine: a coarse grid first, then points where the interpolation's estimated error is largest.

Choosing points needs no torch, so that the server and many workers can share a slice: points are chosen here and
evaluated anywhere. Nothing is random: the same values always lead to the same points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from explorer.errors import InputError
from explorer.landscape.fields import Field
from explorer.landscape.grid import Grid, Tile
from explorer.landscape.interpolation import MARGIN, Surface, fit

TOLERANCE = 0.01
"""Default for the 95th percentile of the estimated error, as a share of a field's range."""

WORST = 4.0
"""The largest estimated error may be this many tolerances."""

_VERIFY = 16
"""At least so many points are measured after the coarse grid, whose own error estimate cannot be checked."""

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
        tolerance: for the 95th percentile of the estimated error, as a share of the range.
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
        self._latest_fit: _Fit | None = None
        self._count_at_last_estimate = 0
        self.last_error_in_tolerances = np.inf  # when points were last chosen: the present one costs a fit

    def add(self, tile: Tile) -> None:
        """Adds measured points, in any order. Infinite values count as undefined."""
        self.values[tile.indices] = np.where(np.isfinite(tile.values), tile.values, np.nan)
        self.standard_errors[tile.indices] = tile.standard_errors
        self.measured[tile.indices] = True
        self._latest_fit = None

    @property
    def count(self) -> int:
        """How many points are measured."""
        return int(self.measured.sum())

    def propose(self) -> NDArray[np.int64]:
        """Indices of the points to measure next, in any order; empty when the tolerance is reached."""
        for stage in self._stages:
            left = stage[~self.measured[stage]]
            if len(left):
                return left
        if self._exhaustive:
            return np.flatnonzero(~self.measured)
        self.last_error_in_tolerances, self._count_at_last_estimate = self.error_in_tolerances(), self.count
        if self.last_error_in_tolerances <= 1:
            return np.zeros(0, dtype=np.int64)
        batch = max(TILE, self.count // _GROWTH)
        return self._fit.most_uncertain(self._watched, min(batch, self.grid.size - self.count))

    def error_in_tolerances(self) -> float:
        """The estimated error of the worst watched field, in tolerances: at most 1 when done; infinite if unknown."""
        if self.measured.all():
            return 0.0
        if self.count < self._first:
            return np.inf
        error = self._fit.estimate.error[:, self._watched]
        known = ~np.isnan(error)
        worst = 0.0
        for column, here in zip(error.T, known.T, strict=True):
            if here.any():
                p95, most = np.percentile(column[here], 95), column[here].max()
                worst = max(worst, float(p95 / self._tolerance), float(most / (WORST * self._tolerance)))
        return worst

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
        """Values and errors on the whole grid."""
        return self._fit.estimate

    @property
    def _fit(self) -> _Fit:
        if self._latest_fit is None:
            fitted = self.measured.copy()
            if self._exhaustive:  # all points will be measured: until then, the coarse grid is enough
                fitted[np.setdiff1d(np.arange(self.grid.size), np.concatenate(self._stages))] = False
            self._latest_fit = _Fit(self.grid, self.fields, self.values, self.measured.copy(), fitted)
        return self._latest_fit


class _Fit:
    """Interpolating surfaces through one state of a refinement.

    Args:
        fitted: the measured points that the surfaces go through.
    """

    def __init__(
        self,
        grid: Grid,
        fields: Sequence[Field],
        values: Array,
        measured: NDArray[np.bool_],
        fitted: NDArray[np.bool_],
    ) -> None:
        self._coordinates, self._measured, self._fitted = grid.unit_coordinates(), measured, fitted
        self._raw = values
        known = values[measured]
        positive = (known > 0) | np.isnan(known)
        self._logarithmic = np.array([field.logarithmic for field in fields]) & positive.all(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            self._scaled = np.where(self._logarithmic, np.log(values), values)
        self._smooth = np.array([field.smooth for field in fields])
        self._range = np.array([_range(column[measured]) for column in self._scaled.T])

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

    @cached_property
    def estimate(self) -> Estimate:
        values = np.where(self._measured[:, None], self._raw, np.nan)
        error = np.full_like(values, np.nan)
        error[self._measured] = np.where(np.isnan(values[self._measured]), np.nan, 0)
        elsewhere = np.flatnonzero(~self._measured)
        if len(elsewhere) and self._measured.any():
            known = np.flatnonzero(self._measured)
            nearest = known[cKDTree(self._coordinates[known]).query(self._coordinates[elsewhere])[1]]
            constant = np.flatnonzero(self._smooth & (self._range == 0))
            values[np.ix_(elsewhere, constant)] = self._raw[np.ix_(nearest, constant)]
            error[np.ix_(elsewhere, constant)] = np.where(np.isnan(self._raw[np.ix_(nearest, constant)]), np.nan, 0)
            for columns, surface in self._surfaces:
                undefined = np.isnan(self._raw[np.ix_(nearest, columns)])
                found = surface.values[elsewhere]
                found = np.where(self._logarithmic[columns], np.exp(found), found)
                values[np.ix_(elsewhere, columns)] = np.where(undefined, np.nan, found)
                share = surface.error[elsewhere] / self._range[columns]
                error[np.ix_(elsewhere, columns)] = np.where(undefined, np.nan, share)
        return Estimate(values, error)

    def most_uncertain(self, watched: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """The points of the largest estimated error, each chosen as if those before it were measured already."""
        known = ~np.isnan(self.estimate.error).all(1) & ~self._measured
        terms = []
        for columns, surface in self._surfaces:
            for index, spline in enumerate(surface.splines):
                own = [i for i, column in enumerate(columns) if column in watched and surface.chosen[i] == index]
                if own:
                    weight = MARGIN * (surface.spread[:, own] / self._range[columns[own]]).max(1)
                    terms.append((weight, spline, spline.variance.copy(), list[Array]()))
        chosen: list[int] = []
        while len(chosen) < count and terms:
            error = np.max([weight * np.sqrt(variance) for weight, _, variance, _ in terms], axis=0)
            error = np.where(known, error, 0)
            best = int(np.round(error / max(error.max(), np.finfo(float).tiny), 6).argmax())  # ties: the first
            if error[best] <= 0:
                break
            chosen.append(best)
            known[best] = False
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
        for start in range(0, len(wanted), TILE):
            indices = wanted[start : start + TILE]
            measured = list(evaluate(refinement.grid.points(indices)))
            values, standard_errors = (np.stack(each) for each in zip(*measured, strict=True))
            tile = Tile(indices, values, standard_errors)
            refinement.add(tile)
            yield tile
