import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.imagery.stretch import fit_stretch, outside_stretch, stretch_scene, stretched


def scene(image, label=None):
    image = np.asarray(image)
    label = np.zeros(image.shape[1:], dtype=np.uint8) if label is None else label
    return Scene("s", image, label, tuple(map(str, range(len(image)))))


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(["uint8", "int16", "uint16", "uint32", "float32", "float64"]))
def test_a_stretched_image_is_finite_and_between_0_and_1(data, dtype):
    image = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6)))
    result = stretched(image, fit_stretch([scene(image)]))
    assert result.dtype == np.float32
    assert result.shape == image.shape
    assert np.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1


def test_values_map_linearly_between_the_percentiles():
    image = np.linspace(0, 1000, 100 * 100).reshape(1, 100, 100)
    stretch = fit_stretch([scene(image)])
    assert stretch.low == pytest.approx((5.0,))
    assert stretch.high == pytest.approx((995.0,))
    np.testing.assert_allclose(stretched(image, stretch), np.clip((image - 5) / 990, 0, 1), atol=1e-6)


def test_a_few_outliers_do_not_squeeze_the_rest():
    image = np.random.default_rng(0).normal(100, 10, (1, 100, 100))
    image[0, 0, :3] = 1e6
    assert fit_stretch([scene(image)]).high[0] < 150


def test_ignored_pixels_do_not_count():
    image = np.full((1, 20, 20), -9999.0)
    image[0, 5:15, 5:15] = np.linspace(0, 1, 100).reshape(10, 10)
    label = np.full((20, 20), IGNORE, dtype=np.uint8)
    label[5:15, 5:15] = 0
    stretch = fit_stretch([scene(image, label)])
    assert 0 <= stretch.low[0] < stretch.high[0] <= 1


@pytest.mark.parametrize("value", [0.0, 7.0, -3.5, 1e18, -1e30])
def test_a_constant_band_becomes_0(value):
    image = np.full((1, 6, 6), value)
    assert (stretched(image, fit_stretch([scene(image)])) == 0).all()


def test_a_band_with_rare_values_keeps_them():
    image = np.zeros((1, 100, 100), dtype=np.uint16)
    image[0, 3, 4] = 500
    assert stretched(image, fit_stretch([scene(image)]))[0, 3, 4] == 1


def test_large_offsets_do_not_cost_precision():
    image = 1e9 + np.linspace(0, 1, 400).reshape(1, 20, 20)
    result = stretched(image, fit_stretch([scene(image)]))
    assert len(np.unique(result)) > 390


def test_the_stretch_covers_all_scenes():
    dark, bright = np.zeros((1, 50, 50)), np.full((1, 50, 50), 10.0)
    stretch = fit_stretch([scene(dark), scene(bright)])
    assert (stretch.low, stretch.high) == ((0.0,), (10.0,))


def test_a_scene_stretched_by_itself_uses_16_bits_and_only_valid_pixels():
    image = np.stack([np.linspace(0, 1000, 10_000), np.linspace(5, 6, 10_000)]).reshape(2, 100, 100)
    image[:, :10] = -9999
    valid = np.ones((100, 100), dtype=bool)
    valid[:10] = False
    result = stretch_scene(image, valid)
    assert result.dtype == np.uint16
    for band in result[:, valid]:
        assert band[0] == 0
        assert band[-1] == 65535
        assert band[len(band) // 2] == pytest.approx(65535 / 2, rel=0.001)


def test_scenes_of_other_brightness_are_equal_once_stretched_by_themselves():
    image = np.random.default_rng(0).integers(1000, 2000, (1, 50, 50))
    valid = np.ones((50, 50), dtype=bool)
    dark, bright = stretch_scene(image, valid), stretch_scene(image * 10, valid)
    np.testing.assert_array_equal(dark, bright)


BYTES = np.random.default_rng(0).integers(40, 220, (3, 40, 40))  # as of 8 bits
ON_BYTES, ON_16_BITS = Stretch((40,) * 3, (220,) * 3), Stretch((1600,) * 3, (8800,) * 3)


@pytest.mark.parametrize(
    ("image", "trained", "ranges"),
    [
        (BYTES.astype("uint8"), ON_BYTES, None),
        ((BYTES * 40).astype("uint16"), ON_16_BITS, None),
        ((BYTES * 40).astype("uint16"), ON_BYTES, ("87", "40 to 220")),
        ((BYTES * 4).astype("uint16"), ON_BYTES, ("87", "40 to 220")),
        (BYTES.astype("uint8"), ON_16_BITS, ("21", "1600 to 8800")),
        (BYTES.astype("uint8"), Stretch((0,) * 3, (3000,) * 3), ("21", "0 to 3000")),
        (BYTES.astype("uint16"), ON_16_BITS, ("21", "1600 to 8800")),
        ((BYTES / 255).astype("float32"), ON_BYTES, ("0.8", "40 to 220")),
        ((BYTES / 255).astype("float32"), ON_16_BITS, ("0.8", "1600 to 8800")),
        (BYTES.astype("uint8"), Stretch((0.1,) * 3, (0.9,) * 3), ("21", "0.1 to 0.9")),
        ((BYTES * 0.6).astype("uint8"), ON_BYTES, None),  # a dark scene
        (np.minimum(BYTES * 1.4, 255).astype("uint8"), ON_BYTES, None),  # a bright scene
        (np.full((3, 9, 9), 60, "uint8"), ON_BYTES, None),  # calm water
        (np.full((3, 9, 9), 1900, "uint16"), ON_16_BITS, None),
        (np.full((3, 9, 9), np.nan), ON_BYTES, None),
    ],
)
def test_an_image_that_cannot_be_of_the_runs_kind_is_named_with_both_ranges(image, trained, ranges):
    found = outside_stretch(image, np.ones(image.shape[1:], dtype=bool), trained)
    assert (found is None) == (ranges is None)
    for words in ranges or ():
        assert words in found


def test_invalid_pixels_are_not_outside_the_stretch():
    image = BYTES.astype("int32")
    image[:, :30] = -9999
    valid = np.ones((40, 40), dtype=bool)
    valid[:30] = False
    assert outside_stretch(image, valid, ON_BYTES) is None
