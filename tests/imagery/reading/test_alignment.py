import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform_bounds

from explorer.errors import InputError
from explorer.imagery.reading.alignment import align
from explorer.imagery.reading.masks import Mask, MaskKind
from explorer.imagery.reading.regridding import turned
from explorer.imagery.scene import GeoReference, Raster

UTM, OTHER_UTM, DEGREES = "EPSG:32633", "EPSG:32632", "EPSG:4326"
WEST, NORTH = 500_000.0, 5_000_000.0
HEIGHT, WIDTH = 60, 80

TRUTH = np.zeros((HEIGHT, WIDTH), dtype=np.uint16)
TRUTH[10:30, 20:50] = 1
TRUTH[40:44, 60:70] = 2


def place(a=1.0, e=-1.0, west=WEST, north=NORTH, crs=UTM, b=0.0, d=0.0):
    return GeoReference(crs, (a, b, west, d, e, north))


def image(georeference=None, shape=(HEIGHT, WIDTH), orientation=1):
    return Raster(
        "image.tif", np.zeros((1, *shape), np.uint8), np.ones(shape, bool), ("grey",), georeference, orientation
    )


def mask_of(index, georeference=None, **fields):
    index = np.asarray(index, dtype=np.uint16)
    keys = tuple(range(int(index.max()) + 1))
    return Mask(
        "mask.tif", MaskKind.VALUES, keys, index, np.zeros(index.shape, bool), georeference=georeference, **fields
    )


def codes(mask):
    return [note.code for note in mask.notes]


def crossing(array, dx, dy):
    """What lies at (x + dx, y + dy), and which pixels have something there."""
    result, covered = np.zeros_like(array), np.zeros(array.shape, bool)
    rows, columns = (slice(max(0, -by), n - max(0, by)) for by, n in ((dy, HEIGHT), (dx, WIDTH)))
    source_rows, source_columns = slice(max(0, dy), HEIGHT + min(0, dy)), slice(max(0, dx), WIDTH + min(0, dx))
    result[rows, columns] = array[source_rows, source_columns]
    covered[rows, columns] = True
    return result, covered


@pytest.mark.parametrize(
    ("own", "target"),
    [
        pytest.param(place(), place(), id="equal georeferences"),
        pytest.param(place(west=WEST + 0.2), place(), id="a fifth of a pixel apart"),
        pytest.param(None, place(), id="a mask without georeference"),
        pytest.param(place(), None, id="an image without georeference"),
        pytest.param(place(a=1, e=1, west=0, north=0, crs=None), place(), id="a mask that counts pixels"),
        pytest.param(place(a=1, e=-1, west=0, north=HEIGHT, crs=None), place(), id="a mask that counts pixels upwards"),
        pytest.param(place(a=1, e=1, west=0, north=0), place(), id="a mask with a system but no place"),
        pytest.param(None, None, id="no georeferences"),
    ],
)
def test_a_mask_of_the_same_grid_is_taken_as_it_is(own, target):
    aligned = align(mask_of(TRUTH, own), image(target))
    np.testing.assert_array_equal(aligned.index, TRUTH)
    assert not aligned.ignored.any()
    assert codes(aligned) == []


@pytest.mark.parametrize(
    ("dx", "dy", "words"),
    [
        (20, 0, "20.0 px east"),
        (-7, 0, "7.0 px west"),
        (0, 3, "3.0 px south"),
        (5, -2, "5.0 px east and 2.0 px north"),
    ],
)
def test_a_shifted_mask_is_laid_where_its_georeference_says(dx, dy, words):
    expected, covered = crossing(TRUTH, -dx, -dy)
    aligned = align(mask_of(TRUTH, place(west=WEST + dx, north=NORTH - dy)), image(place()))
    np.testing.assert_array_equal(aligned.index, expected)
    np.testing.assert_array_equal(aligned.ignored, ~covered)
    assert aligned.georeference == place()
    assert codes(aligned) == ["mask_reprojected"]
    text = aligned.notes[0].text
    assert f"its upper left corner lies {words} of the image's" in text
    assert f"{(~covered).sum():,} px of the image are not covered" in text


def test_everything_of_a_mask_moves_together_and_uncovered_pixels_are_ignored_but_not_nodata():
    nodata = TRUTH == 2
    objects = TRUTH.astype(np.int32) * 1000
    mask = Mask(
        "m",
        MaskKind.VALUES,
        (0, 1, 2),
        TRUTH,
        nodata,
        nodata=nodata,
        georeference=place(west=WEST + 4),
        objects=objects,
    )
    aligned = align(mask, image(place()))
    expected, covered = crossing(TRUTH, -4, 0)
    np.testing.assert_array_equal(aligned.objects, expected.astype(np.int32) * 1000)
    np.testing.assert_array_equal(aligned.nodata, expected == 2)
    np.testing.assert_array_equal(aligned.ignored, (expected == 2) | ~covered)


HALF = TRUTH[::2, ::2]


@pytest.mark.parametrize(
    ("index", "own", "words"),
    [
        pytest.param(HALF, place(a=2, e=-2), "its pixels are 2×2 of the image's", id="half the resolution"),
        pytest.param(
            TRUTH.repeat(2, 0).repeat(2, 1), place(a=0.5, e=-0.5), "its pixels are 0.5×0.5", id="twice the resolution"
        ),
        pytest.param(TRUTH[::-1], place(e=1, north=NORTH - HEIGHT), "its rows run the other way", id="south up"),
        pytest.param(
            np.pad(TRUTH, ((10, 20), (30, 40))),
            place(west=WEST - 30, north=NORTH + 10),
            "30.0 px west and 10.0 px north of the image's; it is 150×90 pixels, the image 80×60",
            id="a larger extent",
        ),
        pytest.param(
            np.rot90(TRUTH), place(a=0, b=-1, d=-1, e=0, west=WEST + WIDTH), "warped", id="turned by a quarter"
        ),
    ],
)
def test_a_mask_on_another_grid_is_warped_onto_the_image(index, own, words):
    aligned = align(mask_of(index, own), image(place()))
    np.testing.assert_array_equal(aligned.index, TRUTH)
    assert not aligned.ignored.any()
    assert codes(aligned) == ["mask_reprojected"]
    assert words in aligned.notes[0].text


@pytest.mark.parametrize("crs", [OTHER_UTM, DEGREES, CRS.from_epsg(3035).to_wkt()])
def test_a_mask_in_another_system_lands_within_a_pixel(crs):
    west, south, east, north = transform_bounds(
        CRS.from_epsg(32633), CRS.from_user_input(crs), WEST - 40, NORTH - HEIGHT - 40, WEST + WIDTH + 40, NORTH + 40
    )
    size = 640  # finer than the image
    step_x, step_y = (east - west) / size, (north - south) / size
    own = place(a=step_x, e=-step_y, west=west, north=north, crs=crs)
    there = align(mask_of(TRUTH, place()), image(own, (size, size)))
    back = align(mask_of(there.index, own), image(place()))
    assert (back.index != TRUTH).sum() <= 8  # pixels at edges, which are 156 px long
    assert not back.ignored.any()
    assert "it is in " in back.notes[0].text


@pytest.mark.parametrize("side", ["mask", "image"])
def test_a_missing_system_is_assumed_to_be_the_others(side):
    own, target = place(west=WEST + 2), place()
    own, target = (
        (GeoReference(None, own.transform), target) if side == "mask" else (own, GeoReference(None, target.transform))
    )
    aligned = align(mask_of(TRUTH, own), image(target))
    np.testing.assert_array_equal(aligned.index, crossing(TRUTH, -2, 0)[0])
    assert codes(aligned) == ["crs_assumed", "mask_reprojected"]
    assert f"The {side} has no coordinate reference system" in aligned.notes[0].text


def test_a_mask_that_does_not_overlap_is_refused_with_both_extents():
    with pytest.raises(InputError) as caught:
        align(mask_of(TRUTH, place(west=WEST + 1000)), image(place()))
    text = str(caught.value)
    assert "EPSG:32633" in text
    assert "x 501000 to 501080, y 4999940 to 5000000" in text
    assert "x 500000 to 500080, y 4999940 to 5000000" in text


@pytest.mark.parametrize(
    "own",
    [
        place(crs="EPSG:999999"),
        place(west=1e300),
        place(crs=DEGREES),
        place(a=1e-300, e=-1e-300),
        place(west=-1e300, crs="EPSG:3857"),  # PROJ and GDAL would work on these without end
        place(a=1e300, e=-1e300),
        place(a=np.nan),
    ],
)
def test_coordinates_that_cannot_be_converted_are_an_input_error(own):
    with pytest.raises(InputError):
        align(mask_of(TRUTH, own), image(place()))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_unturned_size_is_turned_like_its_photo(orientation):
    photo = image(shape=(WIDTH, HEIGHT), orientation=orientation)
    for index in (TRUTH, HALF):
        aligned = align(mask_of(index), photo)
        expected = turned(index, orientation)
        if index is HALF:
            expected = expected.repeat(2, 0).repeat(2, 1)
        np.testing.assert_array_equal(aligned.index, expected)
        assert codes(aligned)[0] == "mask_turned"


def test_a_mask_of_the_turned_size_is_not_turned_again():
    photo = image(shape=(WIDTH, HEIGHT), orientation=6)
    for turn in (False, True):
        aligned = align(mask_of(TRUTH.T), photo, turn)
        np.testing.assert_array_equal(aligned.index, TRUTH.T)
        assert codes(aligned) == []


@pytest.mark.parametrize(("orientation", "index"), [(3, TRUTH), (2, TRUTH), (4, TRUTH), (6, TRUTH[:, :HEIGHT])])
def test_where_sizes_cannot_tell_the_visitor_is_asked(orientation, index):
    photo = image(shape=index.shape, orientation=orientation)
    asked = align(mask_of(index), photo)
    np.testing.assert_array_equal(asked.index, index)
    assert codes(asked) == ["mask_may_be_turned"]
    chosen = align(mask_of(index), photo, turn=True)
    np.testing.assert_array_equal(chosen.index, turned(index, orientation))
    assert codes(chosen) == ["mask_turned"]
    own_exif = align(mask_of(index, turned_by=orientation), photo)
    assert codes(own_exif) == []


@pytest.mark.parametrize("scale", [2, 3])
def test_a_mask_of_the_same_aspect_is_resampled_with_both_sizes(scale):
    aligned = align(mask_of(TRUTH.repeat(scale, 0).repeat(scale, 1)), image())
    np.testing.assert_array_equal(aligned.index, TRUTH)
    assert codes(aligned) == ["mask_resampled"]
    assert f"{80 * scale}×{60 * scale} pixels, its image 80×60" in aligned.notes[0].text
    np.testing.assert_array_equal(align(mask_of(HALF), image()).index, HALF.repeat(2, 0).repeat(2, 1))


def test_a_size_that_was_rounded_counts_as_the_same_aspect():
    assert codes(align(mask_of(np.zeros((20, 27))), image())) == ["mask_resampled"]  # 80 ÷ 3 = 26.7


@pytest.mark.parametrize("shape", [(60, 90), (80, 60), (60, 60), (1, 80)])
def test_a_mask_of_another_aspect_is_refused_with_both_sizes(shape):
    message = f"the mask is {shape[1]}×{shape[0]} pixels, its image 80×60"
    with pytest.raises(InputError, match=message):
        align(mask_of(np.zeros(shape)), image())
