"""Which bands of an image are red, green and blue."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Bands = tuple[int, int, int]
"""Positions of the bands that serve as red, green and blue."""

_COLOURS = ("red", "green", "blue")
_NUMBERS = ("4", "3", "2")  # of the bands of Sentinel-2 and of Landsat 8 and 9 that are red, green and blue
_OTHERS = {"edge", "coastal", "near", "infrared"}
"""Words beside a colour that make it another band: "red edge", "coastal blue"."""

_OTHER_KINDS = {
    "red edge": {"edge", "rededge"},
    "coastal": {"coastal"},
    "short-wave infrared": {"swir"},
    "thermal infrared": {"thermal", "tir"},
    "near infrared": {"near", "nir"},
}
"""What bands that are no colour show, and the words that say so."""


def named_bands(names: Sequence[str]) -> Bands | None:
    """Positions of red, green and blue, where the bands' names tell all three.

    A name tells by a colour, alone or among other words, by its first letter alone, or by the number that Sentinel-2
    and Landsat 8 give it.

    >>> named_bands(["B02", "B03", "B04", "B08"]), named_bands(["B02 blue", "B03 green", "B04 red", "B05 red edge"])
    ((2, 1, 0), (2, 1, 0))
    """
    words = [tuple(re.findall(r"[a-z]+|[0-9]+", name.lower())) for name in names]
    found = [_position(words, colour, number) for colour, number in zip(_COLOURS, _NUMBERS, strict=True)]
    red, green, blue = found
    return None if red is None or green is None or blue is None else (red, green, blue)


def _position(names: Sequence[tuple[str, ...]], colour: str, number: str) -> int | None:
    """The first band of a colour, by the surest sign that any name bears."""
    signs: tuple[Callable[[tuple[str, ...]], bool], ...] = (
        lambda words: words in ((colour,), (colour[0],)),
        lambda words: colour in words and not _OTHERS.intersection(words),
        lambda words: len(words) == 2 and words[0] == "b" and words[1].lstrip("0") == number,
    )
    return next((position for sign in signs for position, words in enumerate(names) if sign(words)), None)


def telling_names(names: Sequence[str]) -> tuple[str | None, ...]:
    """What each band's name says that it shows, in one way of writing it; None: nothing that can be compared.

    Numbers tell where ``named_bands`` goes by them.

    >>> telling_names(["B", "green", "Red", "NIR"]), telling_names(["B02", "B03", "B04", "near infrared"])
    (('blue', 'green', 'red', 'near infrared'), ('blue', 'green', 'red', 'near infrared'))
    >>> telling_names(["b1", "b2", "b3"]), telling_names(["grey"]), telling_names(["band 1", "red edge 2"])
    ((None, None, None), (None,), (None, 'red edge'))
    """
    colours = dict(zip(named_bands(names) or (), _COLOURS, strict=False))  # by position
    return tuple(_kind(name) or colours.get(position) for position, name in enumerate(names))


def _kind(name: str) -> str | None:
    words = tuple(re.findall(r"[a-z]+|[0-9]+", name.lower()))
    other = next((shown for shown, signs in _OTHER_KINDS.items() if signs.intersection(words)), None)
    return other or next((colour for colour in _COLOURS if _position([words], colour, "") is not None), None)


def natural_bands(names: Sequence[str]) -> Bands:
    """Positions of the bands that are called red, green and blue; else the first three, or the only one.

    >>> natural_bands(["grey"]), natural_bands(["band 1", "band 2", "band 3", "band 4"])
    ((0, 0, 0), (0, 1, 2))
    """
    return named_bands(names) or ((0, 1, 2) if len(names) >= 3 else (0, 0, 0))
