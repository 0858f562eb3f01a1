"""Scenes are known again by some of their rows and columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.imagery.scene import Scene
from explorer.imagery.scene_marks import SceneMark, known_again
from explorer.imagery.splitting import hold_out, split_blocks

RANDOM = np.random.default_rng(3)


def scene(name: str, image: np.ndarray | None = None) -> Scene:
    if image is None:
        image = RANDOM.integers(0, 255, (3, 96, 80)).astype(np.uint8)
    label = np.zeros(image.shape[1:], np.uint8)
    label[20:30, 20:30] = label[60:70, 50:60] = 1
    return Scene(name, image, label, tuple(f"band {number}" for number in range(len(image))))


FIRST, SECOND = scene("first"), scene("second")
MARKS = tuple(map(SceneMark.of, (FIRST, SECOND)))


@pytest.mark.parametrize(
    ("shown", "positions"),
    [
        (FIRST, [0]),
        (replace(SECOND, name="another name"), [1]),
        (replace(FIRST, image=FIRST.image.astype(np.float32)), [0]),
        (scene("first"), []),
        (scene("flat", np.zeros((3, 96, 80), np.uint8)), []),
        (scene("above each other", np.concatenate([SECOND.image, FIRST.image], axis=1)), [0, 1]),
        (scene("half", FIRST.image[:, :48]), [0]),
        (scene("one line", np.concatenate([FIRST.image[:, :1], scene("").image], axis=1)), []),
        (scene("with a white frame", np.pad(scene("").image, ((0, 0), (2, 2), (2, 2)), constant_values=255)), []),
    ],
    ids=lambda value: value.name if isinstance(value, Scene) else "",
)
def test_a_scene_is_known_by_its_pixels(shown: Scene, positions: list[int]) -> None:
    assert known_again(shown, MARKS) == positions


def test_scenes_with_nothing_in_them_are_not_taken_for_each_other() -> None:
    flat, ramp = np.full((3, 96, 80), 7, np.uint8), np.broadcast_to(np.arange(80, dtype=np.uint8), (3, 96, 80))
    marks = tuple(SceneMark.of(scene(name, image)) for name, image in (("flat", flat), ("ramp", ramp)))
    assert (marks[0].rows, marks[0].columns) == ((), ())
    assert known_again(scene("flat again", flat), marks) == []


def test_blocks_are_known_in_the_scene_that_they_were_cut_from() -> None:
    sides = split_blocks(FIRST, 2)
    marks = tuple(SceneMark.of(piece) for piece in (*sides.training, *sides.validation))
    assert known_again(FIRST, marks) == list(range(len(marks)))
    assert known_again(SECOND, marks) == []
    held_out = hold_out([FIRST, SECOND], 2)
    assert [known_again(block, MARKS) for block in held_out.validation] == [[0], [1]]


def test_a_mark_is_small_whatever_the_scene() -> None:
    mark = SceneMark.of(scene("large", RANDOM.integers(0, 255, (2, 700, 900)).astype(np.uint8)))
    assert len(mark.rows) == len(mark.columns) == 12
    assert len(mark.model_dump_json()) < 600
