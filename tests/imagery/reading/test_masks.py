import numpy as np
import pytest
from PIL import Image

from explorer.errors import InputError
from explorer.imagery.reading.masks import MaskKind, read_mask
from tests.imagery.encoders import geotiff, palette_png, photo, picture, png, shortly, tiff

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

INDEX = np.array([[0, 0, 1], [3, 3, 1]])


def ids(*values):
    """The index image with other values in place of 0, 1 and 3."""
    return np.array([values[0], values[1], 0, values[2]])[INDEX]


@pytest.mark.parametrize(
    ("data", "kind", "keys", "colours"),
    [
        (png(INDEX.astype("uint8")), MaskKind.VALUES, (0, 1, 3), ()),
        (tiff(INDEX[None].astype("float32")), MaskKind.VALUES, (0, 1, 3), ()),
        (
            palette_png(INDEX.astype("uint8"), [(0, 0, 0), (0, 0, 255), (9, 9, 9), (255, 128, 0)]),
            MaskKind.VALUES,
            (0, 1, 3),
            ("#000000", "#0000ff", "#ff8000"),
        ),
        (
            png(np.array([(0, 0, 0), (0, 0, 255), (9, 9, 9), (255, 128, 0)], dtype=np.uint8)[INDEX]),
            MaskKind.COLOURS,
            ("#000000", "#0000ff", "#ff8000"),
            (),
        ),
    ],
    ids=["PNG", "float TIFF", "palette", "colours"],
)
def test_a_mask_is_reduced_to_the_keys_that_occur(data, kind, keys, colours):
    mask = read_mask(data, "a")
    assert (mask.kind, mask.keys, mask.colours) == (kind, keys, colours)
    np.testing.assert_array_equal(mask.index, np.searchsorted([0, 1, 3], INDEX))
    assert mask.counts().tolist() == [2, 2, 2]
    assert not mask.ignored.any()


def test_nodata_is_ignored_and_not_counted():
    mask = read_mask(tiff(ids(-1, 0, 7)[None].astype("int16"), nodata=-1), "a")
    np.testing.assert_array_equal(mask.ignored, INDEX == 0)
    assert dict(zip(mask.keys, mask.counts().tolist(), strict=True)) == {0: 2, 7: 2}


def test_up_to_65536_values_are_read_as_ids_of_objects():
    codes = np.arange(65_536, dtype="uint16").reshape(1, 256, 256)
    mask = read_mask(tiff(codes), "a")
    assert mask.keys[-1] == 65_535
    np.testing.assert_array_equal(mask.index, codes[0])


def test_pixels_that_the_file_declares_nodata_are_kept_apart():
    mask = read_mask(tiff(ids(-9999, 0, 7)[None].astype("float32"), nodata=-9999), "a")
    np.testing.assert_array_equal(mask.nodata, INDEX == 0)
    assert read_mask(png(INDEX.astype("uint8")), "a").nodata is None


def test_a_colour_is_nodata_only_in_all_bands():
    white, red = (255, 255, 255), (255, 0, 0)
    bands = np.array([(0, 0, 0), white, (9, 9, 9), red], dtype=np.uint8)[INDEX].transpose(2, 0, 1)
    mask = read_mask(tiff(bands, nodata=255), "a")
    np.testing.assert_array_equal(mask.ignored, INDEX == 1)
    assert "#ff0000" in mask.keys


def test_a_grey_jpeg_is_read_and_marked_as_lossy():
    square = np.zeros((32, 32), dtype=np.uint8)
    square[8:24, 8:24] = 255
    for mode in ("L", "RGB"):
        mask = read_mask(picture(Image.fromarray(square).convert(mode), "JPEG", quality=60), "a.jpg")
        values = np.array(mask.keys)[mask.index]
        assert mask.lossy
        assert mask.kind is MaskKind.VALUES
        np.testing.assert_array_equal(values > 127, square > 127)
    assert not read_mask(png(square), "a.png").lossy


def test_fractions_from_0_to_1_become_0_to_255_and_are_lossy():
    mask = read_mask(tiff(ids(0, 0.5, 1)[None].astype("float32")), "a")
    assert mask.keys == (0, 128, 255)
    assert mask.lossy
    assert [note.code for note in mask.notes] == ["smoothed_mask"]
    assert not read_mask(tiff(ids(0, 2, 1)[None].astype("float32")), "a").lossy


def test_the_georeference_and_the_own_turn_of_a_mask_are_read():
    mask = read_mask(geotiff(INDEX[None].astype("uint8")), "a")
    assert mask.georeference is not None
    assert mask.georeference.crs == "EPSG:32616"
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read_mask(png(INDEX.astype("uint8"), exif=exif), "a")
    assert turned.turned_by == 6
    np.testing.assert_array_equal(turned.index, np.rot90(np.searchsorted([0, 1, 3], INDEX), -1))


@pytest.mark.parametrize("value", [-1, -9999, -32768])
def test_a_single_negative_value_is_nodata_with_a_note(value):
    mask = read_mask(tiff(ids(0, 1, value)[None].astype("int16")), "a")
    np.testing.assert_array_equal(mask.nodata, INDEX == 3)
    assert mask.keys == (0, 1)
    assert [note.code for note in mask.notes] == ["fill_value"]


def test_nodata_of_0_is_background():
    mask = read_mask(tiff(INDEX[None].astype("uint8"), nodata=0), "a")
    assert not mask.ignored.any()
    assert mask.keys == (0, 1, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (picture(Image.new("RGB", (16, 16), (255, 128, 0)), "JPEG"), "a JPEG in colour cannot be a mask"),
        (tiff(np.arange(65_537, dtype="uint32").reshape(1, 1, -1)), "65,537 different values"),
        (png(np.ascontiguousarray(photo(300, 300).transpose(1, 2, 0))), "different colours"),
        (tiff(ids(0, 0.5, 1.5)[None].astype("float32")), "fractions"),
        (tiff(ids(-0.5, 0, 1)[None].astype("float32")), "fractions"),
        (tiff(ids(-2, 1, -1)[None].astype("int16")), "values from -2 to 1"),
        (tiff(ids(0, 1, 2**30)[None].astype("uint32")), "values from 0 to"),
        (tiff(photo(bands=2)), "2 bands of uint8: not a mask"),
        (tiff(photo(dtype="uint16")), "3 bands of uint16: not a mask"),
    ],
    ids=shortly,
)
def test_what_is_not_a_mask_is_refused_with_the_reason(data, message):
    with pytest.raises(InputError, match=message) as caught:
        read_mask(data, "bad.png")
    assert caught.value.where == "bad.png"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("values", "keys", "ignored"),
    [([0, 1, 65535], (0, 1), 1), ([0, 0, 65535], (0, 65535), 0), ([0, 300, 65535], (0, 300, 65535), 0)],
    ids=["beside ids", "as the object", "beside numbers of objects"],
)
def test_65535_is_ignored_beside_ids(values, keys, ignored):
    mask = read_mask(tiff(np.array([[values]], dtype=np.uint16)), "a")
    assert mask.keys == keys
    assert mask.ignored.sum() == ignored
    assert [note.code for note in mask.notes] == ["fill_value"] * ignored
