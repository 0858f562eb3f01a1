"""What a visitor can choose about a note: each choice with its button's text, and the choices that follow from it.

``OFFERS`` is the registry, by the code of the note. The page draws the buttons; the command line has options for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from explorer.imagery.choices import NODATA, ReadingChoices
from explorer.imagery.match_rule import HALF_IOU
from explorer.imagery.reading.roles import IGNORE_NAME, OBJECT
from explorer.imagery.reading.values import FoundValue
from explorer.imagery.readings import Reading
from explorer.imagery.scene import BACKGROUND
from explorer.texts import LONGEST_NAME, plain

A_CLASS, MERGE = "a class", "merge into "
"""What a value may be taken for in the table of values, besides background and ignored; the latter before a class."""

_MOST_ONE_BY_ONE = 4  # choices of one kind about single scenes
_MOST_BACKGROUNDS = 3  # values that are offered as background


@dataclass(frozen=True)
class Offer:
    """One choice.

    Attributes:
        text: of the button.
        choices: all choices once this one is made.
    """

    text: str
    choices: ReadingChoices


def offers_of(code: str, reading: Reading) -> tuple[Offer, ...]:
    """The choices that a note of this code offers; none if there is nothing to choose."""
    return tuple(OFFERS[code](reading)) if code in OFFERS else ()


def with_role(choices: ReadingChoices, value: FoundValue, role: str, name: str) -> ReadingChoices:
    """The choices with another meaning of one value.

    Args:
        choices: so far.
        value: of the masks.
        role: "background", "ignore" or "class".
        name: of the class; values of one name are merged.
    """
    names = {text: other for text, other in choices.names.items() if text != value.text}
    ignore = tuple(text for text in choices.ignore if text != value.text)
    background = None if choices.background == value.text else choices.background
    if role == BACKGROUND:
        names[value.text] = BACKGROUND
    elif role == IGNORE_NAME:
        ignore = (*ignore, value.text)
    else:
        names[value.text] = name
    return choices.model_copy(update={"names": names, "ignore": ignore, "background": background})


def edited_choices(
    reading: Reading, choices: ReadingChoices, value: FoundValue, taken_for: str | None, name: str | None
) -> ReadingChoices:
    """The choices after an edit in the table of values.

    Args:
        reading: what the table shows.
        choices: so far.
        value: of the edited row.
        taken_for: "background", "ignore", ``A_CLASS`` or ``MERGE`` and a class; None: not edited.
        name: of the class; None: not edited. Where the value is in a class, the whole class gets the name.
    """
    if choices.swap:  # from now on, each value has a choice of its own
        choices = choices.model_copy(update={"swap": False})
        for other in reading.values:
            choices = with_role(choices, other, other.role, other.role)
    name = plain((name or "").strip(), LONGEST_NAME)
    in_class = value.role not in (BACKGROUND, IGNORE_NAME, "")
    if taken_for in (BACKGROUND, IGNORE_NAME):
        return with_role(choices, value, taken_for, "")
    if taken_for is not None and taken_for.startswith(MERGE):
        return with_role(choices, value, A_CLASS, taken_for.removeprefix(MERGE))
    if name and in_class and taken_for is None:
        for other in reading.values:
            if other.role == value.role:
                choices = with_role(choices, other, A_CLASS, name)
        return choices
    if name or taken_for == A_CLASS:
        return with_role(choices, value, A_CLASS, name or _own_name(value))
    return choices


def _own_name(value: FoundValue) -> str:
    return f"class {value.text}" if value.text.isdecimal() else value.text


def _change(reading: Reading, text: str, **changes: Any) -> Offer:
    return Offer(text, reading.choices.model_copy(update=changes))


def _backgrounds(reading: Reading) -> Sequence[Offer]:
    candidates = sorted(reading.values, key=lambda value: value.pixels, reverse=True)[:_MOST_BACKGROUNDS]
    return [
        _change(reading, f"{value.text} is the background ({value.share:.0%})", background=value.text)
        for value in candidates
        if value.role != BACKGROUND
    ]


def _of_255(reading: Reading) -> Sequence[Offer]:
    value = next((each for each in reading.values if each.text == "255"), None)
    if value is None:
        return []
    if value.role == IGNORE_NAME:
        only = reading.classes[1] if len(reading.classes) == 2 else OBJECT
        name = only if len(reading.classes) <= 2 else "class 255"
        return [Offer("255 is an object", with_role(reading.choices, value, "class", name))]
    return [Offer("Ignore 255", with_role(reading.choices, value, IGNORE_NAME, ""))]


def _instances(reading: Reading) -> Sequence[Offer]:
    classes = {value.role for value in reading.values} - {BACKGROUND, IGNORE_NAME}
    if not reading.choices.instances and len(classes) < 2 < len(reading.values):
        return []  # too many values for classes: it was read so already
    text = "Take the values as classes" if reading.choices.instances else "Count an object per value"
    return [_change(reading, text, instances=not reading.choices.instances)]


def _smoothed(reading: Reading) -> Sequence[Offer]:
    chosen = reading.choices.smoothed is not None
    text = "Take the values as they are" if chosen else "Object from half of the largest value on"
    return [_change(reading, text, smoothed=None if chosen else "half")]


def _void(reading: Reading) -> Sequence[Offer]:
    ignored = [value for value in reading.values if value.role == IGNORE_NAME and value.text.startswith("#")]
    return [
        Offer(f"{value.text} is a class", with_role(reading.choices, value, "class", value.text)) for value in ignored
    ]


def _turn(reading: Reading) -> Sequence[Offer]:
    chosen = reading.choices.turn_masks
    return [_change(reading, "Leave the masks as they are" if chosen else "Turn the masks", turn_masks=not chosen)]


OFFERS: Mapping[str, Callable[[Reading], Sequence[Offer]]] = MappingProxyType(
    {
        "no_background": _backgrounds,
        "nodata_as_background": lambda reading: [
            _change(reading, "Ignore nodata", ignore=(*reading.choices.ignore, NODATA))
        ],
        "nodata_may_be_object": lambda reading: [
            _change(reading, "Nodata is the object", names={**reading.choices.names, NODATA: OBJECT})
        ],
        "foreground_covers_most": lambda reading: [
            _change(reading, "Swap object and background", swap=not reading.choices.swap)
        ],
        "instance_ids": _instances,
        "smoothed_mask": _smoothed,
        "mixed_values": _of_255,
        "value_255_ignored": _of_255,
        "void_colour": _void,
        "mask_may_be_turned": _turn,
        "fill_value": lambda reading: [_change(reading, "Use these pixels", keep_fill=True)],
        "stretch_per_scene": lambda reading: [_change(reading, "One stretch for all", stretch="dataset")],
        "match_rule": lambda reading: [_change(reading, f"Match by {HALF_IOU.words}", match_rule=HALF_IOU)],
        "below_minimum_area": lambda reading: [_change(reading, "Count all objects", minimum_area=1)],
    }
)
"""Of each code of a note: the choices that it offers."""


def made_so_far(choices: ReadingChoices) -> tuple[Offer, ...]:
    """Every choice that has been made, in words, with the choices that remain once it is taken back.

    Where more than ``_MOST_ONE_BY_ONE`` scenes have been left out, paired or given an area, these are one choice.
    """
    made: list[Offer] = []

    def add(text: str, **without: Any) -> None:
        made.append(Offer(text, choices.model_copy(update=without)))

    if choices.background is not None:
        add(f"background is {choices.background}", background=None)
    for value in choices.ignore:
        add(f"{value} is ignored", ignore=tuple(other for other in choices.ignore if other != value))
    for value, name in choices.names.items():
        add(f"{value} is {name}", names={other: each for other, each in choices.names.items() if other != value})
    if choices.swap:
        add("object and background swapped", swap=False)
    if choices.instances:
        add("one object per value", instances=False)
    if choices.smoothed:
        add("object from half of the largest value on", smoothed=None)
    if choices.class_property is not None:
        add(f"class from the property {choices.class_property}", class_property=None)
    if choices.turn_masks:
        add("masks turned like their photos", turn_masks=False)
    if choices.keep_fill:
        add("suspected fill values used", keep_fill=False)
    if choices.stretch == "scene":
        add("each scene stretched by itself", stretch="dataset")
    if choices.minimum_area is not None:
        add(f"objects count from {choices.minimum_area} pixels on", minimum_area=None)
    if choices.match_rule is not None:
        add(f"objects match by {choices.match_rule.words}", match_rule=None)
    if len(choices.leave_out) > _MOST_ONE_BY_ONE:
        add(f"{len(choices.leave_out)} scenes left out", leave_out=())
    else:
        for scene in choices.leave_out:
            add(f"{scene} left out", leave_out=tuple(other for other in choices.leave_out if other != scene))
    if len(choices.pairs) > _MOST_ONE_BY_ONE:
        add(f"{len(choices.pairs)} images paired by hand", pairs={})
    else:
        for image, mask in choices.pairs.items():
            add(f"{image} with {mask}", pairs={other: each for other, each in choices.pairs.items() if other != image})
    if len(choices.areas) > _MOST_ONE_BY_ONE:
        add(f"areas of interest in {len(choices.areas)} scenes", areas={})
    else:
        for scene in choices.areas:
            rest = {other: areas for other, areas in choices.areas.items() if other != scene}
            add(f"area of interest in {scene}", areas=rest)
    return tuple(made)
