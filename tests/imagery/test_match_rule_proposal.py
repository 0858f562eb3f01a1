"""The match rule that is proposed: on drawn shapes, on the built-in scenes and on real sets."""

import numpy as np
import pytest

from explorer.imagery.builtin import BUILTIN, builtin_dataset
from explorer.imagery.datasets import read_dataset
from explorer.imagery.match_rule import HALF_IOU
from explorer.imagery.match_rule_proposal import match_rule_of
from explorer.imagery.reading.upload import files_in
from explorer.imagery.scene import IGNORE, Scene

SIDE = 240


def scene_of(label, name="s"):
    return Scene(name, np.zeros((1, *label.shape), np.uint8), label.astype(np.uint8), ("grey",))


def grid_of(height, width, apart, value=1):
    """Boxes of one size in a grid."""
    label = np.zeros((SIDE, SIDE), np.uint8)
    for top in range(5, SIDE - apart, apart):
        for left in range(5, SIDE - apart, apart):
            label[top : top + height, left : left + width] = value
    return label


def discs(radius, apart):
    rows, columns = np.indices((SIDE, SIDE))
    return ((rows % apart - apart // 2) ** 2 + (columns % apart - apart // 2) ** 2 <= radius**2).astype(np.uint8)


def streets(width):
    label = np.zeros((SIDE, SIDE), np.uint8)
    for start in range(20, SIDE, 60):
        label[start : start + width] = 1
    return label


FEW = np.zeros((SIDE, SIDE), np.uint8)
FEW[5:8, 5:11] = FEW[50:53, 5:11] = 1


@pytest.mark.parametrize(
    ("label", "rule", "said"),
    [
        (discs(3, 20), "centroid:6", "discs of 6 px round points, about 20 px apart"),  # 29 pixels each
        (discs(3, 9), "centroid:4", "about 9 px apart"),  # half of the spacing is less than the diameter
        (grid_of(1, 1, 20), "centroid:2", "a prediction counts where its centroid is at most 2 px from a point"),
        (streets(3), "tolerance:2", "thin, connected things about 3 px thick"),
        (streets(7), "tolerance:3", "thin, connected things about 7 px thick"),
        (grid_of(5, 9, 25), "iou:0.1", "5 px thick"),  # 3 · 7 of 45 pixels are left
        (grid_of(8, 8, 25), "iou:0.5", "large enough"),  # equal boxes are not discs; 36 of 64 are left
        (grid_of(20, 30, 45), "iou:0.5", "large enough"),
        (FEW, "iou:0.5", "too few"),
    ],
)  # fmt: skip
def test_the_rule_suits_the_objects(label, rule, said):
    proposed, reason = match_rule_of([scene_of(label)], ("background", "object"), minimum_area=1)
    assert str(proposed) == rule
    assert said in reason


def test_the_rarest_class_decides_and_is_named():
    label = grid_of(4, 9, 25) * 2
    label[label == 0] = streets(12)[label == 0]
    rule, reason = match_rule_of([scene_of(label)], ("background", "road", "boat"), minimum_area=1)
    assert str(rule) == "iou:0.1"
    assert reason.endswith("The rule suits boat, the rarest class.")


def test_ignored_pixels_and_objects_below_the_minimum_area_decide_nothing():
    large, small = grid_of(20, 20, 45), grid_of(3, 3, 9)
    label = np.where(np.indices(large.shape)[0] < SIDE // 2, large, IGNORE)
    both = np.hstack([large, small])
    assert str(match_rule_of([scene_of(np.hstack([large, label]))], ("b", "o"), 1)[0]) == "iou:0.5"
    assert str(match_rule_of([scene_of(both)], ("b", "o"), 10)[0]) == "iou:0.5"
    assert str(match_rule_of([scene_of(both)], ("b", "o"), 1)[0]) == "iou:0.1"


@pytest.mark.parametrize("key", BUILTIN)
def test_the_built_in_scenes_keep_their_rule(key):
    assert builtin_dataset(key).match_rule == HALF_IOU


@pytest.mark.parametrize(
    ("folder", "rule"),
    [("ships", "iou:0.1"), ("trees", "centroid:7"), ("nuclei", "iou:0.5"), ("road_damage", "iou:0.5")],
)
def test_real_sets(shared_data, folder, rule):
    images, masks = (files_in(shared_data / folder / name) for name in ("images", "masks"))
    assert str(read_dataset(images, masks).required().match_rule) == rule
