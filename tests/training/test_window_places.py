"""Where validation looks, by labels made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.training.window_places import most_of_each_class, place_of_window


def label_of(*blocks: tuple[int, slice, slice], side: int = 100) -> np.ndarray:
    label = np.zeros((side, side), np.uint8)
    for class_id, rows, columns in blocks:
        label[rows, columns] = class_id
    return label


ROAD = (1, slice(0, 40), slice(0, 100))
HOLE = (2, slice(80, 84), slice(70, 74))


@pytest.mark.parametrize(
    ("blocks", "seen"),
    [
        ([HOLE], {0, 2}),
        ([ROAD], {0, 1}),
        ([ROAD, HOLE], {0, 1, 2}),
        ([ROAD, HOLE, (255, slice(90, 100), slice(0, 60))], {0, 1, 2}),
    ],
    ids=["one class", "half of it", "a rare class beside a common one", "ignored pixels do not count"],
)
def test_no_class_is_left_out_for_another(blocks: list[tuple[int, slice, slice]], seen: set[int]) -> None:
    label = label_of(*blocks)
    top, left = place_of_window(label, 70, 40)
    assert 0 <= top <= 30
    assert 0 <= left <= 60
    assert set(np.unique(label[top : top + 70, left : left + 40])) - {255} == seen


def test_of_one_class_the_window_holds_the_most_of_it_up_to_half() -> None:
    label = (np.random.default_rng(0).random((90, 70)) < 0.2).astype(np.uint8)
    top, left = place_of_window(label, 30, 20)
    sums = np.lib.stride_tricks.sliding_window_view(label, (30, 20)).sum(axis=(2, 3))
    assert sums[top, left] == sums.max()


def test_without_foreground_or_room_the_window_is_at_the_corner() -> None:
    assert place_of_window(label_of(), 30, 20) == (0, 0)
    assert place_of_window(label_of(HOLE), 100, 100) == (0, 0)


def test_the_scene_that_is_shown_holds_the_rare_class() -> None:
    assert most_of_each_class([label_of(ROAD), label_of(ROAD, HOLE), label_of(ROAD)]) == 1
    assert most_of_each_class([label_of(), label_of()]) == 0
