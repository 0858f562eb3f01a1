"""Whether a polygon contains the centre of a pixel."""

import pytest
import shapely

from explorer.imagery.reading.pixel_centres import covers_a_centre

CASES = {
    "round a centre": (shapely.box(3.4, 3.4, 3.6, 3.6), True),
    "between centres": (shapely.box(3.6, 3.6, 4.4, 4.4), False),
    "long between two rows": (shapely.box(0, 3.6, 60, 4.4), False),
    "a large triangle": (shapely.Polygon([(0, 0), (60, 0), (0, 50)]), True),
    "a frame between centres": (shapely.box(0.6, 0.6, 59.4, 49.4) - shapely.box(1.4, 1.4, 58.6, 48.6), False),
    "a centre beyond the image": (shapely.box(64.2, 3, 90, 9), False),
    "large, but only its margin lies on the image": (shapely.box(63.6, -900, 2000, 900), False),
}


@pytest.mark.parametrize("case", CASES)
def test_centres_of_the_image_decide(case):
    polygon, expected = CASES[case]
    assert covers_a_centre(polygon, (54, 64)) is expected
