"""Synthetic labels of the Loss lab: balance, recall, and predictions with known misses."""

from __future__ import annotations

import numpy as np

from explorer.losses.lab import pixel_recall, synthetic_balance, synthetic_label
from explorer.ui.loss_numbers import crop_with_misses, first_pixel, uniform_crop

FIELD = synthetic_label(4, 2, 0.25)  # four squares of four pixels


def missed(pixels: int) -> np.ndarray:
    """A mask of the first pixels of objects."""
    mask = np.zeros(FIELD.label.shape, bool)
    for row, column in np.argwhere(FIELD.label)[:pixels]:
        mask[row, column] = True
    return mask


def test_balance_counts_pixels_and_objects() -> None:
    background, objects = synthetic_balance(FIELD)
    assert FIELD.object_area == 4
    assert (objects.pixels, objects.objects, objects.share) == (16, 4, 0.25)
    assert (background.pixels, background.objects, background.share) == (48, None, 0.75)


def test_recall_is_the_share_of_found_pixels() -> None:
    assert pixel_recall(FIELD, missed(0)) == 1
    assert pixel_recall(FIELD, missed(4)) == 0.75
    assert pixel_recall(FIELD, missed(16)) == 0


def test_missed_pixels_are_predicted_as_background() -> None:
    mask = missed(1)
    pixel = first_pixel(mask)
    crop = crop_with_misses(FIELD, mask, 0.9)
    assert crop.probability[1][pixel] == 1 - 0.9
    assert (crop.probability[1][(FIELD.label == 1) & ~mask] == 0.9).all()
    np.testing.assert_allclose(crop.probability[0][FIELD.label == 0], 0.9)


def test_uniform_crop_gives_the_true_class_one_probability() -> None:
    crop = uniform_crop(FIELD, 0.3)
    true_class = np.where(FIELD.label == 1, crop.probability[1], crop.probability[0])
    np.testing.assert_allclose(true_class, 0.3)
