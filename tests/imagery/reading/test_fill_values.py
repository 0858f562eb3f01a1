from pathlib import Path

import numpy as np
import pytest

from explorer.imagery.builtin import BUILTIN, builtin_dataset
from explorer.imagery.reading.raster import read_raster
from tests.imagery.encoders import png, tiff

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

SIDE = 60


def noise(low, high, dtype="uint16", bands=3):
    values = np.random.default_rng(0).uniform(low, high, (bands, SIDE, SIDE))
    return values.astype(dtype)


BORDER = np.zeros((SIDE, SIDE), dtype=bool)
BORDER[:, :9] = True
WEDGE = np.tri(SIDE, SIDE, -SIDE // 2, dtype=bool)
HOLE = np.zeros((SIDE, SIDE), dtype=bool)
HOLE[20:30, 20:30] = True
SPOT = np.zeros((SIDE, SIDE), dtype=bool)
SPOT[20:23, 20:25] = True  # 15 px


def filled(image, where, value):
    return np.where(where, np.array(value, dtype=image.dtype), image)


@pytest.mark.parametrize(
    ("image", "where", "value", "words"),
    [
        (noise(0, 1, "float32"), BORDER, -9999, "-9999 in 540 px"),
        (noise(0, 1, "float32"), HOLE, -9999, "-9999 in 100 px"),
        (noise(-30, 5, "float32", 2), WEDGE, -9999, "-9999 in"),
        (noise(0, 1, "float32", 1), HOLE, np.finfo("float32").min, "-3.40"),
        (noise(200, 4000, "int16"), HOLE, -32768, "-32768 in 100 px"),
        (noise(200, 4000), BORDER, 65535, "65535 in 540 px"),
        (noise(2000, 4000), WEDGE, 0, "0 in"),
        (noise(40, 220, "uint8"), BORDER, 255, None),  # 255 is near 220
        (noise(60, 220, "uint8"), BORDER, 0, "0 in 540 px"),
    ],
)
def test_a_fill_value_that_is_not_declared_is_treated_as_nodata(image, where, value, words):
    data = tiff(filled(image, where, value))
    raster = read_raster(data, "a.tif")
    kept = read_raster(data, "a.tif", keep_fill=True)
    assert kept.valid.all()
    assert kept.notes == ()
    if words is None:
        assert raster.valid.all()
        return
    np.testing.assert_array_equal(raster.valid, ~where)
    assert [note.code for note in raster.notes] == ["fill_value"]
    assert raster.notes[0].text.startswith(words)
    assert "--keep-fill" in raster.notes[0].text


def test_two_fill_values_are_found():
    image = filled(filled(noise(0, 1, "float32"), BORDER, -9999), HOLE, 1e20)
    raster = read_raster(tiff(image), "a.tif")
    np.testing.assert_array_equal(raster.valid, ~(BORDER | HOLE))
    assert len(raster.notes) == 2


def test_a_fill_value_in_one_band_alone_becomes_the_nearest_value_with_a_note():
    image = noise(0.1, 0.9, "float32")
    image[1][HOLE] = -9999
    raster = read_raster(tiff(image), "a.tif")
    assert raster.valid.all()
    assert raster.image.min() > 0
    assert [note.code for note in raster.notes] == ["fill_value"]
    assert "-9999 in 100 px of band 2" in raster.notes[0].text
    assert read_raster(tiff(image), "a.tif", keep_fill=True).image.min() == -9999


def test_a_fill_value_in_one_band_of_a_valid_pixel_does_not_flatten_the_stretch():
    image = filled(noise(0, 1, "float32"), BORDER, -9999)
    image[0, 40, 40] = -9999
    raster = read_raster(tiff(image), "a.tif")
    assert raster.valid[40, 40]
    assert raster.image[0, 40, 40] >= 0


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(filled(noise(0, 1, "float32"), SPOT, -9999), id="fewer than 16 pixels"),
        pytest.param(filled(noise(1000, 2000), HOLE, 65535), id="saturated objects"),
        pytest.param(filled(noise(60, 90, "uint8"), HOLE, 255), id="bright objects"),
        pytest.param(filled(noise(150, 220, "uint8"), HOLE, 0), id="dark objects"),
        pytest.param(filled(noise(180, 220, "uint8"), ~HOLE, 0), id="objects on black"),
        pytest.param(filled(noise(20, 60, "uint8"), ~HOLE, 255), id="objects on white"),
        pytest.param(filled(noise(0, 4000), BORDER, 0), id="black next to nearly black"),
        pytest.param(filled(np.full((3, SIDE, SIDE), 200, "uint8"), BORDER, 0), id="two values"),
        pytest.param(np.full((3, SIDE, SIDE), 7, "uint8"), id="one value"),
        pytest.param(filled(noise(40, 60), HOLE, 220), id="objects of one brightness"),
        pytest.param(noise(-1, 1, "float32"), id="an index from -1 to 1"),
    ],
)
def test_what_may_be_a_measurement_is_kept(image):
    raster = read_raster(tiff(image), "a.tif")
    assert raster.valid.all()
    assert raster.notes == ()


@pytest.mark.parametrize("folder", ["ships", "trees", "nuclei", "planes", "cars", "road_damage", "buildings_banepa"])
def test_real_imagery_has_no_fill_values(shared_data: Path, folder):
    files = sorted((shared_data / folder / "images").iterdir())
    assert {path.name: read_raster(path, path.name).notes for path in files if read_raster(path, path.name).notes} == {}


@pytest.mark.parametrize("key", sorted(BUILTIN))
def test_built_in_scenes_have_no_fill_values(key):
    for scene in builtin_dataset(key).scenes:
        assert read_raster(png(np.ascontiguousarray(scene.image.transpose(1, 2, 0))), scene.name).notes == ()
