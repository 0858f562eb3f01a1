"""What the values of one mask look like: each suspicion where it is right and where it is not."""

import numpy as np
import pytest
from scipy import ndimage

from explorer.errors import InputError
from explorer.imagery.reading.mask_values import joined, looks_like_instances, looks_smoothed
from explorer.imagery.reading.masks import Mask, MaskKind


def mask(values, kind=MaskKind.VALUES, name="a", **fields):
    keys, index = np.unique(np.array(values), return_inverse=True)
    shape = np.shape(values)
    return Mask(
        name, kind, tuple(keys.tolist()), index.astype(np.uint16).reshape(shape), np.zeros(shape, bool), **fields
    )


def disc(radius=9.0, size=32):
    rows, columns = np.mgrid[:size, :size] - size / 2 + 0.5
    return np.hypot(rows, columns) < radius


SMOOTH = (ndimage.zoom(disc().astype(float), 0.5, order=1).clip(0, 1) * 255).astype(np.uint8)
BLURRED = (ndimage.uniform_filter(disc().astype(float), 3) * 255).astype(np.uint8)
SCATTERED = np.kron(np.random.default_rng(0).choice([0, 0, 0, 100, 255], (8, 8)), np.ones((9, 9), int))
NESTED = np.where(disc(5), 255, np.where(disc(12), 128, 0))
TWENTY = np.kron(np.arange(1, 21).reshape(4, 5), np.pad(np.ones((4, 4), int), 1))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (SMOOTH, True),
        (BLURRED, True),
        (SCATTERED, False),
        (NESTED, False),
        (disc() * 255, False),
        (disc() * 1 + disc(4), False),
        (np.where(disc(8), 1, 0) + np.where(disc(9) & ~disc(8), 255, 0), False),
    ],
    ids=["resized", "blurred", "scattered", "nested", "black and white", "two ids", "an ignored border"],
)
def test_smoothed_edges_are_recognised(values, expected):
    assert looks_smoothed(mask(values)) is expected


def test_a_lossy_mask_is_smoothed():
    assert looks_smoothed(mask(disc() * 255, lossy=True))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (TWENTY, True),
        (TWENTY % 3, False),
        (np.minimum(TWENTY, 3), False),
        (np.vstack([TWENTY, TWENTY]), False),
        (disc() * 255, False),
    ],
    ids=["a number each", "classes", "three large classes", "each twice", "one object"],
)
def test_a_number_per_object_is_recognised(values, expected):
    assert looks_like_instances(mask(values)) is expected


def test_names_of_a_vector_file_are_no_numbers_of_objects():
    named = Mask("a", MaskKind.NAMES, tuple("abcdefgh"), mask(TWENTY % 8).index, np.zeros(TWENTY.shape, bool))
    assert not looks_like_instances(named)


def test_masks_of_one_object_each_are_joined():
    first, second = np.zeros((4, 6), int), np.zeros((4, 6), int)
    first[1:3, 1:3] = 255
    second[1:3, 3:5] = 255
    both = joined([mask(first), mask(second, name="b"), mask(np.zeros((4, 6), int), name="empty")])
    np.testing.assert_array_equal(both.index, (first + second > 0).astype(int))
    assert both.objects[1, 1] != both.objects[1, 3]
    assert np.unique(both.objects).size == 3
    assert [note.code for note in both.notes] == ["object_masks_joined"]
    with pytest.raises(InputError, match=r"b: 5 × 4 pixels, but a has 6 × 4"):
        joined([mask(first), mask(second[:, :5], name="b")])
