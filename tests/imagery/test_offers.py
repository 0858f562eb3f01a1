"""What a visitor can choose about notes and values, and the choices that follow."""

import numpy as np
import pytest

from explorer.imagery.choices import ReadingChoices
from explorer.imagery.datasets import label_scenes, read_dataset, read_files
from explorer.imagery.notes import NOTE_CODES
from explorer.imagery.offers import OFFERS, edited_choices, made_so_far, offers_of
from tests.imagery.encoders import photo, png
from tests.imagery.test_choices import EVERYTHING

SIZE = 32


def squares(*values, ground=0):
    """A column of squares of 16 pixels."""
    mask = np.full((SIZE, SIZE), ground, np.uint8)
    for number, value in enumerate(values):
        mask[2 + 6 * number : 6 + 6 * number, 4:8] = value
    return mask


def files(*masks):
    images = {
        f"images/{n}.png": png(np.ascontiguousarray(photo(SIZE, SIZE, seed=n).transpose(1, 2, 0)))
        for n in range(len(masks))
    }
    return images | {f"masks/{n}.png": png(mask) for n, mask in enumerate(masks)}


def read(*masks, **choices):
    return read_dataset(files(*masks), choices=ReadingChoices(**choices))


def value_of(reading, text):
    return next(value for value in reading.values if value.text == text)


def roles(masks, choices):
    return {value.text: value.role for value in label_scenes(read_files(files(*masks)), "d", choices).values}


def test_every_offer_belongs_to_a_code():
    assert set(OFFERS) <= set(NOTE_CODES)


@pytest.mark.parametrize(
    ("masks", "code", "text", "expected"),
    [
        ([squares(1, ground=2)] * 2, "no_background", "2 is the background", {"1": "object", "2": "background"}),
        ([squares(0, ground=255)] * 2, "foreground_covers_most", "Swap", {"0": "object", "255": "background"}),
        ([squares(1), squares(255)], "mixed_values", "Ignore 255", {"0": "background", "1": "object", "255": "ignore"}),
        (
            [squares(1, 255), squares(255)],
            "mixed_values",
            "255 is an object",
            {"0": "background", "1": "object", "255": "object"},
        ),
    ],
)
def test_an_offer_mends_what_its_note_says(masks, code, text, expected):
    reading = read(*masks)
    assert code in {note.code for note in reading.notes}
    offer = next(offer for offer in offers_of(code, reading) if offer.text.startswith(text))
    assert roles(masks, offer.choices).items() >= expected.items()


THREE = [squares(1, 2, 3)] * 2


@pytest.mark.parametrize(
    ("text", "taken_for", "name", "expected"),
    [
        ("2", "background", None, {"2": "background"}),
        ("2", "ignore", None, {"2": "ignore"}),
        ("2", "merge into class 1", None, {"2": "class 1", "1": "class 1"}),
        ("2", None, "ship", {"2": "ship", "1": "class 1"}),
        ("0", "a class", None, {"0": "class 0"}),
        ("0", None, "sea", {"0": "sea"}),
        ("2", None, None, {"2": "class 2"}),
        ("2", None, "  ", {"2": "class 2"}),
    ],
)
def test_an_edit_of_the_table_of_values_is_a_choice(text, taken_for, name, expected):
    reading = read(*THREE)
    choices = edited_choices(reading, reading.choices, value_of(reading, text), taken_for, name)
    assert roles(THREE, choices).items() >= expected.items()


def test_a_new_name_is_that_of_the_whole_class():
    reading = read(*THREE, names={"1": "boat", "3": "boat"})
    choices = edited_choices(reading, reading.choices, value_of(reading, "3"), None, "ship")
    assert roles(THREE, choices) == {"0": "background", "1": "ship", "2": "class 2", "3": "ship"}


def test_the_usual_match_rule_is_offered_where_another_one_was_proposed():
    mask = np.zeros((96, 96), np.uint8)
    for top in range(2, 90, 10):
        for left in range(2, 90, 10):
            mask[top : top + 3, left : left + 6] = 1
    images = {f"images/{n}.png": png(np.ascontiguousarray(photo(96, 96, seed=n).transpose(1, 2, 0))) for n in (0, 1)}
    made = images | {f"masks/{n}.png": png(mask) for n in (0, 1)}
    reading = read_dataset(made)
    assert str(reading.required().match_rule) == "iou:0.1"
    (offer,) = offers_of("match_rule", reading)
    again = read_dataset(made, choices=offer.choices)
    assert str(again.required().match_rule) == "iou:0.5"
    assert "match_rule" not in {note.code for note in again.notes}


def test_an_edit_after_a_swap_keeps_what_the_table_shows():
    masks = [squares(0, ground=1)] * 2
    reading = read(*masks, swap=True)
    choices = edited_choices(reading, reading.choices, value_of(reading, "0"), None, "ship")
    assert roles(masks, choices) == {"0": "ship", "1": "background"}


def test_every_choice_that_was_made_can_be_taken_back():
    made = made_so_far(EVERYTHING)
    for offer in made:
        assert offer.choices != EVERYTHING
    left = EVERYTHING
    while offers := made_so_far(left):
        left = offers[0].choices
    assert left == ReadingChoices(colours=EVERYTHING.colours), "colours are no way of reading"


def test_choices_about_many_scenes_are_taken_back_together():
    square = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
    scenes = [f"tile {number}" for number in range(5)]
    few = ReadingChoices(areas=dict.fromkeys(scenes[:4], (square,)), leave_out=tuple(scenes[:4]))
    assert [offer.text for offer in made_so_far(few)] == [
        *(f"{scene} left out" for scene in scenes[:4]),
        *(f"area of interest in {scene}" for scene in scenes[:4]),
    ]
    many = ReadingChoices(
        areas=dict.fromkeys(scenes, (square,)),
        leave_out=tuple(scenes),
        pairs=dict.fromkeys(scenes, "mask.png"),
    )
    made = made_so_far(many)
    assert [offer.text for offer in made] == [
        "5 scenes left out",
        "5 images paired by hand",
        "areas of interest in 5 scenes",
    ]
    assert made[0].choices == many.model_copy(update={"leave_out": ()})
    assert made[1].choices == many.model_copy(update={"pairs": {}})
    assert made[2].choices == many.model_copy(update={"areas": {}})
