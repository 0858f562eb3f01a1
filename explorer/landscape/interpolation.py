"""Smooth interpolation of scattered points, with an estimate of its own error everywhere. NumPy only.

Polyharmonic splines, r³ with a linear and r⁵ with a quadratic polynomial (Duchon 1977); each field takes the one that
predicts its own points better when each of them is left out (Rippa 1999). The error is that of the Gaussian process to
which the spline belongs: its standard deviation, scaled so that it agrees with the left-out errors nearby.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

NEIGHBOURS = 12
"""How many measured points tell the size of the errors near a point."""

MARGIN = 1.5
"""Estimated errors are this many standard deviations: on trained segmenters, nine tenths of all errors are less."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A radial function φ(r) = sign · r^power and the degree of the polynomial that goes with it."""

    power: int
    sign: int
    degree: int

    def phi(self, one: Array, other: Array) -> Array:
        """(n, m): φ of all distances."""
        squares = ((one[:, None] - other[None]) ** 2).sum(-1)
        values: Array = self.sign * squares ** (self.power / 2)
        return values

    def polynomial(self, points: Array) -> Array:
        """(n, terms): 1, the coordinates and, for degree 2, their products."""
        columns = [np.ones(len(points)), *points.T]
        if self.degree == 2:
            pairs = [(i, j) for i in range(points.shape[1]) for j in range(i, points.shape[1])]
            columns += [points[:, i] * points[:, j] for i, j in pairs]
        return np.stack(columns, axis=1)

    def is_determined(self, points: Array) -> bool:
        """Whether a spline through the points is determined, also when any one of many is left out."""
        tail = self.polynomial(points)
        terms = tail.shape[1]
        return len(points) > terms + 1 and bool(np.linalg.matrix_rank(tail) == terms)


KERNELS = (Kernel(3, 1, 1), Kernel(5, -1, 2))


class Spline:
    """One kernel fitted to points; values and error at others.

    Args:
        points: (n, d) measured, of which the polynomial is determined.
        targets: (m, d) where values are wanted.
    """

    def __init__(self, kernel: Kernel, points: Array, targets: Array) -> None:
        tail = kernel.polynomial(points)
        count, terms = tail.shape
        matrix = np.zeros((count + terms, count + terms))
        matrix[:count, :count] = kernel.phi(points, points)
        matrix[:count, count:], matrix[count:, :count] = tail, tail.T
        self._inverse = np.linalg.inv(matrix)
        self._kernel, self._targets, self._count = kernel, targets, count
        self._basis = np.hstack([kernel.phi(targets, points), kernel.polynomial(targets)])
        self._weights = self._basis @ self._inverse
        self.variance: Array = np.maximum(-(self._weights * self._basis).sum(1), 0)  # (m,) φ(0) is 0

    def values(self, measured: Array) -> Array:
        """(m, fields) of measured (n, fields)."""
        result: Array = self._weights[:, : self._count] @ measured
        return result

    def left_out(self, measured: Array) -> tuple[Array, Array]:
        """(n, fields): error at each point when it is left out, and the same in standard deviations."""
        diagonal = np.diagonal(self._inverse)[: self._count, None]
        coefficients = self._inverse[: self._count, : self._count] @ measured
        error: Array = coefficients / diagonal
        scaled: Array = coefficients / np.sqrt(np.abs(diagonal))
        return error, scaled

    def covariance(self, target: int) -> Array:
        """(m,): with one of the targets, given the measured points."""
        column: Array = self._kernel.phi(self._targets, self._targets[target : target + 1])[:, 0]
        column -= self._basis @ self._weights[target]
        return column


@dataclass(frozen=True, eq=False)
class Surface:
    """Fields over all targets, from what was measured at some of them.

    ``spread`` of a field is how large its left-out errors are near a target, in standard deviations of its spline: the
    estimated error is the product of the two. It says where a further point helps most.
    """

    values: Array  # (m, fields)
    error: Array  # (m, fields), in the fields' units; 0 where measured
    spread: Array  # (m, fields)
    chosen: NDArray[np.intp]  # (fields,) index of the spline that serves the field
    splines: tuple[Spline, ...]


def fit(points: Array, measured: Array, targets: Array) -> Surface | None:
    """Interpolates fields from points (n, d) with values (n, fields) to targets (m, d); all finite.

    Returns:
        None where the points are too few, or lie so (on a line, say) that no spline is determined.
    """
    splines = tuple(Spline(kernel, points, targets) for kernel in KERNELS if kernel.is_determined(points))
    if not splines:
        return None
    left_out = [spline.left_out(measured) for spline in splines]
    chosen = np.argmin([(error**2).mean(0) for error, _ in left_out], axis=0)
    fields = np.arange(measured.shape[1])
    scaled = np.stack([each for _, each in left_out])[chosen, :, fields].T
    values = np.stack([spline.values(measured) for spline in splines])[chosen, :, fields].T
    deviation = np.sqrt(np.stack([spline.variance for spline in splines], axis=1))[:, chosen]
    spread = _nearby(points, scaled, targets)
    return Surface(values, MARGIN * spread * deviation, spread, chosen, splines)


def _nearby(points: Array, scaled: Array, targets: Array) -> Array:
    """(m, fields): root mean square over the nearest points, the nearer the heavier."""
    found = cKDTree(points).query(targets, k=min(NEIGHBOURS, len(points)))
    distance, index = np.asarray(found[0]), np.asarray(found[1])
    weight = 1 / (distance**2 + np.median(distance[:, 1]) ** 2)
    mean = (weight[:, :, None] * scaled[index] ** 2).sum(1) / weight.sum(1)[:, None]
    spread: Array = np.sqrt(mean)
    return spread
