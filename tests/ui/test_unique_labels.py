"""Labels of choices: left alone where they are unique, told apart by id or by number where they are not."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from explorer.ui.unique_labels import position_labels, unique_labels

A, B = "aaaaaaaa1111", "bbbbbbbb2222"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, []),
        ({A: "north", B: "south"}, ["north", "south"]),
        ({A: "north", B: "north"}, ["north · aaaaaaaa", "north · bbbbbbbb"]),
        ({A: "North", B: " north "}, ["North · aaaaaaaa", " north  · bbbbbbbb"]),
        ({0: "ship", 1: "ship", 2: "Ship"}, ["ship", "ship (2)", "Ship (3)"]),
        ({0: "ship", 1: "ship", 2: "ship (2)"}, ["ship", "ship (3)", "ship (2)"]),
        ({"x": "north", "y": "north", "z": "north · x"}, ["north · x (2)", "north · y", "north · x"]),
        ({"aaaaaaaa1": "n", "aaaaaaaa2": "n"}, ["n · aaaaaaaa", "n · aaaaaaaa2"]),
    ],
)
def test_no_two_labels_read_the_same(labels: dict[Hashable, str], expected: list[str]) -> None:
    assert list(unique_labels(labels).values()) == expected
    assert list(unique_labels(labels)) == list(labels)
    assert len({" ".join(label.split()).casefold() for label in expected}) == len(expected)


def test_positions_are_the_ids_of_a_sequence() -> None:
    assert position_labels(["red", "nir", "NIR"]) == {0: "red", 1: "nir", 2: "NIR (2)"}
