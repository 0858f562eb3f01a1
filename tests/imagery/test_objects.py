import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.imagery.objects import label_objects, object_maps
from explorer.imagery.scene import IGNORE

DIAGONAL = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)


@pytest.mark.parametrize(
    ("minimum_area", "expected"),
    [
        (1, [[1, 0, 0, 0], [0, 1, 0, 2], [0, 0, 0, 2], [0, 0, 0, 0]]),
        (2, [[1, 0, 0, 0], [0, 1, 0, 2], [0, 0, 0, 2], [0, 0, 0, 0]]),
        (3, [[0] * 4] * 4),
    ],
)
def test_pixels_that_touch_at_a_corner_are_one_object(minimum_area, expected):
    ids, count = label_objects(DIAGONAL, minimum_area)
    np.testing.assert_array_equal(ids, expected)
    assert count == ids.max()
    assert ids.dtype == np.int32


def test_small_objects_are_dropped_and_the_rest_numbered_without_gaps():
    mask = np.zeros((6, 20), dtype=bool)
    mask[0, 0] = mask[2:4, 2:6] = mask[0, 9] = mask[2:5, 9:13] = mask[5, 19] = True
    ids, count = label_objects(mask, 8)
    assert count == 2
    assert set(np.unique(ids)) == {0, 1, 2}
    assert np.bincount(ids.ravel())[1:].tolist() == [8, 12]


def test_default_minimum_is_eight_pixels():
    mask = np.zeros((4, 20), dtype=bool)
    mask[0, :7] = True
    mask[2, :8] = True
    assert label_objects(mask)[1] == 1


def test_an_empty_mask_has_no_objects():
    ids, count = label_objects(np.zeros((3, 5), dtype=bool))
    assert count == 0
    assert not ids.any()


def test_objects_of_two_classes_that_touch_stay_two():
    label = np.array([[1, 1, 2, 2, 0, 0, 1]], dtype=np.uint8)
    maps = object_maps(label, classes=4)
    assert maps.ids.tolist() == [[1, 1, 3, 3, 0, 0, 2]]
    assert maps.owners.tolist() == [[[1, 1, 1, 1, 2, 2, 2]], [[3] * 7], [[0] * 7]]


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
