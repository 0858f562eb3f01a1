"""The commands that make a run again: on the same split, whatever its scenes are called, and none where none can."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

import pytest

from explorer.cli.parsing import listed
from explorer.imagery.builtin import BUILTIN
from explorer.imagery.scene_marks import SceneMark
from explorer.report.blocks import UNKNOWN
from explorer.report.limits import limits
from explorer.report.provenance import commands
from explorer.report.source import RunSource


def with_scenes(run: RunSource, training: Sequence[str], validation: Sequence[str], **changes: object) -> RunSource:
    sides = [tuple(SceneMark(name=name, rows=(), columns=()) for name in side) for side in (training, validation)]
    changes |= {"training": sides[0], "validation": sides[1]}
    return replace(run, reference=run.reference.model_copy(update=changes))


@pytest.mark.parametrize("names", [("tile (1)", "tile (2)"), ("a, b", 'the "best"'), ("x (validation)", "y")])
def test_whole_scenes_are_named_whatever_they_are_called(run: RunSource, names: tuple[str, ...]) -> None:
    words = shlex.split(commands(with_scenes(run, ["tile"], names))[0].value)
    assert listed(words[words.index("--val") + 1]) == names, "as train reads it"


def test_blocks_of_one_scene_follow_from_the_scene(run: RunSource) -> None:
    blocks = with_scenes(run, ["a (training 1)", "a (training 2)"], ["a (validation)"])
    assert "--val" not in commands(blocks)[0].value
    assert "a block of a scene whose other blocks trained" in " ".join(limits(blocks, [blocks]))


@pytest.mark.parametrize("key", BUILTIN)
def test_built_in_scenes_lie_in_no_files(run: RunSource, key: str) -> None:
    prefix, info = key.replace("_", "-"), BUILTIN[key]
    drawn = with_scenes(run, [f"{prefix}-1"], [f"{prefix}-6"], name=info.name, classes=info.classes)
    again, *_, report = commands(drawn)
    assert again.value == UNKNOWN
    assert "drawn by the app" in again.remark
    assert "--images" not in report.value
    assert commands(with_scenes(drawn, ["mine"], ["other"]))[0].value != UNKNOWN
