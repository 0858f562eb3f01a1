"""Validation crops cover each scene once and are of about one size; objects at one place have names of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.imagery.scene import Scene
from explorer.metrics.object_differences import ComparedObject
from explorer.runs.object_sets import PlacedObject
from explorer.ui.compared_objects import validation_crops
from explorer.ui.object_gallery import object_id
from tests.runs.tiny import tiny_dataset


@pytest.mark.parametrize(("height", "width"), [(100, 513), (520, 1025), (512, 512), (1, 1)])
def test_crops_cover_a_scene_once_and_none_is_a_sliver(height: int, width: int) -> None:
    scene = Scene("s", np.zeros((2, height, width), np.uint8), np.zeros((height, width), np.uint8), ("r", "g"))
    crops = validation_crops(replace(tiny_dataset(), validation=(scene,)))
    covered = np.zeros((height, width), int)
    for number, (top, left, rows, columns) in crops:
        assert number == 0
        covered[top : top + rows, left : left + columns] += 1
        assert rows >= min(height, 256)
        assert columns >= min(width, 256)
        assert max(rows, columns) <= 512
    assert (covered == 1).all()


def test_a_ring_and_what_is_inside_it_have_other_names() -> None:
    ring, inside = (PlacedObject(0, ComparedObject(30.0, 40.0, area, ("found",), (0.6,))) for area in (300, 20))
    assert object_id(ring) != object_id(inside)
