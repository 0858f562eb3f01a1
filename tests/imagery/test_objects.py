from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.imagery.objects import (
    connected_components,
    default_minimum_area,
    object_areas,
    object_maps,
    objects_of_class,
)
from explorer.imagery.scene import IGNORE, Scene

DIAGONAL = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)


def test_pixels_that_touch_at_a_corner_are_one_component():
    ids, count = connected_components(DIAGONAL)
    np.testing.assert_array_equal(ids, [[1, 0, 0, 0], [0, 1, 0, 2], [0, 0, 0, 2], [0, 0, 0, 0]])
    assert count == 2
    assert ids.dtype == np.int32


def test_an_empty_mask_has_no_components():
    ids, count = connected_components(np.zeros((3, 5), dtype=bool))
    assert count == 0
    assert not ids.any()


@pytest.mark.parametrize(
    ("class_id", "expected"),
    [
        (1, [[1, 1, 2, 2, 0, 0, 0, 3, 0, 4]]),  # ids 5 and 9; then two components of pixels without an id
        (2, [[0, 0, 0, 0, 1, 2, 0, 0, 0, 0]]),  # the pixel with id 9, which in this class is another object
        (3, [[0] * 10]),
    ],
)
def test_an_object_is_one_id_within_one_class(class_id, expected):
    label = np.array([[1, 1, 1, 1, 2, 2, IGNORE, 1, 0, 1]], dtype=np.uint8)
    drawn = np.array([[5, 5, 9, 9, 9, 0, 5, 0, 0, 0]], dtype=np.int32)
    ids, count = objects_of_class(label, class_id, drawn)
    assert ids.tolist() == expected
    assert count == ids.max()
    assert ids.dtype == np.int32


def test_an_object_may_have_several_parts():
    label = np.array([[1, 0, 1]], dtype=np.uint8)
    assert objects_of_class(label, 1, np.array([[4, 0, 4]], dtype=np.int32))[0].tolist() == [[1, 0, 1]]
    assert objects_of_class(label, 1)[0].tolist() == [[1, 0, 2]]


def scene_of(*areas, drawn=None):
    """A row of objects with these areas, a pixel apart."""
    label = np.concatenate([np.r_[np.ones(area, np.uint8), np.uint8(0)] for area in areas] or [np.zeros(1, np.uint8)])
    return Scene("s", np.zeros((1, 1, len(label)), np.uint8), label[None], ("grey",), objects=drawn)


@pytest.mark.parametrize(
    ("areas", "minimum"),
    [
        ([6] * 79 + [60] * 3, 6),  # ships of six pixels
        ([3] + [6] * 20, 6),  # 1 of 21 is below 6: less than 5 %
        ([3] * 2 + [6] * 20, 3),  # 2 of 22 would be 9 %
        ([1] * 3 + [20] * 17, 1),
        ([7] + [8] * 5, 7),
        ([100] * 5, 8),  # never above 8
        ([], 8),
    ],
)
def test_at_most_one_object_in_twenty_is_below_the_default_minimum(areas, minimum):
    assert default_minimum_area([scene_of(*areas)], 2) == minimum
    half = len(areas) // 2
    assert default_minimum_area([scene_of(*areas[:half]), scene_of(*areas[half:])], 2) == minimum
    assert sum(area < minimum for area in areas) <= 0.05 * len(areas)


def test_areas_are_those_of_drawn_objects_class_by_class():
    label = np.array([[1, 1, 1, 1, 1, 2, 2, 0, 1]], dtype=np.uint8)
    drawn = np.array([[1, 1, 2, 2, 2, 7, 8, 0, 0]], dtype=np.int32)
    scene = Scene("s", np.zeros((1, 1, 9), np.uint8), label, ("grey",), objects=drawn)
    assert [areas.tolist() for areas in object_areas([scene], 4)] == [[2, 3, 1], [1, 1], []]
    assert [areas.tolist() for areas in object_areas([replace(scene, objects=None)], 4)] == [[5, 1], [2], []]


def test_objects_of_two_classes_that_touch_stay_two():
    label = np.array([[1, 1, 2, 2, 0, 0, 1]], dtype=np.uint8)
    maps = object_maps(label, classes=4)
    assert maps.ids.tolist() == [[1, 1, 3, 3, 0, 0, 2]]
    assert maps.owners.tolist() == [[[1, 1, 1, 1, 2, 2, 2]], [[3] * 7], [[0] * 7]]


def test_touching_objects_with_ids_have_their_own_cells():
    label = np.array([[0, 1, 1, 1, 1, 0, 2]], dtype=np.uint8)
    maps = object_maps(label, 3, np.array([[0, 4, 4, 6, 6, 0, 4]], dtype=np.int32))
    assert maps.ids.tolist() == [[0, 1, 1, 2, 2, 0, 3]]
    assert maps.owners.tolist() == [[[1, 1, 1, 2, 2, 2, 2]], [[3] * 7]]


def test_ignored_pixels_belong_to_no_object_but_have_an_owner():
    label = np.array([[1, IGNORE, 1]], dtype=np.uint8)
    maps = object_maps(label, classes=2)
    assert maps.ids.tolist() == [[1, 0, 2]]
    assert maps.owners[0, 0, 1] in {1, 2}


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 2, IGNORE]))
)
def test_every_pixel_is_owned_by_its_nearest_object(label):
    maps = object_maps(label, classes=3)
    assert set(np.unique(maps.ids)) - {0} == set(range(1, maps.ids.max() + 1))
    assert ((maps.ids > 0) == ((label == 1) | (label == 2))).all()
    rows, columns = np.indices(label.shape)
    for class_id in (1, 2):
        places = np.argwhere(label == class_id)
        owners = maps.owners[class_id - 1]
        if len(places) == 0:
            assert not owners.any()
            continue
        to_class = (rows[..., None] - places[:, 0]) ** 2 + (columns[..., None] - places[:, 1]) ** 2
        ids_of_places = maps.ids[places[:, 0], places[:, 1]]
        to_owner = np.where(ids_of_places == owners[..., None], to_class, np.iinfo(np.int64).max)
        np.testing.assert_array_equal(to_owner.min(axis=-1), to_class.min(axis=-1))
