"""Pixels on the ground: where they lie, and how large they are there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.imagery.ground import longitude_latitude, pixel_areas
from explorer.imagery.scene import GeoReference

HERE = np.array([[0.0, 0.0], [10.0, 20.0]])


def placed(crs: str | None, side: float, x: float, y: float) -> GeoReference:
    return GeoReference(crs, (side, 0.0, x, 0.0, -side, y))


def test_a_degree_at_the_equator_is_as_large_as_the_tables_say() -> None:
    area = pixel_areas(placed("EPSG:4326", 1.0, 0.0, 1.0), HERE[:1])
    assert area == pytest.approx([12_308.8e6], rel=1e-4)  # between 0° and 1° north: 110.57 km by 111.32 km


def test_in_utm_it_is_that_of_the_grid_divided_by_its_scale() -> None:
    area = pixel_areas(placed("EPSG:32631", 10.0, 500_000.0, 4_000_000.0), HERE)
    assert area == pytest.approx([100 / 0.9996**2] * 2, rel=1e-6)


def test_in_web_mercator_it_shrinks_with_the_latitude() -> None:
    north = 6_378_137 * math.log(math.tan(math.radians(45 + 60 / 2)))  # 60° north
    area = pixel_areas(placed("EPSG:3857", 10.0, 0.0, north), HERE[:1])
    assert area == pytest.approx([100 * math.cos(math.radians(60)) ** 2], rel=0.01)


def test_units_and_turned_grids_are_taken_into_account() -> None:
    in_feet = pixel_areas(placed("EPSG:2263", 1.0, 987_000.0, 200_000.0), HERE[:1])
    assert in_feet == pytest.approx([0.3048**2], rel=1e-3)
    turned = GeoReference("EPSG:32631", (6.0, 8.0, 500_000.0, 8.0, -6.0, 4_000_000.0))
    assert pixel_areas(turned, HERE[:1]) == pytest.approx([100 / 0.9996**2], rel=1e-6)


def test_a_local_grid_in_metres_has_areas_and_no_place() -> None:
    local = placed('LOCAL_CS["site",UNIT["metre",1]]', 2.0, 0.0, 0.0)
    assert pixel_areas(local, HERE) == pytest.approx([4.0, 4.0])
    assert longitude_latitude(local, HERE) is None


@pytest.mark.parametrize("nowhere", [None, placed(None, 2.0, 0.0, 0.0)])
def test_without_a_reference_system_nothing_is_made_up(nowhere: GeoReference | None) -> None:
    assert pixel_areas(nowhere, HERE) is None
    assert longitude_latitude(nowhere, HERE) is None


def test_places_are_middles_of_pixels() -> None:
    found = longitude_latitude(placed("EPSG:4326", 0.5, 10.0, 50.0), HERE)
    np.testing.assert_allclose(found, [[10.25, 49.75], [20.25, 44.75]])


def test_a_pixel_across_the_date_line_is_no_larger_than_others() -> None:
    across = pixel_areas(placed("EPSG:3832", 10.0, 3_339_584.72 - 5, 0.0), HERE[:1])  # centred on 150° east
    assert across == pytest.approx([100.0], rel=0.01)
