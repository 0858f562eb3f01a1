import numpy as np
import pytest
from PIL import Image

from explorer.errors import InputError
from explorer.imagery.reading.masks import MaskKind, read_mask
from tests.imagery.encoders import palette_png, photo, picture, png, shortly, tiff

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


def test_nodata_of_0_is_background():
    mask = read_mask(tiff(INDEX[None].astype("uint8"), nodata=0), "a")
    assert not mask.ignored.any()
    assert mask.keys == (0, 1, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (picture(Image.new("L", (4, 4)), "JPEG"), "a JPEG cannot be a mask"),
        (png(photo(40, 40, 1)[0]), "different values, at most 16"),
        (png(np.ascontiguousarray(photo(40, 40).transpose(1, 2, 0))), "different colours, at most 16"),
        (tiff(ids(0, 0.5, 1)[None].astype("float32")), "fractions"),
        (tiff(ids(0, 1, -1)[None].astype("int16")), "values from -1 to 1"),
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
