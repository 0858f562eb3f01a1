"""One class for each pixel: thresholds reached, ties, several classes; the same from floats and from thousandths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.metrics.class_map import classes_at, classes_of_thousandths, in_thousandths

# probabilities of the classes 1, 2, … in one pixel; thresholds; the class of the pixel
CASES = [
    ((0.3,), (0.3,), 1),
    ((0.2999,), (0.3,), 0),
    ((0.5,), None, 1),
    ((0.4999,), None, 0),
    ((0.2, 0.1), (0.3, 0.3), 0),
    ((0.2, 0.35), (0.1, 0.3), 1),  # both are reached: 0.2 / 0.1 is more than 0.35 / 0.3
    ((0.3, 0.3), (0.3, 0.3), 1),  # of equals, the first
    ((0.3, 0.3), None, 0),  # the background is the most probable
    ((0.2, 0.45), None, 2),
    ((float("nan"),), (0.001,), 0),
]


@pytest.mark.parametrize(("given_pixel", "thresholds", "wanted"), CASES)
def test_a_pixel_is_of_the_class_whose_threshold_it_exceeds_most(
    given_pixel: tuple[float, ...], thresholds: tuple[float, ...] | None, wanted: int
) -> None:
    pixel = np.array([1 - sum(given_pixel), *given_pixel], dtype=np.float32).reshape(-1, 1, 1)
    assert classes_at(pixel, thresholds).tolist() == [[wanted]]


@given(st.integers(0, 10_000), st.lists(st.integers(1, 1000), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_floats_and_thousandths_give_the_same_classes(seed: int, whole: list[int]) -> None:
    drawn = np.random.default_rng(seed).dirichlet(np.ones(len(whole) + 1), (9, 11)).astype(np.float32)
    probabilities, thresholds = np.moveaxis(drawn, -1, 0), [number / 1000 for number in whole]
    stored = in_thousandths(probabilities[1:])
    classes = classes_at(probabilities, thresholds)
    np.testing.assert_array_equal(classes, classes_of_thousandths(stored, thresholds))
    reached = stored >= np.array(whole)[:, None, None]
    np.testing.assert_array_equal(classes > 0, reached.any(0))
    if len(whole) == 1:
        np.testing.assert_array_equal(classes == 1, stored[0] >= whole[0])


@pytest.mark.parametrize("thresholds", [(), (0.5, 0.5), (0.0,), (1.1,)])
def test_thresholds_that_do_not_fit_are_refused(thresholds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="1 classes"):
        classes_of_thousandths(np.zeros((1, 2, 2), np.uint16), thresholds)
