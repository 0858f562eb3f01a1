"""Choices about reading: as options of the command line, and which of them need the files to be read again."""

import argparse
import ast
import re
from pathlib import Path

import pytest

from explorer.cli.imagery_options import add_options, choices_of
from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.match_rule import MatchRule

EVERYTHING = ReadingChoices(
    background="2",
    ignore=("255", "#e0e0c0"),
    names={"1": "fishing boat", "3": "ferry"},
    colours={"ferry": "#0072b2"},
    swap=True,
    instances=True,
    smoothed="half",
    class_property="Class",
    turn_masks=True,
    keep_fill=True,
    stretch="scene",
    minimum_area=5,
    match_rule=MatchRule(kind="centroid", value=4.5),
    leave_out=("north 2",),
    pairs={"images/a b.tif": "masks/c.png", "d.tif": "e.geojson"},
    areas={"north": (((0, 0), (20.5, 10)), ((0, 0), (9, 0), (9, 9)))},
)


def parsed(options) -> ReadingChoices:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return choices_of(parser.parse_args(["--images", ".", *options]))


def test_options_of_the_command_line_give_the_same_choices():
    assert parsed(EVERYTHING.as_options()) == EVERYTHING
    assert set(EVERYTHING.model_fields_set) == set(ReadingChoices.model_fields), "the example makes every choice"


def test_names_with_commas_and_quotes_are_given_as_options_too():
    choices = ReadingChoices(
        ignore=("ship, small", "2"), names={'the "old" pier, west': "pier, old"}, leave_out=("north, 2", "south")
    )
    assert parsed(choices.as_options()) == choices


def test_no_choice_is_no_option():
    assert ReadingChoices().as_options() == ()
    assert parsed([]) == ReadingChoices()


def test_choices_survive_json():
    assert ReadingChoices.model_validate_json(EVERYTHING.model_dump_json()) == EVERYTHING


def test_what_a_run_chose_holds_unless_it_is_stated_anew():
    parser = argparse.ArgumentParser()
    add_options(parser)
    arguments = parser.parse_args(["--images", ".", "--background", "0"])
    chosen = choices_of(arguments, default=ReadingChoices(background="2", swap=True))
    assert (chosen.background, chosen.swap) == ("0", True)


@pytest.mark.parametrize(
    "change", [{"class_property": "b"}, {"turn_masks": False}, {"keep_fill": False}, {"pairs": {}}], ids=str
)
def test_these_choices_need_the_files_to_be_read_again(change):
    assert EVERYTHING.model_copy(update=change).for_files() != EVERYTHING.for_files()


@pytest.mark.parametrize(
    "change",
    [{"background": "1"}, {"ignore": ()}, {"names": {}}, {"swap": False}, {"stretch": "dataset"}, {"areas": {}}],
    ids=str,
)
def test_other_choices_do_not(change):
    assert EVERYTHING.model_copy(update=change).for_files() == EVERYTHING.for_files()


def test_readers_of_files_use_only_choices_that_need_the_files_to_be_read_again():
    reading = Path(__file__).resolve().parents[2] / "explorer" / "imagery" / "reading"
    decided_later = {"class_key.py", "roles.py"}  # what values mean: they get all choices
    used = {
        node.attr
        for path in reading.rglob("*.py")
        if path.name not in decided_later
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("choices")
    }
    assert "class_property" in used
    assert used <= EVERYTHING.for_files().model_fields_set


def test_messages_name_options_that_exist():
    parser = argparse.ArgumentParser()
    add_options(parser)
    imagery = Path(__file__).resolve().parents[2] / "explorer" / "imagery"
    named = {
        option
        for path in imagery.rglob("*.py")
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", path.read_text("utf-8"))
    }
    assert "--background" in named
    assert named <= {option for action in parser._actions for option in action.option_strings}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--area", "nowhere.geojson"], "neither a file nor SCENE=X,Y"),
        (["--area", "north=1,2,3"], "'1,2,3' is no area"),
        (["--area", "north=1,2,three,4"], "is no area"),
        (["--area", "north=1,2,nan,4"], "is no area"),
    ],
)
def test_a_bad_area_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        parsed(options)


@pytest.mark.parametrize(
    "options",
    [
        ["--names", "1"],
        ["--names", "=ship"],
        ["--ignore", "1\n2"],
        ["--pair", "a.png"],
        ["--min-area", "0"],
        ["--match", "iou"],
        ["--match", "iou:1"],
        ["--match", "nearest"],
        ["--names", "1=a,1=b"],
    ],
)
def test_a_bad_option_ends_the_program(options):
    with pytest.raises(SystemExit):
        parsed(options)
