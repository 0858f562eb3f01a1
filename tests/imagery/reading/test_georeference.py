from contextlib import suppress

import numpy as np
import pytest
from PIL import Image
from rasterio.crs import CRS
from rasterio.enums import WktVersion
from rasterio.io import MemoryFile
from rasterio.rpc import RPC

from explorer.errors import InputError
from explorer.imagery.reading.masks import read_mask
from explorer.imagery.reading.raster import read_raster
from tests.imagery.encoders import geotiff, photo, picture, png, tiff, tiff_with_control_points

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

PIXELS = np.ascontiguousarray(photo().transpose(1, 2, 0))
WORLD = b"2\n0.0\n0.0\n-2\n500001\n3999999\n"  # the centre of the first pixel, 2 m from the corner of the image
TRANSFORM = (2.0, 0.0, 500_000.0, 0.0, -2.0, 4_000_000.0)
ESRI = CRS.from_epsg(32633).to_wkt(version=WktVersion.WKT1_ESRI).encode()
AUX = (
    "<PAMDataset><SRS>" + CRS.from_epsg(32633).to_wkt().replace('"', "&quot;") + "</SRS>"
    "<GeoTransform> 5.0e+05, 2.0, 0.0, 4.0e+06, 0.0, -2.0</GeoTransform></PAMDataset>"
).encode()


FILES = {"png": png(PIXELS), "jpg": picture(Image.fromarray(PIXELS), "JPEG"), "tif": tiff(photo())}


@pytest.mark.parametrize(
    ("name", "companions", "crs"),
    [
        ("a.png", {"a.pgw": WORLD}, None),
        ("a.png", {"A.PGW": WORLD}, None),
        ("images/a.png", {"images/a.pngw": WORLD, "images/a.prj": ESRI}, "EPSG:32633"),
        ("a.png", {"a.wld": WORLD, "a.prj": ESRI}, "EPSG:32633"),
        ("a.jpg", {"a.jgw": WORLD.replace(b".", b","), "a.pgw": b"1 0 0 1 0 0"}, None),
        ("a.tif", {"a.tfw": WORLD, "a.png.aux.xml": b"of another image"}, None),
        ("a.png", {"a.png.aux.xml": AUX}, "EPSG:32633"),
        ("a.png", {"a.aux.xml": AUX}, "EPSG:32633"),
        ("a.png", {"a.png.aux.xml": b"<PAMDataset/>", "a.pgw": WORLD}, None),
        ("M\u00fcll.png", {"Mu\u0308ll.pgw": WORLD}, None),
    ],
)
def test_files_beside_an_image_say_where_it_lies(name, companions, crs):
    data = FILES[name[-3:]]
    for read in (read_raster, read_mask) if name.endswith("png") else (read_raster,):
        found = read(data, name, companions=companions)
        assert found.georeference is not None
        assert found.georeference.crs == crs
        assert found.georeference.transform == TRANSFORM
        assert [note.code for note in found.notes] == ["world_file"]
        assert (".prj file would" in found.notes[0].text) == (crs is None)


@pytest.mark.parametrize(
    ("name", "companions"),
    [
        ("a.png", {"b.pgw": WORLD}),
        ("images/a.png", {"masks/a.pgw": WORLD}),
        ("a.png", {"a.tfw": WORLD}),
        ("a.png", {"a.prj": ESRI}),
        ("a.png", {"a.png.aux.xml": b"<PAMDataset></PAMDataset>"}),
        ("a.png", {}),
    ],
)
def test_files_of_other_images_and_a_system_without_a_place_say_nothing(name, companions):
    raster = read_raster(FILES["png"], name, companions=companions)
    assert raster.georeference is None
    assert raster.notes == ()


def test_a_georeference_of_its_own_wins_but_a_missing_system_is_filled_in():
    own = read_raster(geotiff(photo()), "a.tif", companions={"a.tfw": WORLD, "a.prj": ESRI})
    assert own.georeference.crs == "EPSG:32616"
    assert own.georeference.transform[2] == 500_000
    assert own.notes == ()
    filled = read_raster(geotiff(photo(), crs=None), "a.tif", companions={"a.tfw": WORLD, "a.prj": ESRI})
    assert filled.georeference.crs == "EPSG:32633"
    assert filled.georeference.transform[5] == 3_700_000
    assert [note.code for note in filled.notes] == ["world_file"]


def test_a_system_in_a_files_own_tags_without_a_grid_is_no_georeference():
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", width=10, height=12, count=3, dtype="uint8", crs="EPSG:4326") as file:
            file.write(photo(12, 10))
        bare = memory.read()
    raster = read_raster(bare, "a.tif")
    assert raster.georeference is None
    assert [note.code for note in raster.notes] == ["crs_without_grid"]
    assert "world file" in raster.notes[0].text
    placed = read_raster(bare, "a.tif", companions={"a.tfw": WORLD})
    assert (placed.georeference.crs, placed.georeference.transform) == ("EPSG:4326", TRANSFORM)
    assert [note.code for note in placed.notes] == ["world_file"]


@pytest.mark.parametrize(
    "companions",
    [
        {"a.pgw": b"1 0 0 -1 500000"},
        {"a.pgw": b"hello"},
        {"a.pgw": b"0 0 0 0 500000 4000000"},
        {"a.pgw": b"nan 0 0 -1 500000 4000000"},
        {"a.pgw": b""},
        {"a.pgw": WORLD, "a.prj": b"/etc/passwd"},
        {"a.pgw": WORLD, "a.prj": b"+init=/etc/passwd:x"},
        {"a.png.aux.xml": b"<PAMDataset>"},
        {
            "a.png.aux.xml": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><PAMDataset><SRS>&e;</SRS></PAMDataset>'
        },
        {"a.png.aux.xml": b"<PAMDataset><GeoTransform>1, 2</GeoTransform></PAMDataset>"},
        {"a.png.aux.xml": b"<PAMDataset><SRS>nonsense</SRS></PAMDataset>"},
    ],
)
def test_a_side_file_that_cannot_be_understood_is_named(companions):
    with pytest.raises(InputError) as caught:
        read_raster(FILES["png"], "a.png", companions=companions)
    assert caught.value.where in companions


CORNERS = ((0, 0), (10, 0), (0, 12), (10, 12))


def located(points):
    return tiff_with_control_points(photo(12, 10), points, "EPSG:32633")


def test_control_points_on_a_grid_become_the_georeference():
    points = [(c, r, 500_000 + 2 * c, 4_000_000 - 2 * r) for c, r in CORNERS]
    for read in (read_raster, read_mask):
        found = read(located(points), "a.tif")
        assert found.georeference.crs == "EPSG:32633"
        assert found.georeference.transform == pytest.approx(TRANSFORM)
        assert [note.code for note in found.notes] == ["ground_control_points"]
        assert "4 ground control points; they agree within 0.00 px" in found.notes[0].text


def test_control_points_of_a_turned_image_become_a_turned_georeference():
    points = [(c, r, 500_000 + c + r, 4_000_000 + c - r) for c, r in CORNERS]
    assert read_raster(located(points), "a.tif").georeference.transform == pytest.approx(
        (1, 1, 500_000, 1, -1, 4_000_000)
    )


def test_pixels_move_where_control_points_lie_on_no_grid():
    image = np.zeros((1, 60, 60), dtype=np.uint8)
    image[0, 40:44, 30:34] = 200
    points = [(c, r, 500_000 + c + 0.004 * c * c, 4_000_000 - r) for c in (0, 30, 60) for r in (0, 30, 60)]
    raster = read_raster(tiff_with_control_points(image, points, "EPSG:32633"), "a.tif")
    assert "the pixels were moved" in raster.notes[0].text
    a, b, c, d, e, f = raster.georeference.transform
    rows, columns = np.nonzero(raster.image[0])
    x = a * (columns.mean() + 0.5) + c
    y = e * (rows.mean() + 0.5) + f
    assert (b, d) == (0, 0)
    assert x == pytest.approx(500_000 + 32 + 0.004 * 32**2, abs=0.7)
    assert y == pytest.approx(4_000_000 - 42, abs=0.7)
    mask = read_mask(tiff_with_control_points(image, points, "EPSG:32633"), "a.tif")
    assert mask.georeference == raster.georeference
    np.testing.assert_array_equal(mask.index > 0, raster.image[0] > 0)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_control_points_are_named(count):
    points = [(c, r, 500_000 + c, 4_000_000 - r) for c, r in CORNERS[:count]]
    raster = read_raster(located(points), "a.tif")
    assert raster.georeference is None
    assert "at least three" in raster.notes[0].text


def test_an_image_with_rpcs_only_says_what_to_do():
    ones = [1.0] + [0.0] * 19
    rpcs = RPC(
        height_off=0, height_scale=1, lat_off=45, lat_scale=1, long_off=15, long_scale=1, line_off=6, line_scale=6,
        samp_off=5, samp_scale=5, line_den_coeff=ones, line_num_coeff=ones, samp_den_coeff=ones, samp_num_coeff=ones,
        err_bias=0, err_rand=0,
    )  # fmt: skip
    raster = read_raster(tiff(photo(), rpcs=rpcs), "a.tif")
    assert raster.georeference is None
    assert [note.code for note in raster.notes] == ["rpcs_only"]
    assert "gdalwarp -rpc" in raster.notes[0].text


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0, 0, 0), (12, 5, 1e8, 1), (5, 12, 30, 4e6), (1, 1, -1e8, 1000), (3, 8, 12, 12)],
        [(c, r, 1e300, -1e300) for c, r in CORNERS],
    ],
)
def test_control_points_that_make_no_sense_never_break_the_reader(points):
    with suppress(InputError):
        assert read_raster(located(points), "a.tif").notes[0].code == "ground_control_points"
