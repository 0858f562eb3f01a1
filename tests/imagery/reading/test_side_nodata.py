import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.reading.masks import read_mask
from explorer.imagery.reading.raster import read_raster
from tests.imagery.encoders import png, tiff

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

IMAGE = np.arange(1, 37, dtype=np.uint8).reshape(3, 3, 4)
NODATA = (
    b'<PAMDataset><PAMRasterBand band="1"><NoDataValue>1</NoDataValue></PAMRasterBand>'
    b'<PAMRasterBand band="2"><NoDataValue>13</NoDataValue></PAMRasterBand>'
    b'<PAMRasterBand band="3"><NoDataValue>25</NoDataValue></PAMRasterBand></PAMDataset>'
)
ONE_BAND = b'<PAMDataset><PAMRasterBand band="1"><NoDataValue>1</NoDataValue></PAMRasterBand></PAMDataset>'


def mask_file(height=3, width=4):
    """A mask as GDAL writes it, without the first column."""
    valid = np.full((height, width), 255, np.uint8)
    valid[:, 0] = 0
    return tiff(valid[None])


@pytest.mark.parametrize(
    ("companions", "invalid"),
    [
        ({"x/a.tif.msk": mask_file()}, [(0, 0), (1, 0), (2, 0)]),
        ({"x/a.tif.aux.xml": NODATA}, [(0, 0)]),
        ({"x/a.tif.aux.xml": ONE_BAND}, []),
        ({"y/a.tif.msk": mask_file(), "x/b.tif.msk": mask_file()}, []),
        ({"x/a.tif.msk": b"of other software"}, []),
    ],
    ids=["mask", "nodata of each band", "nodata of one band of three", "of other images", "no TIFF"],
)
def test_files_beside_an_image_tell_where_it_has_no_data(companions, invalid):
    raster = read_raster(tiff(IMAGE), "x/a.tif", companions=companions)
    assert [tuple(map(int, each)) for each in np.argwhere(~raster.valid)] == invalid


def test_files_beside_a_mask_tell_which_pixels_are_ignored():
    ids = np.array([[0, 1, 1, 0]] * 3, dtype=np.uint8)
    masked = read_mask(png(ids), "a.png", companions={"a.png.msk": mask_file()})
    assert masked.ignored[:, 0].all()
    assert not masked.ignored[:, 1:].any()
    assert read_mask(png(ids), "a.png", companions={"a.png.aux.xml": ONE_BAND}).ignored.sum() == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [(mask_file(2, 4), "4×2 pixels, its image 4×3"), (mask_file()[:60], "unreadable or truncated mask")],
)
def test_a_mask_beside_an_image_that_does_not_fit_is_refused(content, message):
    with pytest.raises(InputError, match=message):
        read_raster(tiff(IMAGE), "a.tif", companions={"a.tif.msk": content})
