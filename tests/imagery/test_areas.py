"""Areas of interest in pixels."""

import numpy as np
import pytest

from explorer.imagery.areas import outside_areas


@pytest.mark.parametrize(
    ("areas", "inside"),
    [
        ([((1, 1), (4, 3))], {(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)}),
        ([((4, 3), (1, 1))], {(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)}),
        ([((0, 0), (1, 0), (1, 1), (0, 1)), ((5, 3), (6, 4))], {(0, 0), (3, 5)}),
        ([((0, 0), (2.9, 0), (0, 2.9))], {(0, 0), (0, 1), (1, 0)}),
        ([((-5, -5), (1, 1))], {(0, 0)}),
        ([((50, 50), (60, 60))], set()),
    ],
)
def test_pixels_whose_centre_is_inside_stay(areas, inside):
    outside = outside_areas(areas, (4, 6))
    assert {(row, column) for row, column in np.argwhere(~outside).tolist()} == inside
