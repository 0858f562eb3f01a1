"""Objects as GeoPackage and GeoJSON: both hold the same, and their areas are those of the pixels."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import shapely
from rasterio.io import MemoryFile
from rasterio.warp import transform_geom

from explorer.errors import InputError
from explorer.imagery.scene import GeoReference
from explorer.imagery.writing import mask_bytes
from explorer.metrics.found_objects import areas_on_ground, find_objects
from explorer.runs.object_files import LAYER, coordinates_of, geojson_bytes, geopackage_bytes, write_objects

PLACE = GeoReference("EPSG:32631", (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0))
CLASSES = ("sea", "ship", "quay")
MASK = np.zeros((40, 50), np.uint8)
MASK[5:10, 5:15], MASK[10:14, 15:18] = 1, 1  # meet at a corner: one object of 62 pixels
MASK[30:40, 30:40], MASK[33:36, 33:36] = 2, 0  # with a hole
MASK[0, 49], MASK[39, 0] = 1, 255
VALUES = np.full((2, 40, 50), 700, np.uint16)
VALUES[1] = 900
FOUND = find_objects(MASK, VALUES)


def test_objects_are_those_of_the_mask() -> None:
    assert FOUND.class_ids.tolist() == [1, 1, 2]
    assert FOUND.areas.tolist() == [1, 62, 91]
    assert FOUND.scores.tolist() == pytest.approx([0.7, 0.7, 0.9])
    assert FOUND.centres[2].tolist() == pytest.approx([(100 * 34.5 - 9 * 34) / 91] * 2)
    assert FOUND.boxes.tolist() == [[0, 49, 1, 50], [5, 5, 14, 18], [30, 30, 40, 40]]


def test_objects_are_the_same_however_many_pixels_are_counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.metrics.found_objects._COUNTED_AT_ONCE", 3 * 50)
    found = find_objects(MASK, VALUES)
    for name in ("ids", "class_ids", "scores", "areas", "centres", "boxes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(FOUND, name))


def test_counting_takes_little_beside_the_ids() -> None:
    mask, values = np.ones((2000, 2000), np.uint8), np.broadcast_to(np.uint16(10), (1, 2000, 2000))
    tracemalloc.start()
    try:
        assert len(find_objects(mask, values)) == 1
        assert tracemalloc.get_traced_memory()[1] < 30 * mask.size, "bytes; each pixel took fifty and more"
    finally:
        tracemalloc.stop()


def test_no_object_is_no_object() -> None:
    found = find_objects(np.zeros((4, 5), np.uint8), VALUES[:, :4, :5])
    assert (len(found), found.boxes.shape, found.centres.shape) == (0, (0, 4), (0, 2))
    assert json.loads(geojson_bytes(found, PLACE, CLASSES)) == {"type": "FeatureCollection", "features": []}
    assert geopackage_bytes(found, PLACE, CLASSES)


def test_a_geopackage_keeps_the_reference_system_and_agrees_with_geojson(tmp_path: Path) -> None:
    write_objects(tmp_path / "objects.gpkg", FOUND, PLACE, CLASSES)
    meta, _, shapes, columns = pyogrio.raw.read(tmp_path / "objects.gpkg", layer=LAYER)
    assert (meta["crs"], meta["geometry_type"]) == ("EPSG:32631", "MultiPolygon")
    named = dict(zip(meta["fields"], columns, strict=True))
    assert list(named) == ["class", "class_id", "score", "area_px", "area_m2"]
    assert named["class"].tolist() == ["ship", "ship", "quay"]
    outlines = shapely.from_wkb(shapes)
    assert shapely.is_valid(outlines).all()
    np.testing.assert_allclose(shapely.area(outlines), 100.0 * FOUND.areas, rtol=1e-9)
    np.testing.assert_allclose(named["area_m2"], 100 * FOUND.areas / 0.9996**2, rtol=1e-3)

    features = json.loads(geojson_bytes(FOUND, PLACE, CLASSES))["features"]
    for feature, outline, *values in zip(features, outlines, *columns, strict=True):
        assert list(feature["properties"].values()) == values
        degrees = shapely.geometry.shape(feature["geometry"])
        assert degrees.is_valid
        assert all(ring.is_ccw for ring in [getattr(part, "exterior", None) for part in _parts(degrees)])
        back = shapely.geometry.shape(transform_geom("EPSG:4326", "EPSG:32631", feature["geometry"]))
        assert back.symmetric_difference(outline).area < 0.01 * outline.area


def test_without_a_place_coordinates_are_columns_and_rows(tmp_path: Path) -> None:
    write_objects(tmp_path / "objects.gpkg", FOUND, None, CLASSES)
    meta, _, shapes, columns = pyogrio.raw.read(tmp_path / "objects.gpkg")
    assert meta["crs"] is None
    assert shapely.bounds(shapely.from_wkb(shapes)).tolist()[2] == [30, 30, 40, 40]
    assert np.isnan(columns[4]).all()
    assert areas_on_ground(FOUND, None) is None
    written = json.loads(geojson_bytes(FOUND, None, CLASSES))
    assert written["metadata"] == {"coordinates": "columns and rows of the image, in pixels"}
    (last,) = written["features"][2:]
    assert last["properties"]["area_m2"] is None


def test_files_hold_what_their_objects_rest_on(tmp_path: Path) -> None:
    about = {"run": "ab12", "threshold_1": "0.437", "notes": 'Its values, "odd" & large, lie outside.'}
    write_objects(tmp_path / "objects.gpkg", FOUND, PLACE, CLASSES, about)
    assert pyogrio.read_info(tmp_path / "objects.gpkg")["layer_metadata"].items() >= about.items()
    assert pyogrio.read_info(tmp_path / "objects.gpkg")["dataset_metadata"].items() >= about.items()
    assert json.loads(geojson_bytes(FOUND, PLACE, CLASSES, about))["metadata"] == about
    assert json.loads(geojson_bytes(FOUND, None, CLASSES, about))["metadata"].keys() == {*about, "coordinates"}
    write_objects(tmp_path / "objects.geojson", FOUND, PLACE, CLASSES, about)
    assert len(json.loads((tmp_path / "objects.geojson").read_text())["features"]) == 3
    with MemoryFile(mask_bytes(MASK, PLACE, CLASSES, about)) as memory, memory.open() as file:
        assert file.tags().items() >= about.items()


def test_a_grid_without_a_reference_system_is_no_geojson() -> None:
    unknown = GeoReference(None, PLACE.transform)
    with pytest.raises(InputError, match=r"does not name its coordinate reference system.* write a GeoPackage"):
        geojson_bytes(FOUND, unknown, CLASSES)
    assert geopackage_bytes(FOUND, unknown, CLASSES)
    assert "is not known" in coordinates_of(unknown, geojson=False)
    assert coordinates_of(PLACE, geojson=True) == "degrees (WGS 84)"


def test_geojson_of_a_place_that_is_nowhere_on_earth_is_refused() -> None:
    local = GeoReference('LOCAL_CS["site",UNIT["metre",1]]', PLACE.transform)
    with pytest.raises(InputError, match="write a GeoPackage instead"):
        geojson_bytes(FOUND, local, CLASSES)
    assert geopackage_bytes(FOUND, local, CLASSES)


def _parts(shape: shapely.geometry.base.BaseGeometry) -> list[shapely.Polygon]:
    return list(getattr(shape, "geoms", [shape]))
