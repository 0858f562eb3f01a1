"""The formats of vector files: the same polygons give the same mask, and no file can do harm."""

import contextlib
import io
import json
import sqlite3

import numpy as np
import pyogrio.raw
import pytest
import shapely
from rasterio.warp import transform_geom

from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.reading.formats import FileKind, kind_of
from explorer.imagery.reading.label_format import LabelRequest
from explorer.imagery.reading.labels import format_of
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.reading.vector_files import as_text, read_vector_file
from explorer.imagery.reading.vectors import read_polygons
from explorer.settings import settings
from tests.imagery.encoders import geotiff, photo

RASTER = read_raster(geotiff(photo(20, 30)), "image.tif")  # one metre a pixel, from (500000, 3700000) down
POLYGONS = [  # by column and row: two that touch, and one apart
    shapely.box(500_000 + left, 3_700_000 - bottom, 500_000 + right, 3_700_000 - top)
    for left, top, right, bottom in ((2, 3, 8, 9), (8, 3, 12, 9), (20, 12, 26, 15))
]
CLASSES = ["ship", "ship", "tug"]
HEIGHTS = [1.5, np.nan, 3.0]
EXPECTED = np.zeros((20, 30), dtype=np.uint8)
EXPECTED[3:9, 2:12], EXPECTED[12:15, 20:26] = 1, 2

DRIVERS = {"a.gpkg": "GPKG", "a.fgb": "FlatGeobuf", "a.kml": "LIBKML"}


def write(target, polygons=POLYGONS, classes=CLASSES, *, driver, crs="EPSG:32616", layer="drawn", **options):
    fields = [np.array(classes, dtype=object), np.array(HEIGHTS[: len(classes)])]
    wkb = shapely.to_wkb(np.array(polygons, dtype=object))
    pyogrio.raw.write(
        target,
        wkb,
        fields,
        ["Class", "height"],
        driver=driver,
        crs=crs,
        layer=layer,
        geometry_type="Polygon",
        **options,
    )


def in_memory(driver, **options):
    buffer = io.BytesIO()
    write(buffer, driver=driver, **options)
    return buffer.getvalue()


def degrees(polygons=POLYGONS):
    return [
        shapely.from_geojson(json.dumps(transform_geom("EPSG:32616", "EPSG:4326", each.__geo_interface__)))
        for each in polygons
    ]


def geojson():
    features = [
        {"type": "Feature", "properties": {"Class": own}, "geometry": shapely.geometry.mapping(shape)}
        for shape, own in zip(degrees(), CLASSES, strict=True)
    ]
    return json.dumps({"features": features, "type": "FeatureCollection"}).encode()


def shapefile(folder, **options):
    write(folder / "a.shp", driver="ESRI Shapefile", **options)
    return {f"in/zip/{path.name}": path.read_bytes() for path in folder.iterdir()}


def read(data, name="a", companions=None, **options):
    """Through the registry, as files come."""
    found = format_of(data, name)
    assert found is not None
    request = LabelRequest("image.tif", RASTER, ReadingChoices(), companions or {}, settings(), **options)
    return found.read(data, name, request)


@pytest.mark.parametrize("name", [*DRIVERS, "a.shp", "a.geojson", "degrees.gpkg"])
def test_the_same_polygons_give_the_same_mask_and_objects_in_every_format(name, tmp_path):
    companions = {}
    if name == "a.shp":
        companions = shapefile(tmp_path)
        name, data = "in/zip/a.shp", companions.pop("in/zip/a.shp")
    elif name == "a.geojson":
        data = geojson()
    elif name in ("degrees.gpkg", "a.kml"):
        data = in_memory(DRIVERS.get(name, "GPKG"), polygons=degrees(), crs="EPSG:4326")
    else:
        data = in_memory(DRIVERS[name])
    mask = read(data, name, companions)
    np.testing.assert_array_equal(mask.index, EXPECTED)
    assert mask.keys == ("background", "ship", "tug")
    objects = {frozenset(np.flatnonzero(mask.objects == each).tolist()) for each in np.unique(mask.objects) if each}
    assert {len(each) for each in objects} == {36, 24, 18}
    assert len(objects) == 3
    assert "touching_objects" in {note.code for note in mask.notes}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"type": "FeatureCollection", "features": []}', FileKind.GEOJSON),
        (b'\n{"features": [{"type": "Feature"}], "crs": {"type": 1}, "type" : "FeatureCollection"}', FileKind.GEOJSON),
        (b'{"bbox": [1, 2, 3, 4], "name": "a \\" { [", "type": "Feature"}', FileKind.GEOJSON),
        (b'\xef\xbb\xbf{"type":"MultiPolygon","coordinates":[]}', FileKind.GEOJSON),
        (b'{"images": [], "annotations": [], "categories": []}', FileKind.JSON),
        (b'{"shapes": [{"geometry": {"type": "Polygon"}}], "imageHeight": 3}', FileKind.JSON),
        (b'{"type": "polygon"}', FileKind.JSON),
        (b'{"note": "\\"type\\": \\"Feature\\""}', FileKind.JSON),
        (b'{"note": "\\', FileKind.JSON),
        (b'[{"type": "Feature"}]', FileKind.JSON),
        (b'<?xml version="1.0"?>\n<!-- made by hand -->\n<kml xmlns="x"/>', FileKind.KML),
        (b"<annotation><kmlike/></annotation>", None),
        (b"SQLite format 3\0", FileKind.GEOPACKAGE),
        (b"fgb\x03fgb\x01", FileKind.FLATGEOBUF),
        (b"\0\0\x27\x0a\0\0", FileKind.SHAPEFILE),
    ],
    ids=str,
)  # fmt: skip
def test_kinds_are_told_by_content(data, kind):
    assert kind_of(data) is kind


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", [b'{"type":"Feature"' + b'"\\' * 2_000_000, b'{"a":' + b'"type":"Feature" [' * 200_000]
)
def test_kinds_are_told_in_little_time(text):
    assert kind_of(text) in (FileKind.GEOJSON, FileKind.JSON)


def test_layers_are_joined_and_may_be_the_class(tmp_path):
    path = tmp_path / "a.gpkg"
    for layer, polygon in zip(("ships", "tugs"), ([POLYGONS[0]], [POLYGONS[2]]), strict=True):
        wkb = shapely.to_wkb(np.array(polygon, dtype=object))
        pyogrio.raw.write(
            path,
            wkb,
            [],
            [],
            driver="GPKG",
            crs="EPSG:32616",
            layer=layer,
            geometry_type="Polygon",
            append=path.exists(),
        )
    mask = read(path.read_bytes())
    assert mask.keys == ("background", "ships", "tugs")
    assert (mask.index[5, 4], mask.index[13, 22]) == (1, 2)


def test_layers_may_have_different_systems(tmp_path):
    path = tmp_path / "a.gpkg"
    write(path, POLYGONS[:1], CLASSES[:1], driver="GPKG", layer="first")
    write(path, degrees()[2:], CLASSES[2:], driver="GPKG", layer="second", crs="EPSG:4326", append=True)
    mask = read(path.read_bytes())
    assert (mask.index[5, 4], mask.index[13, 22]) == (1, 2)


def test_a_shapefile_without_prj_lies_where_the_image_lies(tmp_path):
    files = shapefile(tmp_path)
    del files["in/zip/a.prj"]
    mask = read(files["in/zip/a.shp"], "in/zip/a.shp", files)
    np.testing.assert_array_equal(mask.index, EXPECTED)
    assert "a.shp declares no coordinate reference system" in " ".join(note.text for note in mask.notes)


def test_a_shapefile_without_shx_says_so(tmp_path):
    files = shapefile(tmp_path)
    with pytest.raises(InputError, match=r"its \.shx file is missing"):
        read(files["in/zip/a.shp"], "in/zip/a.shp")


@pytest.mark.parametrize("name", [*DRIVERS, "a.shp", "a.geojson"])
def test_broken_files_are_refused(name, tmp_path):
    files = shapefile(tmp_path) if name == "a.shp" else {}
    if name == "a.geojson":
        data = geojson()
    else:
        data = files["in/zip/a.shp"] if files else in_memory(DRIVERS[name], polygons=degrees(), crs="EPSG:4326")
    rng = np.random.default_rng(0)
    for attempt in range(40):
        broken = bytearray(data if attempt % 2 else data[: int(rng.integers(20, len(data)))])
        for position in rng.integers(20, len(broken), 20):
            broken[position] = rng.integers(256)
        with contextlib.suppress(InputError):
            read_polygons(bytes(broken), "in/zip/a.shp", RASTER, companions=files)


KML = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{extra}<Folder><name>ships</name>
<Placemark><name>{name}</name>{link}<Polygon><outerBoundaryIs><LinearRing><coordinates>
{corners}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder>
<Folder><name>tugs</name></Folder></Document></kml>"""


def kml(doctype="", extra="", name="one", link=""):
    corners = " ".join(f"{x},{y},0" for x, y in degrees()[0].exterior.coords)
    return KML.format(doctype=doctype, extra=extra, name=name, link=link, corners=corners).encode()


def test_the_name_of_a_placemark_may_be_the_class():
    assert read(kml()).keys == ("background", "one")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (kml('<!DOCTYPE kml [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>', name="&b;"), "declares a document type"),
        (kml('<!DOCTYPE kml SYSTEM "file:///etc/passwd">'), "declares a document type"),
        (kml(extra="<Folder>" * 10_000 + "</Folder>" * 10_000), "nested too deeply"),
        (kml()[:-20], "not valid XML"),
    ],
    ids=["entities", "external document type", "deep", "truncated"],
)
def test_hostile_kml_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        read(data)


@pytest.mark.parametrize(
    "extra",
    [
        "<NetworkLink><Link><href>{}</href></Link></NetworkLink>",
        '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>',
        "<Placemark><styleUrl>{}#a</styleUrl><Point><coordinates>1,2</coordinates></Point></Placemark>",
    ],
    ids=["network link", "virtual layer", "style"],
)
def test_kml_reads_no_other_file(extra, tmp_path):
    other = tmp_path / "other.kml"
    other.write_bytes(kml(name="two"))
    mask = read(kml(extra=extra.format(other)))
    assert mask.keys == ("background", "one")
    assert np.unique(mask.objects).tolist() == [0, 1]


def test_only_the_drivers_that_are_needed_are_left():
    read(kml())
    assert set(pyogrio.list_drivers()) <= {"GPKG", "FlatGeobuf", "ESRI Shapefile", "LIBKML"}


ENDLESS = "AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS"
ENDLESS_LAYER = f"""
    CREATE VIEW endless {ENDLESS} fid, NULL AS geom FROM n;
    INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('endless', 'features', 'e', 32616);
    INSERT INTO gpkg_geometry_columns VALUES ('endless', 'geom', 'POLYGON', 32616, 0, 0)"""
ENDLESS_LIST = f"DROP TABLE gpkg_contents; CREATE VIEW gpkg_contents {ENDLESS} table_name FROM n"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (ENDLESS_LAYER, None),
        (ENDLESS_LIST, "not a GeoPackage"),
        ("DROP TABLE gpkg_contents", "not a GeoPackage"),
    ],
    ids=["a layer", "the list of layers", "no list of layers"],
)
def test_views_of_a_geopackage_are_not_run(statements, message, tmp_path):
    path = tmp_path / "a.gpkg"
    write(path, driver="GPKG")
    with sqlite3.connect(path) as database:
        database.executescript(statements)
    if message:
        with pytest.raises(InputError, match=message):
            read(path.read_bytes())
    else:
        np.testing.assert_array_equal(read(path.read_bytes()).index, EXPECTED)


def test_a_geopackage_that_was_open_for_writing_is_read():
    data = bytearray(in_memory("GPKG"))
    data[18:20] = b"\2\2"  # write-ahead log, whose file is not there
    np.testing.assert_array_equal(read(bytes(data)).index, EXPECTED)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1.0, "1"), (0.5, "0.5"), (True, "true"), ("", None), (" a \n b ", "a b"), (None, None), (np.nan, None),
     ({}, None)],
)  # fmt: skip
def test_values_become_text(value, text):
    assert as_text(value) == text


POINTS = "<Placemark><Point><coordinates>1,2</coordinates></Point></Placemark>" * 3


def test_too_many_features_are_refused(monkeypatch):
    monkeypatch.setattr("explorer.imagery.reading.vector_files.MAX_FEATURES", 2)
    for data in (geojson(), in_memory("GPKG"), kml(extra=POINTS)):
        with pytest.raises(InputError, match=r"[34] features"):
            read_vector_file(data, "a")


def test_too_many_properties_are_refused(monkeypatch):
    monkeypatch.setattr("explorer.imagery.reading.vector_files.MAX_VALUES", 2)
    for data in (geojson(), in_memory("GPKG")):
        with pytest.raises(InputError, match=r"3 features with [12] properties"):
            read_vector_file(data, "a")


def test_a_file_is_parsed_once_for_many_images(monkeypatch):
    data = in_memory("GPKG", layer="parsed_once")
    first = read(data)
    monkeypatch.setattr("explorer.imagery.reading.vectors.read_vector_file", None)
    np.testing.assert_array_equal(read(data).index, first.index)
