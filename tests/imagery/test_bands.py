"""Which bands are red, green and blue, by their names."""

from __future__ import annotations

import pytest

from explorer.imagery.bands import named_bands

CASES = [
    (["red", "green", "blue"], (0, 1, 2)),
    (["Blue", "GREEN", "Red", "near infrared"], (2, 1, 0)),
    (["b", "g", "r"], (2, 1, 0)),
    (["B02", "B03", "B04", "B08", "B11"], (2, 1, 0)),
    (["B1", "B2", "B3", "B4"], (3, 2, 1)),
    (["B02 blue", "B03 (green)", "B04-red"], (2, 1, 0)),
    (["coastal blue", "red edge", "blue", "green", "red"], (4, 3, 2)),
    (["B05 red edge 1", "B02 blue", "B03 green", "B04 red"], (3, 2, 1)),
    (["grey"], None),
    (["band 1", "band 2", "band 3", "band 4"], None),
    (["near", "red", "green"], None),
    (["red edge", "green", "blue"], None),
    (["rededge", "evergreen", "blueish"], None),
    ([], None),
]


@pytest.mark.parametrize(("names", "bands"), CASES, ids=lambda value: "-".join(map(str, value)) if value else "none")
def test_names_tell_red_green_and_blue(names: list[str], bands: tuple[int, int, int] | None) -> None:
    assert named_bands(names) == bands
