"""Smooth interpolation of scattered points, with the error that is to be expected everywhere. NumPy only.

Polyharmonic splines, r³ with a linear and r⁵ with a quadratic polynomial (Duchon 1977). Each field takes the one with
the smaller leave-one-out error (Rippa 1999). The expected deviation is that of the Gaussian process to which the spline
belongs, scaled to agree with the leave-one-out errors nearby; ``held_out`` says how far errors deviate in fact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray

NEIGHBOURS = 12
"""How many measured points the size of the error near a point is taken from."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A radial function φ(r) = sign · r^power with an odd power, and the degree of the polynomial that goes with it."""

    power: int
    sign: int
    degree: int

    def phi(self, one: Array, other: Array) -> Array:
        """(n, m): φ of all distances."""
        distance: Array = scipy.spatial.distance.cdist(one, other)
        values: Array = self.sign * distance
        for _ in range(self.power // 2):  # a product is much faster than a power
            values *= distance
            values *= distance
        return values

    def polynomial(self, points: Array) -> Array:
        """(n, terms): 1, the coordinates and, for degree 2, their products."""
        columns = [np.ones(len(points)), *points.T]
        if self.degree == 2:
            pairs = [(i, j) for i in range(points.shape[1]) for j in range(i, points.shape[1])]
            columns += [points[:, i] * points[:, j] for i, j in pairs]
        return np.stack(columns, axis=1)

    def is_determined(self, points: Array) -> bool:
        """Whether the points determine a spline, also when one of them is left out."""
        tail = self.polynomial(points)
        terms = tail.shape[1]
        return len(points) > terms + 1 and bool(np.linalg.matrix_rank(tail) == terms)


KERNELS = (Kernel(3, 1, 1), Kernel(5, -1, 2))


class Spline:
    """An interpolant with one kernel, from measured points to targets.

    Args:
        points: (n, d), which determine the kernel's polynomial.
        targets: (m, d), where values are interpolated.
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
        """(m, fields) at the targets, from measured values (n, fields)."""
        result: Array = self._weights[:, : self._count] @ measured
        return result

    def left_out(self, measured: Array) -> tuple[Array, Array]:
        """(n, fields): leave-one-out error at each point, and the same in standard deviations of the spline."""
        diagonal = np.diagonal(self._inverse)[: self._count, None]
        coefficients = self._inverse[: self._count, : self._count] @ measured
        error: Array = coefficients / diagonal
        scaled: Array = coefficients / np.sqrt(np.abs(diagonal))
        return error, scaled

    def covariance(self, target: int) -> Array:
        """(m,): posterior covariance of all targets with one of them, given the measured points."""
        column: Array = self._kernel.phi(self._targets, self._targets[target : target + 1])[:, 0]
        column -= self._basis @ self._weights[target]
        return column


@dataclass(frozen=True, eq=False)
class Surface:
    """Interpolated fields at all targets.

    ``spread`` is the size of a field's leave-one-out errors near a target, in standard deviations of its spline.
    """

    values: Array  # (m, fields)
    deviation: Array  # (m, fields), expected, in the fields' units: spread times standard deviation; 0 where measured
    spread: Array  # (m, fields)
    chosen: NDArray[np.intp]  # (fields,) index of the spline that each field uses
    splines: tuple[Spline, ...]


def fit(points: Array, measured: Array, targets: Array) -> Surface | None:
    """Interpolates fields from points (n, d) with values (n, fields) to targets (m, d); all finite.

    Returns:
        None where the points determine no spline: they are too few, or lie on a line.

    >>> points = np.stack(np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]), axis=-1).reshape(-1, 2)
    >>> linear = 2 + points[:, :1] - 3 * points[:, 1:]
    >>> surface = fit(points, linear, np.array([[0.5, 0.25]]))
    >>> surface.values.round(9).tolist(), bool(surface.deviation.max() < 1e-9)
    ([[1.75]], True)
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
    return Surface(values, spread * deviation, spread, chosen, splines)


def _nearby(points: Array, scaled: Array, targets: Array) -> Array:
    """(m, fields): root mean square over the nearest points, weighted by inverse squared distance."""
    found = scipy.spatial.cKDTree(points).query(targets, k=min(NEIGHBOURS, len(points)))
    distance, index = np.asarray(found[0]), np.asarray(found[1])
    weight = 1 / (distance**2 + np.median(distance[:, 1]) ** 2)
    mean = (weight[:, :, None] * scaled[index] ** 2).sum(1) / weight.sum(1)[:, None]
    spread: Array = np.sqrt(mean)
    return spread
