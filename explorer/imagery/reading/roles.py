"""The role of each value, colour or name in a dataset's masks: a guess first, then the visitor's choices.

A role is the background, pixels to ignore, or the name of a class. The guesses are listed at
:func:`explorer.imagery.reading.class_key.class_key`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from explorer.errors import InputError
from explorer.imagery.choices import NODATA, ReadingChoices
from explorer.imagery.notes import Note
from explorer.imagery.reading.mask_values import border_colours
from explorer.imagery.reading.masks import WHITE_16, Key, Mask, MaskKind, hexadecimal
from explorer.imagery.scene import BACKGROUND, IGNORE

IGNORE_NAME = "ignore"
"""The role of pixels to ignore; in a palette, the name for their colour."""

OBJECT = "object"
"""The name of the only class where the labels give none, and of the class of a feature without one."""

Palette = Mapping[tuple[int, int, int], str]
"""The class of each colour (red, green, blue)."""

Roles = dict[Key, str]
"""Of each key: ``BACKGROUND``, ``IGNORE_NAME`` or the name of its class."""

_BLACK = hexadecimal(0, 0, 0)
_MOST_DIGITS = 12  # of a value of a mask
_GREY_LEVEL = 100  # values from here on are grey levels rather than ids, and 255 may be one of them


class SetNotes:
    """Notes that are collected while the roles are decided: one on the set, and the same on each mask concerned."""

    def __init__(self) -> None:
        self.on_set: tuple[Note, ...] = ()
        self.by_mask: dict[str, tuple[Note, ...]] = {}

    def of_masks(
        self, code: str, names: Sequence[str], after: str, *, before: str = "", verb: str = "was|were"
    ) -> None:
        """The text: ``before``, the masks, the verb, ``after``."""
        if not names:
            return
        one, many = verb.split("|")
        self.on_set += (Note(code, f"{before}{_several(names)} {one if len(names) == 1 else many} {after}"),)
        for name in names:
            self.by_mask[name] = (*self.by_mask.get(name, ()), Note(code, f"{before}The mask {one} {after}"))

    def drop(self, code: str) -> None:
        """Takes back the notes of a code."""
        self.on_set = tuple(note for note in self.on_set if note.code != code)
        self.by_mask = {name: tuple(n for n in notes if n.code != code) for name, notes in self.by_mask.items()}


def _several(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"The mask {names[0]}"
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names)} masks ({shown})"


def of_values(pixels: Mapping[str, Counter[Key]], classes: Sequence[str] | None, notes: SetNotes) -> Roles:
    """Values are ids; 255 is the object or ignored, see :func:`_role_of_255`."""
    found = {int(value) for each in pixels.values() for value in each}
    of_255 = _role_of_255(pixels, notes)
    foreground = sorted(found - {0, IGNORE})
    if classes is not None:
        roles: Roles = {IGNORE: classes[1] if of_255 == OBJECT and len(classes) == 2 else IGNORE_NAME}
        for class_id, name in enumerate(classes):
            value = name.removeprefix("class ")
            roles[int(value) if value != name and value.isdecimal() else class_id] = name
        return {key: BACKGROUND if role == classes[0] else role for key, role in roles.items()}
    roles = {0: BACKGROUND, IGNORE: of_255}
    if of_255 == OBJECT:  # black-and-white masks, perhaps beside others with 0 and 1
        return roles | ({1: OBJECT} if 1 in found else {})
    if foreground in ([], [1]):
        return roles | {1: OBJECT}
    if set(foreground) <= {1, WHITE_16} and max(map(int, found)) == WHITE_16:  # black and white with 16 bits
        notes.of_masks(
            "mixed_values",
            [name for name, each in pixels.items() if WHITE_16 in each] if 1 in found else [],
            f"{WHITE_16}. If they differ, name them (--names {WHITE_16}=NAME).",
            before=f"{WHITE_16} is the object, like 1 in other masks: ",
            verb="holds|hold",
        )
        return roles | dict.fromkeys(foreground, OBJECT)
    _note_numbered_from_1(pixels, notes)
    _note_one_value_each(pixels, notes)
    return roles | {value: f"class {value}" for value in foreground}


def _note_numbered_from_1(pixels: Mapping[str, Counter[Key]], notes: SetNotes) -> None:
    """A note on masks without 0 whose values are those of the other masks plus one."""
    ids = {name: {int(key) for key in each} - {IGNORE} for name, each in pixels.items()}
    others = set().union(*(each for each in ids.values() if 0 in each))
    shifted = {value + 1 for value in others}
    notes.of_masks(
        "mixed_values",
        [name for name, each in ids.items() if others and each <= shifted and max(shifted) in each],
        "no 0, and one class more than the others. If it counts from 1 and they from 0, save it as they are.",
        before="The masks may be numbered differently: ",
        verb="holds|hold",
    )


def _note_one_value_each(pixels: Mapping[str, Counter[Key]], notes: SetNotes) -> None:
    """A note on masks with one grey level beside 0, where the other masks have one other value."""
    ids = {name: {int(key) for key in each} - {0, IGNORE} for name, each in pixels.items()}
    values = sorted(set().union(*ids.values()))
    if len(values) != 2 or values[1] < _GREY_LEVEL or any(len(each) > 1 for each in ids.values()):
        return
    notes.of_masks(
        "mixed_values",
        [name for name, each in ids.items() if values[1] in each],
        f"{values[1]}, other masks {values[0]}. If both are the same, merge them "
        f"(--names {values[0]}=object,{values[1]}=object).",
        before="The masks may mark one class with two values: ",
        verb="holds|hold",
    )


def _role_of_255(pixels: Mapping[str, Counter[Key]], notes: SetNotes) -> str:
    """What 255 means: decided by masks that hold it beside other ids, and by those that hold nothing else.

    Returns:
        ``OBJECT`` or ``IGNORE_NAME``; the latter also where it does not occur.
    """
    alone = [name for name, each in pixels.items() if IGNORE in each and set(each) <= {0, IGNORE}]
    beside = [name for name, each in pixels.items() if IGNORE in each and not set(each) <= {0, IGNORE}]
    others = {int(key) for each in pixels.values() for key in each} - {0, IGNORE}
    if not alone:
        if beside and max(others) >= _GREY_LEVEL:
            notes.of_masks(
                "value_255_ignored",
                beside,
                "it beside other values. If it is a class, name it (--names 255=NAME).",
                before="255 is ignored: ",
                verb="holds|hold",
            )
        return IGNORE_NAME
    if beside:
        notes.of_masks(
            "mixed_values",
            alone,
            "no other id. If it is the object there, say so (--names 255=object).",
            before=f"255 is ignored, since {beside[0]} holds it beside other ids; ",
            verb="holds|hold",
        )
        return IGNORE_NAME
    with_others = [name for name, each in pixels.items() if set(each) - {0, IGNORE}]
    if not others:
        return OBJECT
    if others == {1}:
        notes.of_masks(
            "mixed_values",
            alone,
            "nothing but 0 and 255. If it is to be ignored, say so (--ignore 255).",
            before=f"255 is the object, like 1 in {', '.join(with_others[:3])}: ",
            verb="holds|hold",
        )
        return OBJECT
    if len(others) == 1 and len(alone) > len(with_others):  # one mask with an odd value does not decide for all
        return OBJECT
    notes.of_masks(
        "mixed_values",
        alone,
        "no other id. If it is a class, name it (--names 255=NAME).",
        before=f"255 is ignored, since other masks hold the ids {', '.join(map(str, sorted(others)))}: ",
        verb="holds|hold",
    )
    return IGNORE_NAME


def of_instances(kind: MaskKind, pixels: Mapping[str, Counter[Key]], classes: Sequence[str] | None) -> Roles:
    """Every key but the background is an object of the only class; 255 only where it follows 254."""
    name = classes[1] if classes is not None and len(classes) > 1 else OBJECT
    total = sum(pixels.values(), Counter())
    background: Key = _frequent_or(_BLACK, total) if kind is MaskKind.COLOURS else 0
    roles: Roles = dict.fromkeys(total, name) | {background: BACKGROUND}
    if kind is MaskKind.VALUES and IGNORE in total and IGNORE - 1 not in total:
        roles[IGNORE] = IGNORE_NAME
    return roles


def of_palette(palette: Palette, classes: Sequence[str] | None) -> Roles:
    """Colours as the palette names them; black is the background unless the palette names it."""
    roles: Roles = {_BLACK: BACKGROUND}
    background = classes[0] if classes is not None else BACKGROUND
    for colour, name in palette.items():
        if classes is not None and name not in (*classes, IGNORE_NAME, BACKGROUND):
            raise InputError(
                f"{name!r} is not one of the classes {', '.join(classes)}", "palette", "use the name of a class"
            )
        roles[hexadecimal(*colour)] = BACKGROUND if name == background else name
    return roles


def of_colours_or_names(
    kind: MaskKind,
    masks: Mapping[str, Mask],
    pixels: Mapping[str, Counter[Key]],
    classes: Sequence[str] | None,
    notes: SetNotes,
) -> Roles:
    """Colours without a given palette, and names."""
    total = sum(pixels.values(), Counter())
    borders = {name: border_colours(mask) for name, mask in masks.items()}
    void = {colour for colours in borders.values() for colour in colours}
    notes.of_masks(
        "void_colour",
        [name for name, colours in borders.items() if colours],
        "it.",
        before=f"{', '.join(sorted(map(str, void)))} is known as the border of objects and ignored: ",
        verb="holds|hold",
    )
    background = _frequent_or(_BLACK, total) if kind is MaskKind.COLOURS else BACKGROUND
    foreground = sorted((str(key) for key in total if key != background and key not in void), key=order_of)
    ignored: Roles = dict.fromkeys(void, IGNORE_NAME)
    if classes is None or set(foreground) <= set(classes):
        return {background: BACKGROUND} | ignored | {name: name for name in foreground}
    if len(foreground) != len(classes) - 1:
        raise InputError(
            f"{len(foreground)} foreground {kind} ({', '.join(foreground)}) for the classes {', '.join(classes)}",
            "masks",
            "state which is which: give a palette, or use these as class names",
        )
    return {background: BACKGROUND} | ignored | dict(zip(foreground, classes[1:], strict=True))


def _frequent_or(wanted: Key, total: Counter[Key]) -> Key:
    """This key if it occurs, else the most frequent one."""
    return wanted if wanted in total or not total else max(sorted(total, key=str), key=total.__getitem__)


def order_of(key: Key) -> tuple[int, float, str]:
    """Sorts values and names of numbers by value, then other names."""
    try:
        return 0, float(key), str(key)
    except ValueError:
        return 1, 0.0, str(key)


def key_of(text: str, roles: Collection[Key]) -> Key | None:
    """The key that a visitor's text means: 2 for "2", "#ff8000" for "#FF8000", a name as it stands."""
    candidates: list[Key] = [text, text.lower()]
    if text.strip().isdecimal() and len(text) <= _MOST_DIGITS:
        candidates.append(int(text))
    return next((key for key in candidates if key in roles), None)


def chosen(
    roles: Roles, total: Counter[Key], choices: ReadingChoices, classes: Sequence[str] | None, kind: MaskKind
) -> Roles:
    """The roles with the visitor's choices.

    Args:
        roles: as guessed.
        total: pixels of each key that occurs.
        choices: of the visitor.
        classes: if they are known; then a choice for a value that does not occur is not applied, since it was made for
            other masks.
        kind: of the keys.

    Raises:
        InputError: a choice names a value that does not occur.
    """

    def keys(texts: Collection[str]) -> list[Key]:
        found = {text: key_of(text, set(roles) | set(total)) for text in texts if text != NODATA}
        missing = [text for text, key in found.items() if key is None]
        if missing and classes is None:
            listed = ", ".join(str(each) for each in sorted(total, key=order_of)[:20])
            raise InputError(
                f"no mask holds the {str(kind).removesuffix('s')} {missing[0]}", "choices", f"choose from {listed}"
            )
        return [key for key in found.values() if key is not None]

    roles = dict(roles)
    if choices.background is not None:
        for key in [key for key, role in roles.items() if role == BACKGROUND]:
            if key in total:
                roles[key] = _default_name(key)
            else:
                del roles[key]
        for key in keys([choices.background]):
            roles[key] = BACKGROUND
        if classes is None:
            roles = _with_plain_name(roles, total)
    for key in keys(choices.ignore):
        roles[key] = IGNORE_NAME
    for text, name in choices.names.items():
        for key in keys([text]):
            roles[key] = BACKGROUND if classes is not None and name == classes[0] else name
    return roles


def _with_plain_name(roles: Roles, total: Counter[Key]) -> Roles:
    """Calls the value 0 or 1 an object if it is the only class."""
    foreground = {key for key, role in roles.items() if key in total and role not in (BACKGROUND, IGNORE_NAME)}
    if len(foreground) != 1 or not foreground <= {0, 1}:
        return roles
    kept = {key: role for key, role in roles.items() if role in (BACKGROUND, IGNORE_NAME)}
    return kept | dict.fromkeys(foreground, OBJECT)


def _default_name(key: Key) -> str:
    return f"class {key}" if isinstance(key, int) else str(key)


def role_of_nodata(
    roles: Roles, masks: Collection[Mask], total: Counter[Key], choices: ReadingChoices, notes: SetNotes
) -> str:
    """Nodata pixels are ignored, or the background where there is no other."""
    if NODATA in choices.names:
        return choices.names[NODATA]
    if choices.background == NODATA:
        return BACKGROUND
    concerned = [mask.name for mask in masks if mask.nodata is not None and mask.nodata.any()]
    has_background = any(roles.get(key) == BACKGROUND for key in total)
    if has_background or not concerned or NODATA in choices.ignore or choices.background is not None:
        return IGNORE_NAME
    notes.of_masks(
        "nodata_as_background",
        concerned,
        "it. It can be ignored instead (--ignore nodata).",
        before="Every other pixel is an object, so nodata is taken as background: ",
        verb="holds|hold",
    )
    return BACKGROUND


def swapped(roles: Roles, nodata: str) -> tuple[Roles, str]:
    """Object and background exchanged."""
    names = {*roles.values(), nodata} - {BACKGROUND, IGNORE_NAME}
    if len(names) != 1:
        raise InputError(
            f"object and background can be swapped with one class only; there are {len(names)}",
            "choices",
            "choose the background instead (--background VALUE)",
        )
    (name,) = names
    other = {BACKGROUND: name, name: BACKGROUND, IGNORE_NAME: IGNORE_NAME}
    return {key: other[role] for key, role in roles.items()}, other[nodata]
