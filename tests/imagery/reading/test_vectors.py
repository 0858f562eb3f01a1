import json

import numpy as np
import pytest
from rasterio.warp import transform_geom

from explorer.errors import InputError
from explorer.imagery.reading.masks import read_mask
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.reading.vectors import read_polygons
from tests.imagery.encoders import geotiff, photo, tiff

UTM = "EPSG:32616"
RASTER = read_raster(geotiff(photo(20, 30)), "image.tif")  # one metre a pixel, from (500000, 3700000) down


def square(column, row, size=5):
    x, y = 500_000 + column, 3_700_000 - row
    ring = [[x, y], [x + size, y], [x + size, y - size], [x, y - size], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


def collection(*geometries, crs="urn:ogc:def:crs:EPSG::32616", properties=None):
    features = [{"type": "Feature", "properties": properties or {}, "geometry": shape} for shape in geometries]
    document = {"type": "FeatureCollection", "features": features}
    if crs:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    return json.dumps(document).encode()


EXPECTED = np.zeros((20, 30), dtype=np.uint8)
EXPECTED[3:8, 4:9] = 1


@pytest.mark.parametrize(
    "data",
    [
        collection(square(4, 3)),
        collection(transform_geom(UTM, "EPSG:4326", square(4, 3)), crs=None),
        collection(transform_geom(UTM, "EPSG:3857", square(4, 3)), crs="EPSG:3857"),
        collection({"type": "MultiPolygon", "coordinates": [square(4, 3)["coordinates"]]}),
        collection(square(4, 3), None),
    ],
    ids=["same crs", "degrees", "another crs", "multipolygon", "a feature without a geometry"],
)
def test_polygons_are_rasterised_where_they_lie(data):
    mask = read_polygons(data, "a.geojson", RASTER)
    np.testing.assert_array_equal(mask.index, EXPECTED)
    assert mask.keys == ("background", "object")


@pytest.mark.parametrize("key", ["class", "label"])
def test_the_class_is_a_property(key):
    assert read_polygons(collection(square(4, 3), properties={key: "ship"}), "a", RASTER).keys[1] == "ship"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"{}", "not a GeoJSON FeatureCollection"),
        (collection(), "contains no polygons"),
        (collection({"type": "Point", "coordinates": [500_001, 3_699_999]}), "feature 1 is a Point"),
        (collection({"type": "Polygon", "coordinates": [[["a", "b"]]]}), "feature 1 is not a valid polygon"),
        (collection({"type": "Polygon", "coordinates": 7}), "feature 1 is not a valid polygon"),
        (collection(square(400, 300)), "none of its 1 polygons overlaps image.tif"),
        (collection(square(4, 3), crs="EPSG:nonsense"), "crs member is not recognised"),
        (collection(square(4, 3), crs=None), r"500004, 3699997\) are not degrees, .* export it in EPSG:4326"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",
)  # fmt: skip
def test_polygons_that_cannot_be_read_are_refused_with_the_reason(data, message):
    with pytest.raises(InputError, match=message) as caught:
        read_polygons(data, "bad.geojson", RASTER)
    assert caught.value.where == "bad.geojson"
    assert caught.value.remedy


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_polygons_need_a_georeferenced_image():
    with pytest.raises(InputError, match=r"plain\.tif has no coordinate reference system"):
        read_polygons(collection(square(4, 3)), "a.geojson", read_raster(tiff(photo()), "plain.tif"))


@pytest.mark.parametrize("port", ["cartagena", "casablanca", "honolulu", "klang"])
def test_real_polygons_and_their_raster_masks_agree(shared_data, port):
    folder = shared_data / "ships"
    raster = read_raster(folder / "images" / f"{port}.tif", port)
    drawn = read_polygons(folder / "vectors" / f"{port}.geojson", port, raster)
    np.testing.assert_array_equal(drawn.index, read_mask(folder / "masks" / f"{port}.tif", port).index)


def test_real_buildings_and_their_copy_without_a_projection(shared_data):
    folder = shared_data / "buildings"
    raster = read_raster(folder / "image.tif", "image.tif")
    assert 0.03 < read_polygons(folder / "buildings.geojson", "buildings", raster).index.mean() < 0.05
    with pytest.raises(InputError, match="are not degrees, but it declares no crs"):
        read_polygons(folder / "buildings_custom_proj.geojson", "buildings", raster)
