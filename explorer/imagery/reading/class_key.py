"""From masks to labels: the class of each value, colour or name, decided once over all masks of a dataset.

A colour therefore means the same class in every scene, and an empty mask does not shift the ids.
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
IGNORE_NAME = "ignore"
"""In a palette, the name for the colour of pixels to ignore."""

Palette = Mapping[tuple[int, int, int], str]
"""The class of each colour (red, green, blue)."""


@dataclass(frozen=True)
class ClassKey:
    """The class of every key of a dataset's masks."""

    kind: MaskKind
    classes: tuple[str, ...]  # names; the position is the id
    ids: Mapping[Key, int]  # class id or ``IGNORE``

    def label(self, mask: Mask) -> NDArray[np.uint8]:
        """The label (H, W) of a mask.

        Raises:
            InputError: the mask has a key without a class, or keys of another kind.
        """
        converted = _as(mask, self.kind)
        if converted is None:
            raise InputError(
                f"its classes are given as {mask.kind}, those of the other masks as {self.kind}",
                mask.name,
                "save all masks in the same form",
            )
        ids = np.full(max(1, len(converted.keys)), IGNORE, dtype=np.uint8)  # by position in ``keys``
        counts = converted.counts()
        for position, key in enumerate(converted.keys):
            if key in self.ids:
                ids[position] = self.ids[key]
            elif counts[position]:
                raise InputError(
                    f"{_shown(key)} in {counts[position]} pixels is not one of the classes {_listed(self)}",
                    mask.name,
                    "correct the mask; mark pixels to ignore with 255",
                )
        label = ids[mask.index]
        label[mask.ignored] = IGNORE
        return label


def class_key(
    masks: Sequence[Mask],
    classes: Sequence[str] | None = None,
    palette: Palette | None = None,
    limits: Settings | None = None,
) -> ClassKey:
    """Decides which class each key of a dataset's masks means.

    - If most masks hold nothing but 0 and 255, these are background and object. Otherwise values are ids and 255 is
      ``IGNORE``; gaps between the ids are closed, and the class names state the values ("class 7").
    - Colours that are all grey are values. Other colours are classes in the order of their codes ("#ff8000"); the
      background is black or, without black, the most frequent colour.
    - Index images with a palette are values, unless their palettes contradict each other: then they are colours.

    Args:
        masks: all masks of the dataset.
        classes: class names, background first, if they are known.
        palette: colours and their classes, if they are known; the name "ignore" marks pixels to ignore.
        limits: on the number of classes; those of the installation if not given.

    Raises:
        InputError: there are too many classes, or the colours or names do not match ``classes``.
    """
    max_classes = (limits or settings()).max_classes
    kind = _common_kind(masks, palette)
    converted = (_as(mask, kind) for mask in masks)
    per_mask = [_pixels_by_key(mask) for mask in converted if mask is not None]  # ``ClassKey.label`` refuses the others
    total = sum(per_mask, Counter())
    if kind is MaskKind.VALUES and _are_black_and_white(per_mask) and (classes is None or len(classes) == 2):
        key = ClassKey(kind, tuple(classes or (BACKGROUND, "object")), {0: 0, 255: 1})
    elif kind is MaskKind.VALUES:
        key = (
            _of_values({int(value) for value in total}, max_classes) if classes is None else _of_known_classes(classes)
        )
    elif palette is not None:
        key = _of_palette(palette, classes)
    else:
        key = _of_colours_or_names(kind, total, classes)
    if len(key.classes) > max_classes:
        raise InputError(f"{len(key.classes)} classes, at most {max_classes}", "masks", "merge classes")
    return key


def _common_kind(masks: Sequence[Mask], palette: Palette | None) -> MaskKind:
    """The kind that most masks have or can be converted to."""
    kinds = Counter(mask.kind for mask in masks)
    if kinds[MaskKind.NAMES] * 2 > len(masks):
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
    """The mask with keys of another kind; None if they cannot be converted."""
    if mask.kind is kind:
        return mask
    if kind is MaskKind.COLOURS and mask.colours:
        return replace(mask, kind=kind, keys=mask.colours)
    if kind is MaskKind.COLOURS and set(mask.keys) <= {0, 255}:
        return replace(mask, kind=kind, keys=tuple("#000000" if key == 0 else "#ffffff" for key in mask.keys))
    if kind is MaskKind.VALUES and mask.kind is MaskKind.COLOURS and all(map(_is_grey, map(str, mask.keys))):
        return replace(mask, kind=kind, keys=tuple(int(str(key)[1:3], 16) for key in mask.keys))
    return None


def _pixels_by_key(mask: Mask) -> Counter[Key]:
    """Number of pixels of each key that has any."""
    pixels: Counter[Key] = Counter()
    for key, count in zip(mask.keys, mask.counts(), strict=True):  # a palette may give two indices one colour
        pixels[key] += int(count)
    return +pixels


def _are_black_and_white(per_mask: Sequence[Counter[Key]]) -> bool:
    """Whether most masks with any foreground hold nothing but 0 and 255."""
    with_foreground = [set(pixels) for pixels in per_mask if set(pixels) != {0}]
    matching = sum(keys <= {0, 255} for keys in with_foreground)
    return 2 * matching > len(with_foreground) and any(0 in pixels for pixels in per_mask)


def _is_grey(colour: str) -> bool:
    return colour[1:3] == colour[3:5] == colour[5:7]


def _of_values(found: set[int], max_classes: int) -> ClassKey:
    """The values that occur, as classes named after them; ids are the values in order without gaps."""
    ids: dict[Key, int] = {0: 0}
    if max(found - {IGNORE}, default=0) < max_classes:  # these are ids; among grey levels, 255 is a class
        ids[IGNORE] = IGNORE
    foreground = sorted(found - set(ids))
    ids |= {value: position for position, value in enumerate(foreground, start=1)}
    names = ("object",) if foreground in ([], [1]) else tuple(f"class {value}" for value in foreground)
    return ClassKey(MaskKind.VALUES, (BACKGROUND, *names), ids)


def _of_known_classes(classes: Sequence[str]) -> ClassKey:
    """Values are positions in the classes; a class that is named after a value ("class 7") has that value."""
    ids: dict[Key, int] = {}
    for class_id, name in enumerate(classes):
        value = name.removeprefix("class ")
        ids[int(value) if value != name and value.isdecimal() else class_id] = class_id
    return ClassKey(MaskKind.VALUES, tuple(classes), {IGNORE: IGNORE, **ids})


def _of_palette(palette: Palette, classes: Sequence[str] | None) -> ClassKey:
    """Colours as the palette names them; black is the background unless the palette names it."""
    names = tuple(classes or dict.fromkeys((BACKGROUND, *(name for name in palette.values() if name != IGNORE_NAME))))
    ids: dict[Key, int] = {hexadecimal(0, 0, 0): 0}
    for colour, name in palette.items():
        if name != IGNORE_NAME and name not in names:
            raise InputError(
                f"{name!r} is not one of the classes {', '.join(names)}", "palette", "use the name of a class"
            )
        ids[hexadecimal(*colour)] = IGNORE if name == IGNORE_NAME else names.index(name)
    return ClassKey(MaskKind.COLOURS, names, ids)


def _of_colours_or_names(kind: MaskKind, pixels: Counter[Key], classes: Sequence[str] | None) -> ClassKey:
    """Colours without a given palette, and names."""
    background: Key = BACKGROUND
    if kind is MaskKind.COLOURS:
        black = hexadecimal(0, 0, 0)
        background = black if black in pixels else max(sorted(pixels, key=str), key=pixels.__getitem__)
    foreground = sorted(str(key) for key in pixels if key != background)
    if classes is None:
        names = (BACKGROUND, *foreground)
    else:
        names = tuple(classes)
        if not set(foreground) <= set(names):
            if len(foreground) != len(names) - 1:
                raise InputError(
                    f"{len(foreground)} foreground {kind} ({', '.join(foreground)}) for the classes {', '.join(names)}",
                    "masks",
                    "state which is which: give a palette, or use these as class names",
                )
            return ClassKey(kind, names, {background: 0} | {key: i for i, key in enumerate(foreground, start=1)})
    return ClassKey(kind, names, {background: 0} | {name: names.index(name) for name in foreground})


def _shown(key: Key) -> str:
    return f"value {key}" if isinstance(key, int) else f"{key}"


def _listed(key: ClassKey) -> str:
    return ", ".join(f"{_shown(found)} ({key.classes[i]})" for found, i in key.ids.items() if i != IGNORE)
