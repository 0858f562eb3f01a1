"""Statistics of objects, on shapes whose numbers can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.imagery import object_statistics as module
from explorer.imagery.object_statistics import object_statistics
from explorer.imagery.scene import IGNORE, Scene

SIDE = 120


def scene_of(label, objects=None, name="s"):
    label = np.asarray(label, dtype=np.uint8)
    drawn = None if objects is None else np.asarray(objects, dtype=np.int32)
    return Scene(name, np.zeros((1, *label.shape), np.uint8), label, ("grey",), objects=drawn)


def boxes(*places, side=SIDE, value=1):
    """A label with filled boxes: top, left, height, width."""
    label = np.zeros((side, side), np.uint8)
    for top, left, height, width in places:
        label[top : top + height, left : left + width] = value
    return label


def discs(radius, *centres, side=SIDE):
    rows, columns = np.indices((side, side))
    return np.max([(rows - row) ** 2 + (columns - column) ** 2 <= radius**2 for row, column in centres], axis=0)


def of(*scenes, classes=2):
    return object_statistics(scenes, classes)[0]


def test_a_bar_has_its_sides_and_its_thickness():
    bar = of(scene_of(boxes((10, 20, 5, 45))))
    assert bar.areas.tolist() == [225]
    assert bar.sides.tolist() == [[5, 45]]
    assert bar.thickness.tolist() == [5]
    assert bar.elongation.tolist() == [9]
    assert bar.fill.tolist() == [1]
    assert bar.kind == "thin"


def test_an_object_of_one_pixel_is_one_pixel_thick():
    speck = of(scene_of(boxes((10, 10, 1, 1))))
    assert (speck.thickness[0], speck.elongation[0], speck.touching[0]) == (1, 1, False)


def test_a_disc_is_as_thick_as_it_is_wide():
    disc = of(scene_of(discs(20, (60, 60))))
    assert disc.thickness[0] == pytest.approx(40, abs=1)
    assert disc.diameters[0] == pytest.approx(40, abs=1)
    assert disc.elongation[0] == pytest.approx(np.pi / 4, abs=0.05)
    assert disc.roundness[0] == pytest.approx(1, abs=0.06)


def test_the_spacing_is_the_distance_between_nearest_centroids_of_a_scene():
    three = boxes((10, 10, 3, 3), (10, 20, 3, 3), (10, 50, 3, 3))
    alone = boxes((40, 40, 3, 3))
    found = of(scene_of(three), scene_of(alone, name="t"))
    assert found.spacing.tolist() == [10, 10, 30, np.inf]
    assert found.counts.tolist() == [3, 1]


def test_objects_with_ids_touch_where_they_are_beside_each_other():
    label = boxes((10, 10, 4, 8), (30, 30, 4, 4))
    objects = np.zeros_like(label)
    objects[10:14, 10:14], objects[10:14, 14:18], objects[30:34, 30:34] = 7, 9, 12
    assert of(scene_of(label, objects)).touching.tolist() == [True, True, False]
    assert of(scene_of(label)).touching.tolist() == [False, False], "a box does not look like two"


def test_two_discs_that_merge_look_like_several_objects():
    assert of(scene_of(discs(10, (40, 40), (40, 58)))).touching.tolist() == [True]
    assert of(scene_of(discs(10, (40, 40)))).touching.tolist() == [False]


@pytest.mark.parametrize(
    ("what", "place", "cut"),
    [
        ("inside", (10, 10, 4, 4), False),
        ("at the edge", (0, 10, 4, 4), True),
        ("at ignored ones", (56, 56, 4, 4), True),
    ],
)
def test_an_object_at_the_edge_or_at_ignored_pixels_is_cut(what, place, cut):
    label = boxes(place)
    label[60:] = IGNORE
    assert of(scene_of(label)).cut.tolist() == [cut], what


def test_sizes_come_of_whole_objects_where_a_third_of_them_are_whole():
    found = of(scene_of(boxes((0, 0, 4, 4), (20, 20, 4, 4), (40, 40, 4, 4))))
    assert found.whole.tolist() == [False, True, True]
    assert of(scene_of(boxes((0, 0, 4, 4)))).whole.tolist() == [True], "better a cut object than none"


GRID = [(row, column) for row in range(10, 110, 20) for column in range(10, 110, 20)]
KINDS = {
    "discs round points": (discs(3, *GRID), "points"),
    "discs of 37 px": (discs(18, (30, 30), (30, 90), (90, 30), (90, 90)), "objects"),
    "ships of different sizes": (boxes((5, 5, 4, 12), (30, 30, 6, 20), (60, 60, 3, 9), (80, 20, 5, 8)), "objects"),
    "a crossing of roads": (boxes((50, 0, 6, 120), (0, 50, 120, 6)), "thin"),
    "a crack beside specks": (boxes((50, 5, 3, 90), *((10, c, 2, 2) for c in range(5, 110, 10))), "thin"),
    "half of the scene": (boxes((0, 0, 60, 120)), "areas"),
    "too few discs to be sure": (discs(3, *GRID[:4]), "objects"),
    "nothing": (np.zeros((SIDE, SIDE)), "objects"),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_kind_of_objects_follows_from_their_shapes(name):
    label, kind = KINDS[name]
    assert of(scene_of(label)).kind == kind


def test_discs_that_are_cut_or_merge_do_not_hide_that_labels_are_points():
    found = of(scene_of(discs(3, *GRID, (12, 34), (118, 60))))
    assert 0.8 < found.equal_share < 1
    assert found.kind == "points"


def test_each_class_has_its_own_statistics():
    label = np.maximum(boxes((10, 10, 4, 4)), boxes((10, 14, 4, 10), value=2))
    first, second, third = object_statistics([scene_of(label)], 4)
    assert (first.areas.tolist(), second.areas.tolist(), third.areas.tolist()) == ([16], [40], [])
    assert third.kind == "objects"
    assert third.equal_share == third.typical_elongation == 0


def test_of_many_objects_evenly_spaced_ones_are_measured(monkeypatch):
    scenes = [scene_of(boxes(*((10, 4 * i, 2, 1 + (i % 2)) for i in range(20))), name=str(i)) for i in range(3)]
    everything = of(*scenes)
    monkeypatch.setattr(module, "MOST_OBJECTS", 20)
    some = of(*scenes)
    assert some.areas.tolist() == everything.areas[::3].tolist()
    assert some.counts.tolist() == [20, 20, 20]


def test_of_large_scenes_the_rows_with_most_foreground_are_looked_at(monkeypatch):
    scene = scene_of(boxes((2, 2, 3, 3), (80, 10, 9, 9), (95, 40, 9, 9)))
    monkeypatch.setattr(module, "MOST_PIXELS", SIDE * SIDE // 2)
    found = of(scene, replace(scene, name="t"))
    assert found.areas.tolist() == [81, 81] * 2
    assert found.side == pytest.approx((SIDE * SIDE / 4) ** 0.5)
