import json

import numpy as np
import pytest
import shapely
from rasterio.warp import transform_geom

from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.notes import Note
from explorer.imagery.reading.masks import read_mask
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.reading.vectors import polygons_in_pixels, read_polygons
from explorer.imagery.scene import GeoReference, Raster
from explorer.metrics.found_objects import find_objects
from explorer.runs.object_files import write_objects
from tests.imagery.encoders import geotiff, photo, tiff

UTM = "EPSG:32616"
NORTH_UP = (1.0, 0.0, 500_000.0, 0.0, -1.0, 3_700_000.0)
RASTER = read_raster(geotiff(photo(20, 30)), "image.tif")  # one metre a pixel, from (500000, 3700000) down


def image(crs=UTM, transform=NORTH_UP, height=20, width=30, notes=()):
    georeference = GeoReference(crs, transform) if transform else None
    valid = np.ones((height, width), dtype=np.bool_)
    return Raster("image.tif", photo(height, width), valid, ("a", "b", "c"), georeference, notes=notes)


def square(column, row, size=5.0, width=None):
    """A square or rectangle on the ground by its upper left corner in pixels."""
    x, y = 500_000 + column, 3_700_000 - row
    w = width or size
    ring = [[x, y], [x + w, y], [x + w, y - size], [x, y - size], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


def collection(*geometries, crs="urn:ogc:def:crs:EPSG::32616", properties=None):
    """GeoJSON; ``properties`` is one dictionary for all features, or one for each."""
    each = properties if isinstance(properties, list) else [properties or {}] * len(geometries)
    features = [
        {"type": "Feature", "properties": own, "geometry": shape} for shape, own in zip(geometries, each, strict=True)
    ]
    document = {"type": "FeatureCollection", "features": features}
    if crs:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    return json.dumps(document).encode()


def many(*parts):
    return {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]}


def gathered(*members):
    return {"type": "GeometryCollection", "geometries": list(members)}


def in_degrees(geometry):
    return transform_geom(UTM, "EPSG:4326", geometry)


def text_of(notes, code):
    """The sentence of the one note with this code."""
    (found,) = (note.text for note in notes if note.code == code)
    return found


POINT = {"type": "Point", "coordinates": [500_001, 3_699_999]}
LINE = {"type": "LineString", "coordinates": [[500_001, 3_699_999], [500_009, 3_699_990]]}
EMPTY = {"type": "Polygon", "coordinates": []}
BOWTIE = {  # two triangles that meet at column 6, row 4
    "type": "Polygon",
    "coordinates": [
        [[500_002, 3_699_998], [500_010, 3_699_990], [500_010, 3_699_998], [500_002, 3_699_990], [500_002, 3_699_998]]
    ],
}
EXPECTED = np.zeros((20, 30), dtype=np.uint8)
EXPECTED[3:8, 4:9] = 1


@pytest.mark.parametrize(
    "data",
    [
        collection(square(4, 3)),
        collection(in_degrees(square(4, 3)), crs=None),
        collection(transform_geom(UTM, "EPSG:3857", square(4, 3)), crs="EPSG:3857"),
        collection(many(square(4, 3))),
        collection(square(4, 3), None),
        collection(gathered(gathered(square(4, 3)), POINT)),
        collection({"type": "Polygon", "coordinates": [[[*corner, 7.5] for corner in square(4, 3)["coordinates"][0]]]}),
        collection({"type": "Polygon", "coordinates": [square(4, 3)["coordinates"][0][:-1]]}),
        json.dumps(in_degrees(square(4, 3))).encode(),
        json.dumps({"geometry": in_degrees(square(4, 3)), "properties": {}, "type": "Feature"}).encode(),
        b"\xef\xbb\xbf" + collection(square(4, 3)),
    ],
    ids=[
        "same crs",
        "degrees",
        "another crs",
        "multipolygon",
        "a feature without a geometry",
        "collection within a collection",
        "with heights",
        "ring not closed",
        "a bare geometry",
        "a single feature",
        "byte order mark",
    ],
)
def test_polygons_are_rasterised_where_they_lie(data):
    mask = read_polygons(data, "a.geojson", RASTER)
    np.testing.assert_array_equal(mask.index, EXPECTED)
    assert mask.keys == ("background", "object")


def test_polygons_are_drawn_on_a_turned_image():
    # Columns run north, rows run east: the pixel (row 4, column 3) lies at x 500004, y 3700003.
    turned = image(transform=(0.0, 1.0, 500_000.0, 1.0, 0.0, 3_700_000.0))
    mask = read_polygons(collection(square(4, -8)), "a", turned)  # x 4 to 9, y 3 to 8
    expected = np.zeros((20, 30), dtype=np.uint8)
    expected[4:9, 3:8] = 1
    np.testing.assert_array_equal(mask.index, expected)


# --- classes


@pytest.mark.parametrize(
    ("properties", "keys", "note"),
    [
        ([{"Class": "1"}, {"Class": "2"}], ("1", "2"), None),
        ([{"class": 0}, {"class": 1}], ("0", "1"), None),
        ([{"CLASS_NAME": "b"}, {"CLASS_NAME": "a"}], ("a", "b"), None),
        ([{"class": 10}, {"class": 9.0}], ("9", "10"), None),
        ([{"label": True}, {"label": False}], ("false", "true"), None),
        ([{"name": "tug"}, {"name": "barge"}], ("barge", "tug"), None),
        ([{"category": "x", "type": "y"}, {"category": "x", "type": "z"}], ("x",), "others: type"),
        ([{"class": "Background"}, {"class": "ship"}], ("Background (drawn)", "ship"), None),
        ([{"class": "ship"}, {"class": None}], ("object", "ship"), "1 of 2 features have no value and are 'object'"),
        ([{"name": "Polygon 1"}, {"name": "Polygon 2"}], ("object",), "numbers the features ('Polygon 1')"),
        ([{"name": "Occlusion"}, {"name": ""}], ("object",), "'name' is empty in 1 of 2 features"),
        ([{"height": 3}, {"height": 4}], ("object",), "Properties found: height; choose one (--class-property)."),
        ([{"class": {"a": 1}}, {"class": []}], ("object",), None),
        ([{}, None], ("object",), None),
    ],
    ids=str,
)
def test_the_class_is_a_property(properties, keys, note):
    mask = read_polygons(collection(square(4, 3), square(12, 3), properties=properties), "a", RASTER)
    assert mask.keys == ("background", *keys)
    texts = [each.text for each in mask.notes if each.code == "class_property"]
    assert (note in texts[0]) if note else not texts


def test_values_that_all_differ_in_many_features_are_no_class():
    shapes = [square(column, 2, 1.0) for column in range(20)]
    properties = [{"class": f"id-{number}", "kind": "ship"} for number in range(20)]
    mask = read_polygons(collection(*shapes, properties=properties), "a", RASTER)
    assert mask.keys == ("background", "object")
    assert "'class' has 20 values in 20 features" in text_of(mask.notes, "class_property")


def test_the_visitor_chooses_the_property():
    data = collection(square(4, 3), square(12, 3), properties=[{"class": "a", "kind": 7}, {"class": "b", "kind": 8}])
    mask = read_polygons(data, "a", RASTER, choices=ReadingChoices(class_property="kind"))
    assert mask.keys == ("background", "7", "8")
    assert text_of(mask.notes, "class_property") == "The class is taken from the property 'kind'; others: class."
    with pytest.raises(InputError, match="no property 'colour'; its properties: class, kind"):
        read_polygons(data, "a", RASTER, choices=ReadingChoices(class_property="colour"))


# --- objects


def test_polygons_that_touch_are_objects_of_their_own():
    row_houses = [square(2 + 3 * number, 5, 6.0, 3.0) for number in range(8)]
    mask = read_polygons(collection(*row_houses), "a", RASTER)
    assert [np.count_nonzero(mask.objects == number) for number in range(1, 9)] == [18] * 8
    assert text_of(mask.notes, "touching_objects").startswith("8 polygons touch another of their class")


@pytest.mark.parametrize(
    ("second", "properties"),
    [(square(10, 3), {}), (square(9, 3), [{"class": "a"}, {"class": "b"}])],
    ids=["apart", "of two classes"],
)
def test_nothing_is_said_of_polygons_that_are_apart_anyhow(second, properties):
    mask = read_polygons(collection(square(4, 3), second, properties=properties), "a", RASTER)
    assert np.unique(mask.objects).tolist() == [0, 1, 2]
    assert "touching_objects" not in {note.code for note in mask.notes}


def test_parts_of_a_multipolygon_are_objects_but_a_repaired_polygon_is_one():
    parts = read_polygons(collection(many(square(4, 3), square(12, 3))), "a", RASTER)
    assert np.unique(parts.objects).tolist() == [0, 1, 2]
    bowtie = read_polygons(collection(BOWTIE), "a", RASTER)
    assert np.unique(bowtie.objects).tolist() == [0, 1]
    assert bowtie.index[5, 3] == bowtie.index[5, 8] == 1
    assert bowtie.index[3, 6] == 0
    assert text_of(bowtie.notes, "feature_left_out") == "Polygons that cross themselves were repaired: feature 1."


def test_the_later_polygon_lies_on_top():
    mask = read_polygons(collection(square(4, 3), square(6, 3), square(6, 3)), "a", RASTER)
    assert np.unique(mask.objects).tolist() == [0, 1, 3]
    assert np.count_nonzero(mask.objects == 1) == 10
    assert "small_polygon" not in {note.code for note in mask.notes}  # the second is covered, not too small


def test_a_polygon_without_a_pixel_centre_is_drawn_as_one_pixel():
    small = [square(2.1 + 3 * number, 5.1, 0.3) for number in range(9)]
    mask = read_polygons(collection(square(4, 10), *small), "a", RASTER)
    assert np.flatnonzero(mask.index[5]).tolist() == [2, 5, 8, 11, 14, 17, 20, 23, 26]
    assert text_of(mask.notes, "small_polygon").startswith("9 of 10 polygons cover no pixel centre")
    assert len(np.unique(mask.objects)) == 11


def test_a_thin_polygon_between_pixel_centres_is_drawn():
    mask = read_polygons(collection(square(2, 5.6, 0.2, 20.0)), "a", RASTER)
    assert np.argwhere(mask.index).tolist() == [[5, 12]]


# --- what is left out


def test_features_without_an_area_are_left_out_with_one_note():
    mask = read_polygons(collection(POINT, square(4, 3), LINE, EMPTY, None, POINT), "a", RASTER)
    np.testing.assert_array_equal(mask.index, EXPECTED)
    assert text_of(mask.notes, "feature_left_out") == (
        "5 of 6 features have no area and were left out: 2 points (features 1, 6), 1 line (feature 3), "
        "1 empty geometry (feature 4), 1 without a geometry (feature 5)."
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "Polygon", "coordinates": [[["a", "b"]]]},
        {"type": "Polygon", "coordinates": 7},
        {"type": "Ball", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": [[[0, 0], [float("inf"), 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[500_001, 3_699_999]] * 5]},
        gathered(7),
        "a text",
        [],
    ],
    ids=str,
)
def test_a_broken_geometry_is_left_out(broken):
    mask = read_polygons(collection(square(4, 3), broken), "a", RASTER)
    np.testing.assert_array_equal(mask.index, EXPECTED)
    assert "1 not valid (feature 2)" in text_of(mask.notes, "feature_left_out")
    alone = read_polygons(collection(broken), "a", RASTER)
    assert not alone.index.any()
    assert "1 of 1 features have no area and were left out: 1 not valid" in text_of(alone.notes, "feature_left_out")


def test_points_alone_leave_a_scene_of_background_with_a_note():
    mask = read_polygons(collection(POINT, POINT), "a", RASTER)
    assert not mask.index.any()
    assert "2 of 2 features have no area and were left out: 2 points" in text_of(mask.notes, "feature_left_out")
    assert "all of image.tif is background" in text_of(mask.notes, "no_objects_here")


def test_an_outline_that_crosses_itself_everywhere_is_left_out_in_little_time():
    tangle = (np.random.default_rng(0).random((2_000, 2)) * 20 + (500_000, 3_699_980)).tolist()
    geometry = {"type": "Polygon", "coordinates": [[*tangle, tangle[0]]]}
    mask = read_polygons(collection(square(4, 3), geometry), "a", RASTER)
    np.testing.assert_array_equal(mask.index, EXPECTED)


@pytest.mark.parametrize("data", [collection(), collection(None), collection(EMPTY)], ids=["none", "null", "empty"])
def test_a_tile_without_objects_is_background(data):
    mask = read_polygons(data, "a", RASTER)
    assert mask.keys == ("background",)
    assert not mask.index.any()
    assert not mask.objects.any()
    assert text_of(mask.notes, "no_objects_here")


def test_a_file_for_many_images_may_draw_nothing_on_one():
    data = collection(square(400, 300), properties={"class": "ship"})
    mask = read_polygons(data, "a", RASTER, shared=True)
    assert not mask.index.any()
    text = text_of(mask.notes, "no_objects_here")
    assert text.startswith("No polygon of a lies on image.tif (")
    assert text.endswith("): all of it is background.")


def test_one_file_is_drawn_on_each_of_its_tiles():
    data = collection(square(4, 3), square(28, 3), square(34, 3))
    left = read_polygons(data, "a", RASTER, shared=True)
    right = read_polygons(data, "a", image(transform=(1.0, 0.0, 500_030.0, 0.0, -1.0, 3_700_000.0)), shared=True)
    assert np.unique(left.objects).tolist() == [0, 1, 2]
    assert np.unique(right.objects).tolist() == [0, 2, 3]
    assert (np.count_nonzero(left.objects == 2), np.count_nonzero(right.objects == 2)) == (10, 15)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"{}", "not a GeoJSON FeatureCollection"),
        (b"%PDF", "not a GeoJSON, GeoPackage, FlatGeobuf, Shapefile or KML file"),
        (
            collection(square(400, 300)),
            r"none of its polygons \(1\) overlaps image.tif: they span x 500400 to 500405, y 3699695 to 3699700, "
            r"the image x 500000 to 500030, y 3699980 to 3700000 \(EPSG:32616\)",
        ),
        (collection(square(4, 3), crs="EPSG:nonsense"), "crs member is not recognised"),
        (collection(square(4, 3), crs=None), r"500004, 3699997\) are not degrees, .* export it in EPSG:4326"),
        (collection(square(4, 3), crs="EPSG:4326"), "are not degrees, but it declares EPSG:4326"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_polygons_that_cannot_be_read_are_refused_with_the_reason(data, message):
    with pytest.raises(InputError, match=message) as caught:
        read_polygons(data, "bad.geojson", RASTER)
    assert caught.value.where == "bad.geojson"
    assert caught.value.remedy


def test_exchanged_coordinates_are_recognised():
    ring = [corner[::-1] for corner in in_degrees(square(4, 3))["coordinates"][0]]
    with pytest.raises(InputError, match="x and y of the file are exchanged"):
        read_polygons(collection({"type": "Polygon", "coordinates": [ring]}, crs=None), "a", RASTER)


def test_coordinates_far_beyond_the_image_are_refused():
    far = {"type": "Polygon", "coordinates": [[[-1e300, 0], [500_010, 0], [500_010, 1e300], [-1e300, 0]]]}
    with pytest.raises(InputError, match=r"they span x -1e\+300 to"):
        read_polygons(collection(far), "a", RASTER)


def test_polygons_drawn_over_and_over_are_refused():
    data = collection(*[square(0, 0, 2_000.0)] * 500)
    with pytest.raises(InputError, match="lie on each other a hundredfold"):
        read_polygons(data, "a", image(height=2_000, width=2_000))


# --- systems that are not declared


@pytest.mark.parametrize(
    ("data", "assumed"),
    [
        (collection(square(4, 3)), "that of the polygons, EPSG:32616, was assumed"),
        (collection(square(4, 3), crs=None), "with their coordinates as they are"),
        (collection(in_degrees(square(4, 3)), crs=None), "EPSG:32616 was assumed"),
    ],
    ids=["declared", "as they are", "the UTM zone of degrees"],
)
def test_an_image_with_a_world_file_gets_the_system_of_its_polygons(data, assumed):
    mask = read_polygons(data, "a", image(crs=None))
    np.testing.assert_array_equal(mask.index, EXPECTED)
    assert assumed in text_of(mask.notes, "crs_assumed")


def test_an_image_with_a_world_file_refuses_polygons_elsewhere():
    with pytest.raises(InputError, match=r"no coordinate reference system.*save the image as GeoTIFF"):
        read_polygons(collection(in_degrees(square(400, 3)), crs=None), "a", image(crs=None))


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ((), r"image\.tif has no coordinate reference system"),
        ((Note("rpcs_only", "The image has only RPCs."),), "has only RPCs.*gdalwarp -rpc"),
    ],
)
def test_polygons_need_a_georeferenced_image(notes, message):
    with pytest.raises(InputError, match=message):
        read_polygons(collection(square(4, 3)), "a.geojson", image(transform=None, notes=notes))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_outlines_that_the_app_wrote_in_pixels_are_read_again(tmp_path):
    written = np.zeros((20, 30), dtype=np.uint8)
    written[3:8, 4:9], written[10, 20:22] = 1, 2
    found = find_objects(written, np.zeros((2, 20, 30), dtype=np.uint16))
    write_objects(tmp_path / "a.geojson", found, None, ("background", "ship", "tug"))
    mask = read_polygons(tmp_path / "a.geojson", "a", read_raster(tiff(photo(20, 30)), "plain.tif"))
    np.testing.assert_array_equal(mask.index, written)
    assert mask.keys == ("background", "ship", "tug")
    assert text_of(mask.notes, "crs_assumed").startswith("plain.tif has no georeference")


def test_rows_counted_downwards_are_read_as_pixels_but_degrees_are_not():
    ring = [[4, -3], [9, -3], [9, -8], [4, -8], [4, -3]]
    mask = read_polygons(collection({"type": "Polygon", "coordinates": [ring]}, crs=None), "a", image(transform=None))
    np.testing.assert_array_equal(mask.index, EXPECTED)
    degrees = {"type": "Polygon", "coordinates": [[[15, 16], [15.001, 16], [15.001, 16.001], [15, 16.001], [15, 16]]]}
    with pytest.raises(InputError, match="need a georeferenced image"):
        read_polygons(collection(degrees, crs=None), "a", image(transform=None))


# --- areas of interest


def test_an_area_of_interest_is_given_in_pixels_and_clipped_to_the_image():
    (area,) = polygons_in_pixels(collection(in_degrees(square(25, 3, 5.0, 50.0)), crs=None), "a", RASTER)
    assert np.allclose(sorted(area), [(25, 3), (25, 8), (30, 3), (30, 8)], atol=1e-3)


def test_an_area_with_a_hole_is_cut_into_areas_without():
    outer, inner = square(4, 3, 10.0)["coordinates"][0], square(6, 5, 2.0)["coordinates"][0]
    areas = polygons_in_pixels(collection({"type": "Polygon", "coordinates": [outer, inner]}), "a", RASTER)
    union = shapely.union_all([shapely.Polygon(area) for area in areas])
    assert union.equals(shapely.box(4, 3, 14, 13) - shapely.box(6, 5, 8, 7))


def test_an_area_elsewhere_is_refused():
    with pytest.raises(InputError, match=r"overlaps image\.tif"):
        polygons_in_pixels(collection(square(400, 3)), "a", RASTER)


# --- real files


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
