import io
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps
from rasterio.enums import ColorInterp

from explorer.errors import InputError
from explorer.imagery.reading.masks import read_mask
from explorer.imagery.reading.raster import read_raster
from explorer.settings import Settings
from tests.imagery.encoders import geotiff, oriented_tiff, palette_png, photo, picture, png, shortly, tiff

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

SIZES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
TIFF_TYPES = st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
RGB_ALPHA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)

GREY = photo(bands=1)[0]
RGB = photo().transpose(1, 2, 0)
DEEP = photo(bands=1, dtype="uint16")[0]
GOOD = {
    "grey.png": png(GREY),
    "colour.png": png(np.ascontiguousarray(RGB)),
    "deep.png": png(DEEP),
    "deep_colour.png": tiff(photo(dtype="uint16"), driver="PNG"),
    "palette.png": palette_png(GREY % 2, [(0, 0, 0), (255, 128, 0)]),
    "photo.jpg": picture(Image.fromarray(np.ascontiguousarray(RGB)), "JPEG"),
    "five.tif": tiff(photo(bands=5, dtype="uint16"), compress="deflate"),
    "plain.tif": tiff(photo(64, 64)),
    "lzw.tif": tiff(photo(64, 64, dtype="uint16"), compress="lzw", tiled=True, blockxsize=16, blockysize=16),
    "geo.tif": geotiff(photo(bands=2)),
}


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 16), SIZES, TIFF_TYPES, st.sampled_from([None, "deflate", "lzw"]))
def test_a_tiff_is_read_exactly(data, bands, size, dtype, compress):
    finite = {"allow_nan": False, "allow_infinity": False} if dtype.startswith("float") else {}
    array = data.draw(hnp.arrays(dtype, (bands, *size), elements=hnp.from_dtype(np.dtype(dtype), **finite)))
    raster = read_raster(tiff(array, compress=compress, photometric="minisblack"), "a.tif")
    np.testing.assert_array_equal(raster.image, array)
    assert raster.image.dtype == array.dtype
    assert raster.valid.all()
    assert len(raster.bands) == bands


@settings(max_examples=40, deadline=None)
@given(st.data(), SIZES, st.sampled_from([("uint8", 1), ("uint8", 3), ("uint16", 1), ("uint16", 3)]))
def test_a_png_is_read_exactly(data, size, kind):
    dtype, bands = kind
    array = data.draw(hnp.arrays(dtype, (bands, *size)))
    raster = read_raster(tiff(array, driver="PNG"), "a.png")
    np.testing.assert_array_equal(raster.image, array)
    assert raster.image.dtype == array.dtype
    assert raster.bands == (("grey",) if bands == 1 else ("red", "green", "blue"))


@settings(max_examples=120, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0"]),
)
def test_random_bytes_raise_nothing_but_input_errors(noise, start):
    for read in (read_raster, read_mask):
        with pytest.raises(InputError, match="noise"):
            read(start + noise, "noise")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.floats(0, 1, exclude_max=True), st.binary(max_size=4))
def test_a_damaged_file_is_read_or_refused_but_never_breaks_the_reader(name, place, damage):
    good = GOOD[name]
    position = int(place * len(good))
    for bad in (good[:position], good[:position] + damage + good[position + len(damage) :]):
        for read in (read_raster, read_mask):
            with suppress(InputError):
                assert read(bad, name).name == name


@pytest.mark.parametrize("name", sorted(GOOD))
def test_half_a_file_is_reported_as_truncated(name):
    with pytest.raises(InputError, match="unreadable or truncated"):
        read_raster(GOOD[name][: len(GOOD[name]) // 2], name)


def test_band_names_come_from_the_file():
    named = tiff(photo(bands=3, dtype="uint16"), names=("B02", "B03", "B08"))
    assert read_raster(named, "a.tif").bands == ("B02", "B03", "B08")
    assert read_raster(tiff(photo(bands=2)), "a.tif").bands == ("band 1", "band 2")
    assert read_raster(tiff(photo(bands=3), photometric="RGB"), "a.tif").bands == ("red", "green", "blue")


def test_georeference_is_kept():
    georeference = read_raster(GOOD["geo.tif"], "geo.tif").georeference
    assert georeference is not None
    assert georeference.crs == "EPSG:32616"
    assert georeference.transform == (1.0, 0.0, 500_000.0, 0.0, -1.0, 3_700_000.0)
    assert read_raster(GOOD["plain.tif"], "plain.tif").georeference is None


def with_alpha(mode, alpha):
    image = Image.fromarray(np.ascontiguousarray(RGB)).convert(mode.removesuffix("A"))
    image.putalpha(Image.fromarray(alpha))
    return picture(image)


HOLE = np.zeros(GREY.shape, dtype=bool)
HOLE[2:5, 3:7] = True
OPAQUE = np.where(HOLE, 0, 255).astype(np.uint8)
FLOAT = photo(bands=2).astype("float32")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_alpha("RGBA", OPAQUE), id="PNG with alpha"),
        pytest.param(with_alpha("LA", OPAQUE), id="grey PNG with alpha"),
        pytest.param(
            png(np.where(HOLE, 7, GREY // 2 + 8).astype(np.uint8), transparency=7), id="PNG with a clear grey"
        ),
        pytest.param(
            palette_png(HOLE.astype(np.uint8), [(9, 9, 9), (0, 0, 0)], transparency=1),
            id="PNG with a clear index",
        ),
        pytest.param(tiff(np.where(HOLE, 0, photo() // 2 + 1).astype(np.uint8), nodata=0), id="nodata"),
        pytest.param(tiff(photo(), mask=~HOLE), id="TIFF with its own mask"),
        pytest.param(tiff(np.where(HOLE, np.nan, FLOAT).astype("float32")), id="NaN"),
        pytest.param(tiff(np.where(HOLE, np.inf, FLOAT).astype("float32")), id="infinity"),
        pytest.param(tiff(np.where(HOLE, -9999, FLOAT).astype("float32"), nodata=-9999), id="float nodata"),
        pytest.param(tiff(np.concatenate([photo(), OPAQUE[None]]), interpretation=RGB_ALPHA), id="TIFF with alpha"),
    ],
)
def test_pixels_without_data_are_not_valid(data):
    raster = read_raster(data, "a")
    np.testing.assert_array_equal(raster.valid, ~HOLE)
    assert len(raster.image) in (1, 2, 3), "the alpha channel is not a band"


@pytest.mark.parametrize(
    ("dtype", "nodata", "pixels", "valid"),
    [
        ("uint8", 0, [(0, 30, 40), (0, 0, 0), (50, 60, 70)], [True, False, True]),
        ("uint8", 255, [(255, 240, 230), (255, 255, 255), (255, 255, 254)], [True, False, True]),
        ("float32", np.nan, [(np.nan, 1, 2), (np.nan, np.nan, np.nan), (1, 2, 3)], [True, False, True]),
        ("float32", -9999, [(-9999, 1, 2), (-9999, np.nan, np.inf), (-9999, -9999, -9999)], [True, False, False]),
        ("float32", None, [(np.inf, 1, 2), (np.nan, np.inf, -np.inf), (1, 2, 3)], [True, False, True]),
    ],
)
def test_a_pixel_is_not_valid_only_if_no_band_has_a_value(dtype, nodata, pixels, valid):
    bands = np.array([pixels], dtype=dtype).transpose(2, 0, 1)  # (3, 1, n)
    raster = read_raster(tiff(bands, nodata=nodata), "a.tif")
    assert raster.valid[0].tolist() == valid


def test_nodata_in_one_band_does_not_flatten_the_stretch():
    bands = np.random.default_rng(0).integers(100, 900, (2, 20, 20)).astype("int16")
    bands[0, 3:9] = -9999
    raster = read_raster(tiff(bands, nodata=-9999), "a.tif")
    assert raster.valid.all()
    assert (raster.image[0, 3:9] == raster.image[0].min()).all()
    assert raster.image.min() >= 100
    roofs = np.where(bands < 0, 901, bands)  # near the other values: data
    np.testing.assert_array_equal(read_raster(tiff(roofs, nodata=901), "a.tif").image, roofs)


def test_a_fourth_band_that_is_marked_as_alpha_but_holds_data_is_kept():
    raster = read_raster(tiff(photo(bands=4), interpretation=RGB_ALPHA), "naip.tif")
    assert raster.bands == ("red", "green", "blue", "band 4")
    assert raster.valid.all()


def test_a_palette_becomes_colours():
    raster = read_raster(GOOD["palette.png"], "palette.png")
    assert raster.image.shape == (3, 12, 10)
    assert {tuple(colour) for colour in raster.image.reshape(3, -1).T.tolist()} == {(0, 0, 0), (255, 128, 0)}
    as_tiff = tiff((GREY % 2)[None], colours={0: (0, 0, 0), 1: (255, 128, 0)})
    np.testing.assert_array_equal(read_raster(as_tiff, "palette.tif").image, raster.image)


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    wide = Image.fromarray(np.zeros((4, 9, 3), dtype=np.uint8))
    assert read_raster(picture(wide, "JPEG", exif=exif), "phone.jpg").image.shape == (3, 9, 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_files_are_turned_alike(orientation):
    pixels = np.arange(0, 240, 20, dtype=np.uint8).reshape(3, 4)
    exif = Image.Exif()
    exif[0x0112] = orientation
    deep = np.stack([pixels] * 3).astype("uint16") * 257
    turned = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(png(pixels, exif=exif)))))
    files = {
        "png": png(pixels, exif=exif),
        "tiff": oriented_tiff(pixels, orientation),
        "bigtiff": oriented_tiff(pixels, orientation, big_tiff=True),
        "deep png": with_exif(tiff(deep, driver="PNG"), exif),
    }
    for name, data in files.items():
        raster = read_raster(data, name)
        assert raster.orientation == orientation, name
        np.testing.assert_array_equal(raster.image[0] // (257 if name == "deep png" else 1), turned, err_msg=name)


def with_exif(data, exif):
    """A PNG with an eXIf chunk before its pixels."""
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = b"eXIf" + content
    chunk = len(content).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]


def test_a_georeferenced_image_is_not_turned():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    world = {"a.tfw": b"1\n0\n0\n-1\n500000.5\n3999999.5"}
    raster = read_raster(oriented_tiff(pixels, 6), "a.tif", companions=world)
    np.testing.assert_array_equal(raster.image[0], pixels)
    assert raster.orientation == 1


def test_a_scene_may_have_another_name_than_its_file():
    assert read_raster(GOOD["grey.png"], "folder/grey.png", scene="grey").name == "grey"


BOMB = picture(Image.new("1", (20_000, 20_000)))


@pytest.mark.parametrize(
    ("data", "limits", "message"),
    [
        (b"", {}, "empty"),
        (b"hello there", {}, "not a PNG, JPEG or TIFF"),
        (b'<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>', {}, "not a PNG, JPEG or TIFF"),
        (b'{"type": "FeatureCollection"}', {}, "a GeoJSON file, not an image"),
        (BOMB, {}, "too large"),
        (BOMB, {"max_pixels": 300_000_000}, "too large"),
        (GOOD["plain.tif"], {"max_pixels": 4095}, "too large .64×64 pixels, 3 bands"),
        (GOOD["five.tif"], {"max_values": 599}, "too large .* 599 values"),
        (GOOD["five.tif"], {"max_bands": 4}, "5 bands, at most 4"),
        (GOOD["five.tif"], {"max_file_bytes": 100}, "larger than"),
        (tiff(photo().astype("complex64")), {}, "complex"),
        (tiff(np.full((1, 4, 4), np.nan, dtype="float32")), {}, "no valid pixel"),
        (with_alpha("RGBA", np.zeros_like(OPAQUE)), {}, "no valid pixel"),
        (
            picture(Image.new("L", (4, 4)), "TIFF", save_all=True, append_images=[Image.new("L", (4, 4))]),
            {},
            "2 images",
        ),
    ],
    ids=shortly,
)
def test_an_unreadable_file_is_refused_with_the_reason(data, limits, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(InputError, match=message) as caught:
            read_raster(data, "bad.tif", Settings(**limits))
    assert caught.value.where == "bad.tif"
    assert caught.value.remedy


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_raster(tmp_path / "none.tif", "none.tif")


@pytest.mark.parametrize(
    ("path", "bands", "dtype"),
    [
        ("ships/images/klang.tif", ("B02", "B03", "B04", "B08", "B11"), "uint16"),
        ("trees/images/bishop_2020_3.tif", ("red", "green", "blue", "band 4"), "uint8"),
        ("trees/images/chico_2020_23.tif", ("red", "green", "blue", "band 4"), "uint8"),
        ("buildings/image.tif", ("grey",), "uint16"),
        ("nuclei/images/04acab7636c4cf61.png", ("red", "green", "blue"), "uint8"),
    ],
)
def test_real_imagery(shared_data, path, bands, dtype):
    raster = read_raster(shared_data / path, Path(path).name)
    assert raster.bands == bands
    assert raster.image.dtype == dtype
    assert raster.valid.all()
