"""From masks to labels: what each value, colour or name means, decided over all masks of a dataset.

A colour that occurs in one scene only is the same class everywhere, and an empty mask does not shift the ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.reading.masks import Key, Mask, MaskKind, hexadecimal
from explorer.imagery.scene import IGNORE
from explorer.settings import Settings, settings

BACKGROUND = "background"
IGNORED = "ignore"
"""The name in a palette of the colour that marks pixels to be ignored."""

Palette = Mapping[tuple[int, int, int], str]
"""Colours (red, green, blue) and the class that each means."""


@dataclass(frozen=True)
class ClassKey:
    """The meaning of every key of a dataset's masks."""

    kind: MaskKind
    classes: tuple[str, ...]  # names; the position is the id
    ids: Mapping[Key, int]  # class id or ``IGNORE``

    def label(self, mask: Mask) -> NDArray[np.uint8]:
        """The label (H, W) of a mask.

        Raises:
            InputError: the mask has a value that is none of the classes, or is of another kind.
        """
        unified = _as(mask, self.kind)
        if unified is None:
            raise InputError(
                f"its {mask.kind} do not go with the {self.kind} of the other masks",
                mask.name,
                "save all masks alike",
            )
        table = np.full(max(1, len(unified.keys)), IGNORE, dtype=np.uint8)
        counts = unified.counts()
        for position, key in enumerate(unified.keys):
            if key in self.ids:
                table[position] = self.ids[key]
            elif counts[position]:
                raise InputError(
                    f"{_shown(key)} in {counts[position]} pixels is none of the classes {_listed(self)}",
                    mask.name,
                    "correct the mask; pixels to be ignored are 255",
                )
        label = table[mask.index]
        label[mask.ignored] = IGNORE
        return label


def class_key(
    masks: Sequence[Mask],
    classes: Sequence[str] | None = None,
    palette: Palette | None = None,
    limits: Settings | None = None,
) -> ClassKey:
    """Decides what the masks of a dataset mean.

    - Where most masks hold nothing but 0 and 255, these are background and object. Otherwise values are ids
      and 255 is ``IGNORE``; gaps are closed, the names tell the value ("class 7").
    - Colours that are all grey are values. Other colours are classes in the order of their codes ("#ff8000");
      black is the background, or else the most frequent colour.
    - Index images with a palette are values, unless their palettes contradict each other: then they are
      colours.

    Args:
        masks: all masks of the dataset.
        classes: the class names, background first, where they are known.
        palette: colours and their classes, where they are known; the name "ignore" marks pixels to ignore.
        limits: the most classes; those of the installation if not given.

    Raises:
        InputError: too many classes, or colours or names that do not fit ``classes``.
    """
    most = (limits or settings()).max_classes
    kind = _common_kind(masks, palette)
    unified = (_as(mask, kind) for mask in masks)
    tallies = [_tally(mask) for mask in unified if mask is not None]  # the others are refused when labelled
    counts = sum(tallies, Counter())
    if kind is MaskKind.VALUES and _black_and_white(tallies) and (classes is None or len(classes) == 2):
        meaning = ClassKey(kind, tuple(classes or (BACKGROUND, "object")), {0: 0, 255: 1})
    elif kind is MaskKind.VALUES:
        values = {int(key) for key in counts}
        meaning = _of_values(values, most) if classes is None else _to_ids(classes)
    elif palette is not None:
        meaning = _of_palette(palette, classes)
    else:
        meaning = _of_words(kind, counts, classes)
    if len(meaning.classes) > most:
        raise InputError(f"{len(meaning.classes)} classes, at most {most}", "masks", "merge classes")
    return meaning


def _common_kind(masks: Sequence[Mask], palette: Palette | None) -> MaskKind:
    """The kind that most masks have or can be taken for."""
    given = Counter(mask.kind for mask in masks)
    if given[MaskKind.NAMES] * 2 > len(masks):
        return MaskKind.NAMES
    with_palette = [mask for mask in masks if mask.colours]
    pairs = {pair for mask in with_palette for pair in zip(mask.keys, mask.colours, strict=True)}
    contradicting = len({value for value, _ in pairs}) < len(pairs)
    if contradicting or (palette is not None and len(with_palette) == len(masks)):
        return MaskKind.COLOURS
    as_values = sum(_as(mask, MaskKind.VALUES) is not None for mask in masks)
    as_colours = sum(_as(mask, MaskKind.COLOURS) is not None for mask in masks)
    if palette is not None and as_colours == len(masks):
        return MaskKind.COLOURS
    return MaskKind.VALUES if as_values >= as_colours else MaskKind.COLOURS


def _as(mask: Mask, kind: MaskKind) -> Mask | None:
    """The same mask with its keys as values or as colours; None where that cannot be."""
    if mask.kind is kind:
        return mask
    if kind is MaskKind.COLOURS and mask.colours:
        return replace(mask, kind=kind, keys=mask.colours)
    if kind is MaskKind.COLOURS and set(mask.keys) <= {0, 255}:
        return replace(mask, kind=kind, keys=tuple("#000000" if key == 0 else "#ffffff" for key in mask.keys))
    if kind is MaskKind.VALUES and mask.kind is MaskKind.COLOURS and all(map(_is_grey, map(str, mask.keys))):
        return replace(mask, kind=kind, keys=tuple(int(str(key)[1:3], 16) for key in mask.keys))
    return None


def _tally(mask: Mask) -> Counter[Key]:
    """Pixels of each key that has any."""
    tally: Counter[Key] = Counter()
    for key, count in zip(mask.keys, mask.counts(), strict=True):
        tally[key] += int(count)
    return +tally


def _black_and_white(tallies: Sequence[Counter[Key]]) -> bool:
    """Whether most masks that are not empty hold nothing but 0 and 255."""
    drawn = [set(tally) for tally in tallies if set(tally) != {0}]
    plain = sum(keys <= {0, 255} for keys in drawn)
    return 2 * plain > len(drawn) and any(0 in tally for tally in tallies)


def _is_grey(colour: str) -> bool:
    return colour[1:3] == colour[3:5] == colour[5:7]


def _of_values(found: set[int], most: int) -> ClassKey:
    ids: dict[Key, int] = {0: 0}
    if max(found - {IGNORE}, default=0) < most:  # ids, not grey levels, among which 255 would be a class
        ids[IGNORE] = IGNORE
    foreground = sorted(found - set(ids))
    ids |= {value: position for position, value in enumerate(foreground, start=1)}
    names = ("object",) if foreground in ([], [1]) else tuple(f"class {value}" for value in foreground)
    return ClassKey(MaskKind.VALUES, (BACKGROUND, *names), ids)


def _to_ids(classes: Sequence[str]) -> ClassKey:
    """Values for classes that are known: a class that was named after its value keeps it."""
    ids: dict[Key, int] = {}
    for class_id, name in enumerate(classes):
        named = name.removeprefix("class ")
        ids[int(named) if named != name and named.isdecimal() else class_id] = class_id
    return ClassKey(MaskKind.VALUES, tuple(classes), {IGNORE: IGNORE, **ids})


def _of_palette(palette: Palette, classes: Sequence[str] | None) -> ClassKey:
    names = tuple(classes or dict.fromkeys((BACKGROUND, *(name for name in palette.values() if name != IGNORED))))
    ids: dict[Key, int] = {hexadecimal(0, 0, 0): 0}
    for colour, name in palette.items():
        if name != IGNORED and name not in names:
            raise InputError(f"{name!r} is none of the classes {', '.join(names)}", "palette", "name it like a class")
        ids[hexadecimal(*colour)] = IGNORE if name == IGNORED else names.index(name)
    return ClassKey(MaskKind.COLOURS, names, ids)


def _of_words(kind: MaskKind, counts: Counter[Key], classes: Sequence[str] | None) -> ClassKey:
    """Colours without a palette, and names."""
    background: Key = BACKGROUND
    if kind is MaskKind.COLOURS:
        black = hexadecimal(0, 0, 0)
        background = black if black in counts else max(sorted(counts, key=str), key=counts.__getitem__)
    foreground = sorted(str(key) for key in counts if key != background)
    if classes is None:
        names = (BACKGROUND, *foreground)
    else:
        names = tuple(classes)
        if not set(foreground) <= set(names):
            if len(foreground) != len(names) - 1:
                raise InputError(
                    f"{len(foreground)} foreground {kind} ({', '.join(foreground)}) for the classes {', '.join(names)}",
                    "masks",
                    "say which is which: give a palette, or use these as class names",
                )
            return ClassKey(kind, names, {background: 0} | {key: i for i, key in enumerate(foreground, start=1)})
    return ClassKey(kind, names, {background: 0} | {name: names.index(name) for name in foreground})


def _shown(key: Key) -> str:
    return f"value {key}" if isinstance(key, int) else f"{key}"


def _listed(key: ClassKey) -> str:
    return ", ".join(f"{_shown(found)} ({key.classes[i]})" for found, i in key.ids.items() if i != IGNORE)
