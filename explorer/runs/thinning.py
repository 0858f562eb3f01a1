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


Point = tuple[float, float]


@dataclass(slots=True)
class _Stretch:
    """What is kept of some neighbouring points."""

    low: Point | None = None  # the lowest and the highest, the first of equal ones; None: none is finite
    high: Point | None = None
    hole: float | None = None  # x of the first that is not finite

    def take(self, point: Point) -> None:
        """Adds a point to the right."""
        if not math.isfinite(point[1]):
            if self.hole is None:
                self.hole = point[0]
            return
        if self.low is None or point[1] < self.low[1]:
            self.low = point
        if self.high is None or point[1] > self.high[1]:
            self.high = point

    def joined(self, other: _Stretch) -> _Stretch:
        """Of this stretch and the one to its right."""
        both = _Stretch(self.low, self.high, self.hole if self.hole is not None else other.hole)
        for point in (other.low, other.high):
            if point is not None:
                both.take(point)
        return both

    def points(self) -> list[Point]:
        """One to three, from left to right; the hole's is NaN high."""
        drawn = {each for each in (self.low, self.high) if each is not None}
        return sorted(drawn if self.hole is None else {*drawn, (self.hole, math.nan)})


class Curve:
    """The curve so far.

    Args:
        most: stretches, an even number; there are at most two points for each, one more for each hole, and the last.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._stretches: list[_Stretch] = []
        self._drawn = np.empty((0, 2))  # points of all stretches but the last, which stay as they are
        self._new: list[Point] = []  # those of them that are not in the array yet
        self._size = 1  # points of a stretch
        self._inside = 0  # points of the last stretch
        self._last = (math.nan, math.nan)

    def append(self, x: float, y: float) -> None:
        """Adds a point to the right of all others. One that is not finite leaves a hole."""
        self._last = x, y
        if self._stretches and self._inside < self._size:
            self._stretches[-1].take(self._last)
            self._inside += 1
            return
        if len(self._stretches) == self._most:
            pairs = zip(self._stretches[::2], self._stretches[1::2], strict=True)
            self._stretches = [left.joined(right) for left, right in pairs]
            self._size *= 2
            self._drawn, self._new = np.empty((0, 2)), [p for each in self._stretches[:-1] for p in each.points()]
        if self._stretches:
            self._new += self._stretches[-1].points()
        self._stretches.append(_Stretch())
        self._stretches[-1].take(self._last)
        self._inside = 1

    def points(self) -> tuple[Column, Column]:
        """x and y, each (n,), from left to right; y is NaN in a hole."""
        if self._new:
            self._drawn, self._new = np.concatenate([self._drawn, np.array(self._new, dtype=np.float64)]), []
        end = self._stretches[-1].points() if self._stretches else []
        if end and end[-1][0] < self._last[0] and math.isfinite(self._last[1]):
            end.append(self._last)
        columns = np.concatenate([self._drawn, np.array(end, dtype=np.float64).reshape(-1, 2)])
        return columns[:, 0], columns[:, 1]
