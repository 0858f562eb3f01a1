"""Scenes become a dataset: checked, split, stretched, noted, and changed by a visitor."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.archive import content_hash
from explorer.imagery.assembly import make_dataset, revise
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.match_rule import MatchRule
from explorer.imagery.notes import Note
from explorer.imagery.scene import Scene
from tests.imagery.encoders import photo


def one_scene(name, bands=3, size=16, label=None):
    label = objects(size) if label is None else label
    return Scene(name, photo(*label.shape, bands), label, tuple(f"band {number}" for number in range(bands)))


def objects(size=16, value=1):
    label = np.zeros((size, size), dtype=np.uint8)
    label[2:6, 2:6] = label[size - 5 : size - 1, size - 5 : size - 1] = value
    return label


def test_a_dataset_of_scenes():
    dataset = make_dataset("d", [one_scene(name) for name in "abcde"], ("background", "object"))
    assert sorted(scene.name for scene in dataset.scenes) == list("abcde")
    assert len(dataset.validation) == 1
    assert dataset.notes == ()
    assert len(dataset.stretch.low) == 3


def test_the_stretch_does_not_depend_on_the_validation_scenes():
    scenes = [one_scene("a"), one_scene("b")]
    bright = replace(scenes[1], image=np.full_like(scenes[1].image, 255))
    stretches = [make_dataset("d", [scenes[0], other], ("x", "y"), ["b"]).stretch for other in (scenes[1], bright)]
    assert stretches[0] == stretches[1]


@pytest.mark.parametrize("names", [["b.tif"], ["b"], {"b", "c.tif"}])
def test_validation_scenes_can_be_named(names):
    dataset = make_dataset("d", [one_scene(f"{name}.tif") for name in "abc"], ("x", "y"), names)
    assert [scene.name.removesuffix(".tif") for scene in dataset.validation] == sorted(
        name.removesuffix(".tif") for name in names
    )


def test_scenes_of_two_pixels_make_a_dataset():
    label = np.array([[0, 1]], dtype=np.uint8)
    assert make_dataset("d", [one_scene("a", label=label), one_scene("b", label=label)], ("x", "y")).training


@pytest.mark.parametrize(
    ("scenes", "options", "message"),
    [
        ([], {}, "no scenes"),
        ([one_scene("a"), one_scene("a")], {}, "a: two scenes have this name"),
        ([one_scene("a"), one_scene("b"), one_scene("c", bands=4)], {}, "c: 4 bands, but a has 3"),
        ([one_scene("a", label=objects(value=2))], {}, "a: label 2 is not one of the 2 classes"),
        ([one_scene("a", label=np.zeros((16, 16), np.uint8))], {}, "no foreground at all"),
        ([one_scene("a"), one_scene("b")], {"validation": ["z"]}, "no scene is named z — choose from a, b"),
        ([one_scene("a"), one_scene("b")], {"validation": ["a", "b"]}, "no scene is left for training"),
        ([one_scene("a"), one_scene("b")], {"validation": []}, "no scene is left for validation"),
        ([one_scene("a")], {"classes": ("only",)}, "classes 'only'"),
        ([one_scene("a")], {"classes": ("same", "same")}, "classes 'same', 'same'"),
    ],
)
def test_scenes_that_form_no_dataset_are_refused_with_the_reason(scenes, options, message):
    with pytest.raises(InputError, match=message) as caught:
        make_dataset("d", scenes, **{"classes": ("background", "object"), **options})
    assert caught.value.where
    assert caught.value.remedy


def test_a_side_without_foreground_is_noted():
    scenes = [one_scene("a"), one_scene("b", label=np.zeros((16, 16), np.uint8))]
    notes = make_dataset("d", scenes, ("background", "object")).notes
    assert len(notes) == 1
    assert "No foreground in the" in notes[0].text


def with_specks(large, small):
    """Objects of 16 pixels, and others of 2."""
    label = np.zeros((64, 64), dtype=np.uint8)
    for number in range(large):
        row, column = divmod(number, 8)
        label[8 * row : 8 * row + 4, 8 * column : 8 * column + 4] = 1
    for number in range(small):
        label[62, 6 * number : 6 * number + 2] = 2
    return label


@pytest.mark.parametrize(
    ("chosen", "minimum", "said"),
    [
        (None, 8, "1 of 41 objects of the label are smaller than 8 pixels (speck: 1): they count as neither"),
        (1, 1, None),
        (2, 2, None),
        (17, 17, "41 of 41 objects of the label are smaller than 17 pixels (object: 40, speck: 1):"),
    ],
)
def test_the_minimum_area_is_recorded_and_what_falls_below_is_noted(chosen, minimum, said):
    scenes = [one_scene("a", label=with_specks(20, 1)), one_scene("b", label=with_specks(20, 0))]
    dataset = make_dataset("d", scenes, ("background", "object", "speck"), minimum_area=chosen)
    assert dataset.minimum_area == minimum
    assert [note.code for note in dataset.notes] == ["below_minimum_area"] * (said is not None)
    assert all(note.text.startswith(said) for note in dataset.notes)


def test_the_default_minimum_area_comes_from_training_and_validation_scenes():
    scenes = [one_scene("a", label=with_specks(20, 0)), one_scene("b", label=with_specks(20, 3))]
    for validation in ("a", "b"):
        dataset = make_dataset("d", scenes, ("background", "object", "speck"), [validation])
        assert (dataset.minimum_area, dataset.notes[1:]) == (2, ())  # 3 of 43 are more than 5 %


def test_scenes_of_one_class_alone_are_refused():
    label = np.ones((16, 16), np.uint8)
    with pytest.raises(InputError, match="every labelled pixel is 'object'"):
        make_dataset("d", [one_scene("a", label=label), one_scene("b", label=label)], ("background", "object"))


def test_a_full_name_wins_over_parts_of_names():
    scenes = [one_scene(name) for name in ("x", "a/x", "b/y")]
    assert [s.name for s in make_dataset("d", scenes, ("x", "y"), ["x"]).validation] == ["x"]
    assert [s.name for s in make_dataset("d", scenes, ("x", "y"), ["y"]).validation] == ["b/y"]
    assert [s.name for s in make_dataset("d", scenes, ("x", "y"), ["b/y.tif"]).validation] == ["b/y"]


DATASET = replace(
    make_dataset("d", [one_scene(name) for name in "abcd"], ("background", "object"), ["d"]),
    notes=(Note("mixed_values", "a note of the reader"),),
)


def specks(size=64):
    """Thirty bars of 3 × 6 pixels: too thin for IoU above a half."""
    label = np.zeros((size, size), dtype=np.uint8)
    for number in range(30):
        top, left = divmod(number, 6)
        label[2 + 12 * top : 5 + 12 * top, 2 + 10 * left : 8 + 10 * left] = 1
    return label


LOW, FAR = MatchRule.parse("iou:0.1"), MatchRule.parse("centroid:9")


def of_specks(**more):
    scenes = [one_scene(name, label=specks()) for name in "ab"]
    return make_dataset("d", scenes, ("background", "object"), ["b"], **more)


def test_the_match_rule_is_proposed_with_a_note_or_chosen():
    proposed = of_specks()
    assert proposed.match_rule == LOW
    (note,) = proposed.notes
    assert note.code == "match_rule"
    assert note.text.startswith("Objects match by IoU > 0.1. The objects are small, 3 px thick")
    for dataset in (of_specks(match_rule=FAR), of_specks(choices=ReadingChoices(match_rule=FAR))):
        assert (dataset.match_rule, dataset.notes) == (FAR, ())


def test_another_match_rule_is_a_choice_and_takes_its_note_away():
    proposed = of_specks()
    assert revise(proposed, "d", proposed.classes, ["b"], match_rule=LOW) is proposed
    renamed = revise(proposed, "other", proposed.classes, ["b"])
    assert (renamed.match_rule, renamed.choices.match_rule) == (LOW, None)
    assert [note.code for note in renamed.notes] == ["match_rule"]
    changed = revise(proposed, "d", proposed.classes, ["b"], match_rule=FAR)
    assert (changed.match_rule, changed.choices.match_rule, changed.notes) == (FAR, FAR, ())
    assert content_hash(changed) != content_hash(proposed)


def test_nothing_revised_is_the_same_dataset():
    assert revise(DATASET, "d", ("background", "object"), ["d"], minimum_area=DATASET.minimum_area) is DATASET


def test_what_a_visitor_changes_is_kept_with_the_dataset():
    revised = revise(DATASET, "ports", ("background", "ship"), ["a", "d"], leave_out=["b", "d"], minimum_area=3)
    assert (revised.name, revised.classes, revised.minimum_area) == ("ports", ("background", "ship"), 3)
    assert [scene.name for scene in revised.training] == ["c"]
    assert [scene.name for scene in revised.validation] == ["a"]
    assert revised.choices.leave_out == ("b", "d")
    assert revised.choices.minimum_area == 3
    assert DATASET.notes[0] in revised.notes


def test_objects_below_the_minimum_area_are_noted():
    dataset = make_dataset("d", [one_scene(name) for name in "ab"], ("background", "object"), minimum_area=17)
    assert [note.code for note in dataset.notes] == ["below_minimum_area"]
    assert "4 of 4 objects of the label are smaller than 17 pixels" in dataset.notes[0].text
