"""From masks to labels: what each value, colour or name means, decided once over all masks of a dataset.

Every key of the masks gets a *role*: the background, pixels to ignore, or the name of a class. A colour therefore means
the same class in every scene, and an empty mask does not shift the ids. What the visitor chose comes last and wins
(:class:`explorer.imagery.choices.ReadingChoices`); what was guessed or looks wrong gets a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.notes import Note
from explorer.imagery.reading.mask_values import looks_like_instances, looks_smoothed, numbered
from explorer.imagery.reading.masks import Key, Mask, MaskKind, hexadecimal
from explorer.imagery.reading.names import escaped
from explorer.imagery.reading.roles import (
    IGNORE_NAME,
    OBJECT,
    Palette,
    Roles,
    SetNotes,
    chosen,
    of_colours_or_names,
    of_instances,
    of_palette,
    of_values,
    order_of,
    role_of_nodata,
    swapped,
)
from explorer.imagery.scene import BACKGROUND, IGNORE
from explorer.settings import Settings, settings
from explorer.texts import LONGEST_NAME

_BLACK, _WHITE = hexadecimal(0, 0, 0), hexadecimal(255, 255, 255)
_SAME: Mapping[Key, Key] = {BACKGROUND: 0, OBJECT: 1, 0: BACKGROUND, 1: OBJECT}
"""Polygons without a class, and masks of 0 and 1, say the same."""

_MOSTLY = 0.85  # share of one class from which object and background may be swapped


@dataclass(frozen=True)
class ClassKey:
    """The role of every key of a dataset's masks."""

    kind: MaskKind
    classes: tuple[str, ...]  # names; the position is the id
    roles: Mapping[Key, str]
    nodata: str = IGNORE_NAME  # role of the pixels that the masks declare nodata
    instances: bool = False  # every key of a class is an object of its own
    half: float | None = None  # keys from here on are the object, where masks are smoothed
    notes: tuple[Note, ...] = ()  # on the set
    notes_by_mask: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)  # by name

    def label(self, mask: Mask) -> NDArray[np.uint8]:
        """The label (H, W) of a mask.

        Raises:
            InputError: the mask has a key without a role, keys of another kind, or needs a threshold.
        """
        converted = self._converted(mask)
        ids = np.full(max(1, len(converted.keys)), IGNORE, dtype=np.uint8)  # by position in ``keys``
        for position, key in enumerate(converted.keys):
            role = self.roles.get(key)
            if role in (BACKGROUND, IGNORE_NAME, *self.classes):
                ids[position] = self._id(str(role))
            elif converted.counts()[position]:
                where = f"{_shown(key)} in {converted.counts()[position]} pixels is"
                if role is not None:
                    remedy = "name it after one of these (--names), or ignore it (--ignore)"
                    raise InputError(
                        f"{where} {role!r}, none of the classes {', '.join(self.classes)}", mask.name, remedy
                    )
                smoothed = self.half is None and looks_smoothed(mask)
                raise InputError(
                    f"{where} not one of the classes {_listed(self)}",
                    mask.name,
                    "it looks smoothed: read it as object from half of the largest value on (--smoothed half)"
                    if smoothed
                    else "correct the mask; mark pixels to ignore with 255",
                )
        label = ids[converted.index]
        label[mask.ignored] = IGNORE
        if mask.nodata is not None and self.nodata != IGNORE_NAME:
            label[mask.nodata] = self._id(self.nodata)
        return label

    def objects(self, mask: Mask) -> NDArray[np.int32] | None:
        """The ids (H, W) of the objects that were drawn one by one; None if the mask does not tell them apart."""
        if mask.objects is not None or not self.instances:
            return mask.objects
        background = [key for key, role in self.roles.items() if role in (BACKGROUND, IGNORE_NAME)]
        return numbered(self._converted(mask), background)

    def _id(self, role: str) -> int:
        if role == IGNORE_NAME:
            return IGNORE
        return 0 if role == BACKGROUND else self.classes.index(role)

    def _converted(self, mask: Mask) -> Mask:
        converted = as_kind(mask, self.kind)
        if converted is None:
            raise InputError(
                f"its classes are given as {mask.kind}, those of the other masks as {self.kind}",
                mask.name,
                "save all masks in the same form",
            )
        if mask.lossy and self.half is None:
            raise InputError(
                "its values are smoothed by JPEG compression or lie between classes",
                mask.name,
                'save it as PNG with one value per class, or choose "smoothed: half" (--smoothed half)',
            )
        return converted if self.half is None else halved(converted, self.half)


def class_key(
    masks: Sequence[Mask],
    classes: Sequence[str] | None = None,
    palette: Palette | None = None,
    limits: Settings | None = None,
    choices: ReadingChoices | None = None,
) -> ClassKey:
    """Decides which class each key of a dataset's masks means.

    - Values are ids: 0 is the background, the class names state the values ("class 7"), gaps are closed. Where no mask
      holds 255 beside other ids, 255 is the object, as in black-and-white masks; otherwise it is ignored.
    - Colours that are all grey are values. Other colours are classes in the order of their codes ("#ff8000"); the
      background is black or, without black, the most frequent colour.
    - Index images with a palette are values, unless their palettes contradict each other: then they are colours.
    - Where nothing is background, nodata pixels of the masks are.
    - A mask with many more values than there can be classes counts an object per value, if they look like that.

    Args:
        masks: all masks of the dataset, with different names.
        classes: class names, background first, if they are known.
        palette: colours and their classes, if they are known; the name "ignore" marks pixels to ignore.
        limits: on the number of classes; those of the installation if not given.
        choices: of the visitor; they win over everything else.

    Raises:
        InputError: there are too many classes, the colours or names do not match ``classes``, or a choice names a
            value that does not occur.
    """
    limits, choices = limits or settings(), choices or ReadingChoices()
    kind = _common_kind(masks, palette)
    usable = {mask.name: converted for mask in masks if (converted := as_kind(mask, kind)) is not None}
    smoothed = [name for name, mask in usable.items() if looks_smoothed(mask)]
    half = _half(usable.values(), choices)
    if half is not None:
        usable = {name: halved(mask, half) for name, mask in usable.items()}
    else:
        usable = {name: mask for name, mask in usable.items() if not mask.lossy} or usable
    alike_instances = [name for name, mask in usable.items() if looks_like_instances(mask)]
    instances = choices.instances or _must_be_instances(usable, alike_instances, palette, limits.max_classes)
    if not instances:
        usable = _without_odd(usable, limits.max_classes)
    pixels = {name: _pixels_by_key(mask) for name, mask in usable.items()}
    notes = SetNotes()
    if instances:
        roles = of_instances(kind, pixels, classes)
        why = "" if choices.instances else f", since they hold more than {limits.max_classes} (EXPLORER_MAX_CLASSES)"
        notes.of_masks("instance_ids", alike_instances or list(usable), f"read as one object per value{why}.")
    elif kind is MaskKind.VALUES:
        roles = of_values(pixels, classes, notes)
    elif palette is not None:
        roles = of_palette(palette, classes)
    else:
        roles = of_colours_or_names(kind, usable, pixels, classes, notes)
    total = sum(pixels.values(), Counter())
    roles = chosen(roles, total, choices, classes, kind)
    nodata = role_of_nodata(roles, usable.values(), total, choices, notes)
    if choices.swap:
        roles, nodata = swapped(roles, nodata)
    names = tuple(classes) if classes is not None else _class_names(roles, nodata)
    longest = max(names, key=len)
    if len(longest) > LONGEST_NAME:
        raise InputError(
            f"a class name has {len(longest):,} characters, at most {LONGEST_NAME}", escaped(longest[:40]), "shorten it"
        )
    if len(names) > limits.max_classes:
        _note_smoothed(smoothed, half, usable, notes)
        raise _too_many(names, smoothed, limits.max_classes, notes)
    _suspect(roles, nodata, total, usable, names, notes)
    if not instances:
        notes.of_masks(
            "instance_ids",
            alike_instances,
            "a different value for nearly every connected piece: if these number the objects, choose one object "
            "per value (--instances).",
            verb="has|have",
        )
    _note_smoothed(smoothed, half, usable, notes)
    return ClassKey(kind, names, roles, nodata, instances, half, notes.on_set, notes.by_mask)


class UndecidedError(InputError):
    """What the values mean cannot be decided without the visitor; the notes say what was suspected."""

    def __init__(self, what: str, where: str, remedy: str, notes: SetNotes | None = None) -> None:
        super().__init__(what, where, remedy)
        notes = notes or SetNotes()
        self.notes, self.notes_by_mask = notes.on_set, notes.by_mask


def as_kind(mask: Mask, kind: MaskKind) -> Mask | None:
    """The mask with keys of another kind; None if they cannot be converted."""
    if mask.kind is kind:
        return mask
    if kind is MaskKind.COLOURS and mask.colours:
        return _with_colours(mask, mask.colours)
    if kind is MaskKind.COLOURS and set(mask.keys) <= {0, 255}:
        return _with_colours(mask, tuple(_BLACK if key == 0 else _WHITE for key in mask.keys))
    if {kind, mask.kind} == {MaskKind.NAMES, MaskKind.VALUES} and set(mask.keys) <= set(_SAME):
        return replace(mask, kind=kind, keys=tuple(_SAME[key] for key in mask.keys))
    if {kind, mask.kind} == {MaskKind.NAMES, MaskKind.VALUES} and set(mask.keys) == {0, IGNORE}:
        return replace(mask, kind=kind, keys=(BACKGROUND, OBJECT))
    if kind is MaskKind.VALUES and mask.kind is MaskKind.COLOURS and all(map(_is_grey, map(str, mask.keys))):
        return replace(mask, kind=kind, keys=tuple(int(str(key)[1:3], 16) for key in mask.keys))
    return None


def _with_colours(mask: Mask, colours: Sequence[str]) -> Mask:
    """A mask of values with colours as keys; a palette may give two values one colour."""
    keys, positions = np.unique(np.array(colours, dtype=np.str_), return_inverse=True)
    index = positions.astype(np.uint16)[mask.index] if len(colours) else mask.index
    return replace(mask, kind=MaskKind.COLOURS, keys=tuple(map(str, keys)), index=index, colours=tuple(map(str, keys)))


def halved(mask: Mask, half: float) -> Mask:
    """A mask of values as 0 below the threshold and 1 from it on."""
    if mask.kind is not MaskKind.VALUES:
        return mask
    above = np.array([int(key) >= half for key in mask.keys], dtype=np.uint16)
    return replace(mask, keys=(0, 1), index=above[mask.index], colours=(), lossy=False)


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
    as_values = sum(as_kind(mask, MaskKind.VALUES) is not None for mask in masks)
    as_colours = sum(as_kind(mask, MaskKind.COLOURS) is not None for mask in masks)
    if palette is not None and as_colours == len(masks):
        return MaskKind.COLOURS
    return MaskKind.VALUES if as_values >= as_colours else MaskKind.COLOURS


def _half(masks: Collection[Mask], choices: ReadingChoices) -> float | None:
    """The threshold of smoothed masks: half of the largest value of all."""
    if choices.smoothed is None:
        return None
    values = [int(key) for mask in masks if mask.kind is MaskKind.VALUES for key in _pixels_by_key(mask)]
    return max(values, default=0) / 2 or 0.5


def _must_be_instances(
    masks: Mapping[str, Mask], alike: Collection[str], palette: Palette | None, max_classes: int
) -> bool:
    """Whether there are more values than there can be classes, and they look like a number per object.

    A value 255 far from the others marks pixels to ignore, as beside classes.
    """
    large = [name for name, mask in masks.items() if len(mask.keys) > max_classes + 1]
    if any(IGNORE in masks[name].keys and IGNORE - 1 not in masks[name].keys for name in large):
        return False
    return palette is None and bool(large) and 2 * sum(name in alike for name in large) > len(large)


def _without_odd(masks: dict[str, Mask], max_classes: int) -> dict[str, Mask]:
    """The masks without those that hold far too many values, if there are others: each is refused by itself."""
    return {name: mask for name, mask in masks.items() if len(mask.keys) <= max_classes + 1} or masks


def _is_grey(colour: str) -> bool:
    return colour[1:3] == colour[3:5] == colour[5:7]


def _pixels_by_key(mask: Mask) -> Counter[Key]:
    """Number of pixels of each key that has any."""
    return Counter({key: int(count) for key, count in zip(mask.keys, mask.counts(), strict=True) if count})


def _class_names(roles: Roles, nodata: str) -> tuple[str, ...]:
    """Names in the order of their first key; the background first."""
    names = dict.fromkeys(role for key, role in sorted(roles.items(), key=lambda item: order_of(item[0])))
    ordered = [name for name in (*names, nodata) if name not in (BACKGROUND, IGNORE_NAME)]
    return (BACKGROUND, *dict.fromkeys(ordered))


def _note_smoothed(smoothed: Sequence[str], half: float | None, masks: Mapping[str, Mask], notes: SetNotes) -> None:
    """Notes on masks with smoothed edges."""
    if set(masks) <= set(smoothed):  # 255 is one of the values that smoothing left
        notes.drop("value_255_ignored")
    if half is not None:
        notes.of_masks("smoothed_mask", list(masks), f"read as object from the value {half:g} on.")
        return
    notes.of_masks(
        "smoothed_mask",
        smoothed,
        "values between those of its classes along edges, from smoothing or resizing: choose the threshold at "
        "half (--smoothed half).",
        verb="has|have",
    )


def _too_many(names: Sequence[str], smoothed: Collection[str], max_classes: int, notes: SetNotes) -> UndecidedError:
    remedy = (
        "they look smoothed: choose the threshold at half (--smoothed half)"
        if smoothed
        else "merge classes, count an object per value (--instances), or raise EXPLORER_MAX_CLASSES"
    )
    return UndecidedError(f"{len(names)} classes, at most {max_classes} (EXPLORER_MAX_CLASSES)", "masks", remedy, notes)


def _suspect(
    roles: Roles,
    nodata: str,
    total: Counter[Key],
    masks: Mapping[str, Mask],
    names: Sequence[str],
    notes: SetNotes,
) -> None:
    """Notes on sets without background, and on sets that are nearly all object."""
    by_role: Counter[str] = Counter()
    for key, count in total.items():
        by_role[roles.get(key, IGNORE_NAME)] += count
    by_role[nodata] += sum(int(mask.nodata.sum()) for mask in masks.values() if mask.nodata is not None)
    empty = [name for name, mask in masks.items() if mask.nodata is not None and mask.nodata.any()]
    if nodata == IGNORE_NAME and not set(by_role) - {BACKGROUND, IGNORE_NAME}:
        notes.of_masks(
            "nodata_may_be_object",
            empty,
            "nodata. If it marks the objects, say so (--names nodata=object).",
            before="No pixel is an object, and nodata is ignored: ",
            verb="holds|hold",
        )
    background, labelled = by_role[BACKGROUND], sum(by_role.values()) - by_role[IGNORE_NAME]
    if not labelled:
        return
    shares = [
        f"{_shown(key)} ({count / labelled:.0%})"
        for key, count in total.most_common(6)
        if roles.get(key) != IGNORE_NAME
    ]
    if not background:
        most = max((key for key in total if roles.get(key) != IGNORE_NAME), key=total.__getitem__, default=None)
        without_255 = IGNORE in total and roles.get(IGNORE) == IGNORE_NAME
        notes.of_masks(
            "no_background",
            list(masks),
            f"{', '.join(shares)}. If one of these is the background, choose it"
            + (f" (--background {most})." if most is not None else ".")
            + (" 255 is ignored; it can be the background, too (--background 255)." if without_255 else ""),
            before="No pixel is background: ",
            verb="holds|hold",
        )
    elif len(names) == 2 and labelled - background > _MOSTLY * labelled:
        notes.of_masks(
            "foreground_covers_most",
            list(masks),
            "concerned.",
            before=f"{(labelled - background) / labelled:.0%} of the pixels are {names[1]!r}: if the masks show the "
            "background in its place, swap object and background (--swap). ",
            verb="is|are",
        )


def _shown(key: Key) -> str:
    return f"value {key}" if isinstance(key, int) else f"{key}"


def _listed(key: ClassKey) -> str:
    return ", ".join(f"{_shown(found)} ({role})" for found, role in key.roles.items() if role != IGNORE_NAME)
