import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.imagery.scene import IGNORE, Scene
from explorer.imagery.stretch import fit_stretch, stretched


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
