"""Which bands of an image are red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence

Bands = tuple[int, int, int]
"""Positions of the bands that serve as red, green and blue."""

_NAMES = (("red", "green", "blue"), ("r", "g", "b"), ("b04", "b03", "b02"), ("b4", "b3", "b2"))


def named_bands(names: Sequence[str]) -> Bands | None:
    """Positions of the bands that are called red, green and blue, or as Sentinel-2 and Landsat 8 call them.

    >>> named_bands(["B02", "B03", "B04", "B08"])
    (2, 1, 0)
    """
    lower = [name.lower() for name in names]
    for wanted in _NAMES:
        if set(wanted) <= set(lower):
            red, green, blue = (lower.index(name) for name in wanted)
            return red, green, blue
    return None


def natural_bands(names: Sequence[str]) -> Bands:
    """Positions of the bands that are called red, green and blue; else the first three, or the only one.

    >>> natural_bands(["grey"]), natural_bands(["band 1", "band 2", "band 3", "band 4"])
    ((0, 0, 0), (0, 1, 2))
    """
    return named_bands(names) or ((0, 1, 2) if len(names) >= 3 else (0, 0, 0))
