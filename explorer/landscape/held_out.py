"""How large an interpolation's errors are, judged by points that it predicted before they were measured. No torch.

Every batch of points is predicted by the surfaces through the points before it (Dawid 1984, "prequential"). The errors
there are those of the surface itself, whereas leave-one-out errors are those of a surface with a gap twice as wide. The
points are chosen where errors are expected to be largest, so that their errors are no sample of those elsewhere. Each
is taken relative to the deviation σ that was expected there, which gives one factor for all points of a field,

    κ² = (PRIOR + Σ w z²) / (PRIOR + Σ w),   z = error / σ,   w = DECAY^(batches since).

The prior is the leave-one-out errors, by which σ was scaled: κ = 1. Errors are then κσ times a variable of Student's t
with ``FREEDOM`` degrees of freedom and unit variance, and a quantile over the grid is one of the mixture of all points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

PRIOR = 6.0
"""The leave-one-out errors count as so many points that were predicted."""

DECAY = 0.6
"""What a batch counts relative to the next one: the surface has changed since."""

FREEDOM = 5.0
"""Of Student's distribution: the surfaces have kinks, near which errors are larger than elsewhere."""

Array = NDArray[np.float64]

_STRATA = (np.arange(24) + 0.5) / 24
_STUDENT: Array = stdtrit(FREEDOM, (1 + _STRATA) / 2) * np.sqrt((FREEDOM - 2) / FREEDOM)
"""(24,): values that stand for the distribution of |error| / (κσ)."""


class HeldOut:
    """The errors at points that were predicted before they were measured, in expected deviations.

    Args:
        fields: how many fields.
    """

    def __init__(self, fields: int) -> None:
        self._squares: Array = np.zeros(fields)
        self._weights: Array = np.zeros(fields)

    def add(self, error: Array, deviation: Array) -> None:
        """Adds a batch.

        Args:
            error: (k, fields); NaN: nothing was predicted, or the value is undefined.
            deviation: (k, fields), as the surface expected it, not scaled by ``factor``.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = (error / deviation) ** 2
        known = np.isfinite(squares)
        self._squares = self._squares * DECAY + np.where(known, squares, 0).sum(0)
        self._weights = self._weights * DECAY + known.sum(0)

    @property
    def factor(self) -> Array:
        """(fields,): κ, by which expected deviations are to be multiplied."""
        factor: Array = np.sqrt((PRIOR + self._squares) / (PRIOR + self._weights))
        return factor


def quantile(deviation: Array, beyond: float) -> Array:
    """(fields,): the error that a share ``beyond`` of the points exceeds, of points with these deviations.

    Args:
        deviation: (n, fields), at least one not NaN in each; 0 where the value is known; NaN: left out.
        beyond: between 0 and 1.

    >>> even = np.ones((100, 1))
    >>> quantile(even, 0.05).round(1)  # 2.57 · √(3/5) = 1.99 of the distribution itself, of which 24 values stand here
    array([1.9])
    >>> quantile(np.where(np.arange(100)[:, None] < 96, 0, even), 0.05)  # too few points are unknown
    array([0.])
    """
    found = [np.quantile(np.multiply.outer(each[~np.isnan(each)], _STUDENT), 1 - beyond) for each in deviation.T]
    return np.array(found)
