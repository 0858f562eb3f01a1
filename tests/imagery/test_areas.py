"""Areas of interest in pixels."""

import json

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.areas import areas_in_file, outside_areas
from explorer.imagery.reading.raster import read_raster
from tests.imagery.encoders import geotiff, photo


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


def polygon_file(left, bottom, size):
    corners = [(left, bottom), (left + size, bottom), (left + size, bottom + size), (left, bottom + size)]
    crs = {"type": "name", "properties": {"name": "EPSG:32616"}}
    return json.dumps({"type": "Polygon", "coordinates": [[*corners, corners[0]]], "crs": crs}).encode()


def tiles():
    """Two tiles of 10 × 10 metres, beside each other; a pixel is a metre."""
    return {
        name: read_raster(geotiff(photo(10, 10), west=left), name)
        for name, left in (("west", 500_000.0), ("east", 500_010.0))
    }


def test_of_a_tile_without_polygons_every_pixel_lies_outside():
    areas = areas_in_file(polygon_file(500_002, 3_699_992, 4), "area.geojson", tiles())
    kept = {name: np.argwhere(~outside_areas(found, (10, 10))) for name, found in areas.items()}
    assert {name: len(pixels) for name, pixels in kept.items()} == {"west": 16, "east": 0}
    assert (kept["west"].min(axis=0).tolist(), kept["west"].max(axis=0).tolist()) == ([4, 2], [7, 5])


def test_an_area_that_meets_no_tile_is_refused():
    with pytest.raises(InputError, match="overlaps west"):
        areas_in_file(polygon_file(600_000, 3_699_992, 4), "area.geojson", tiles())
