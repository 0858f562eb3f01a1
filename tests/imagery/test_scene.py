from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.scene import IGNORE, Raster, Scene, make_scene
from tests.imagery.encoders import photo

BANDS = ("red", "green", "blue")
LABEL = np.zeros((16, 12), dtype=np.uint8)
LABEL[2:6, 2:6] = 1


def test_invalid_pixels_become_ignore():
    valid = np.ones(LABEL.shape, dtype=bool)
    valid[:3, :3] = False
    raster = Raster("a", photo(*LABEL.shape), valid, BANDS)
    scene = make_scene(raster, LABEL)
    np.testing.assert_array_equal(scene.label, np.where(valid, LABEL, IGNORE))
    np.testing.assert_array_equal(scene.valid, valid)
    assert make_scene(replace(raster, valid=np.ones_like(valid)), LABEL).valid is None, "all are valid"
    assert scene.size == (16, 12)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (LABEL[:8, :7], "a: the mask is 7×8 pixels, its image 12×16"),
        (np.full_like(LABEL, IGNORE), "a: every pixel is ignored"),
    ],
)
def test_a_label_that_does_not_fit_its_image_is_refused(label, message):
    raster = Raster("a", photo(*LABEL.shape), np.ones(LABEL.shape, dtype=bool), BANDS)
    with pytest.raises(InputError, match=message):
        make_scene(raster, label)


def test_pixel_counts_leave_out_ignored_pixels():
    label = LABEL.copy()
    label[0] = IGNORE
    scene = Scene("a", photo(*label.shape), label, BANDS)
    assert scene.pixel_counts(3).tolist() == [16 * 12 - 12 - 16, 16, 0]
