"""The values, colours or names that the masks of a dataset hold, and what each is taken for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.imagery.choices import NODATA
from explorer.imagery.reading.class_key import ClassKey, as_kind
from explorer.imagery.reading.masks import Key, Mask
from explorer.imagery.reading.roles import IGNORE_NAME, order_of
from explorer.imagery.scene import BACKGROUND

MOST_VALUES = 40
"""More values are not listed one by one: they number objects or come from smoothing."""


@dataclass(frozen=True)
class FoundValue:
    """One value over all masks.

    Attributes:
        text: as choices name it: "2", "#ff8000", "ship" or "nodata".
        role: "background", "ignore", or the name of the class it is taken for; "" where it is refused.
        colour: "#rrggbb" if the masks give the value a colour, else "".
        pixels: number of pixels.
        share: of all pixels of the masks, 0 to 1.
        pieces: connected pieces (8 neighbours).
        mask: position of the mask with the most pixels of this value.
    """

    text: str
    role: str
    colour: str
    pixels: int
    share: float
    pieces: int
    mask: int


def found_values(masks: Sequence[Mask], key: ClassKey) -> tuple[FoundValue, ...]:
    """The values of all masks in their order, nodata last; the first ``MOST_VALUES`` if there are more.

    Args:
        masks: each on its image's grid.
        key: what was decided about the values.
    """
    converted = [as_kind(mask, key.kind) or mask for mask in masks]
    pixels: dict[Key, list[int]] = {}
    pieces: Counter[Key] = Counter()
    colours: dict[Key, str] = {}
    for number, mask in enumerate(converted):
        for position, value in enumerate(mask.keys):
            pixels.setdefault(value, [0] * len(masks))[number] += int(mask.counts()[position])
            pieces[value] += int(mask.pieces()[position])
            if mask.colours:
                colours[value] = mask.colours[position]
    total = sum(mask.index.size for mask in masks)
    found = []
    for value in sorted((value for value, counts in pixels.items() if any(counts)), key=order_of)[:MOST_VALUES]:
        counts_of = pixels[value]
        own = str(value) if str(value).startswith("#") else colours.get(value, "")
        most = int(np.argmax(counts_of))
        role = _role(value, key)
        found.append(FoundValue(str(value), role, own, sum(counts_of), sum(counts_of) / total, pieces[value], most))
    nodata = [0 if mask.nodata is None else int(mask.nodata.sum()) for mask in masks]
    if any(nodata):
        role = key.nodata
        found.append(FoundValue(NODATA, role, "", sum(nodata), sum(nodata) / total, 0, int(np.argmax(nodata))))
    return tuple(found)


def _role(value: Key, key: ClassKey) -> str:
    if key.half is not None and isinstance(value, int):
        return key.roles.get(1, "") if value >= key.half else BACKGROUND
    role = key.roles.get(value, "")
    return role if role in (BACKGROUND, IGNORE_NAME, *key.classes) else ""
