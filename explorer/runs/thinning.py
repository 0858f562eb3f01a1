"""A curve of bounded size that looks like all of its points, and that changes at its end only. No torch.

Points are gathered in stretches of equal numbers; of each stretch the lowest and the highest point are kept. Where
there are too many stretches, neighbours are joined and all later ones hold twice as many. A new point costs the same
however many there are, and what was drawn of the earlier ones stays as it was: only the end has to be sent again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


@dataclass
class _Stretch:
    """The lowest and the highest of some neighbouring points."""

    low: tuple[float, float]  # x and y
    high: tuple[float, float]

    def joined(self, other: _Stretch) -> _Stretch:
        """Of both."""
        return _Stretch(min(self.low, other.low, key=_height), max(self.high, other.high, key=_height))

    def points(self) -> list[tuple[float, float]]:
        """One or two, from left to right."""
        return sorted({self.low, self.high})


class Curve:
    """The curve so far.

    Args:
        most: stretches, an even number; there are at most twice as many points, and the last one.
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._stretches: list[_Stretch | None] = []  # None: none of its points is defined
        self._size = 1  # points of a stretch
        self._inside = 0  # points of the last stretch
        self._last: tuple[float, float] | None = None

    def append(self, x: float, y: float) -> None:
        """Adds a point to the right of all others; one that is not finite is not drawn."""
        if not self._stretches or self._inside == self._size:
            if len(self._stretches) == self._most:
                self._join()
            self._stretches.append(None)
            self._inside = 0
        self._inside += 1
        if math.isfinite(y):
            self._last = (x, y)
            self._stretches[-1] = _joined(self._stretches[-1], _Stretch((x, y), (x, y)))

    def _join(self) -> None:
        pairs = zip(self._stretches[::2], self._stretches[1::2], strict=True)
        self._stretches = [_joined(left, right) for left, right in pairs]
        self._size *= 2

    def points(self) -> tuple[Column, Column]:
        """x and y, each (n,), from left to right."""
        kept = [point for stretch in self._stretches if stretch is not None for point in stretch.points()]
        if self._last is not None and kept[-1] != self._last:
            kept.append(self._last)
        columns = np.array(kept, dtype=np.float64).reshape(-1, 2)
        return columns[:, 0], columns[:, 1]


def _height(point: tuple[float, float]) -> float:
    return point[1]


def _joined(one: _Stretch | None, other: _Stretch | None) -> _Stretch | None:
    return one.joined(other) if one is not None and other is not None else one or other
