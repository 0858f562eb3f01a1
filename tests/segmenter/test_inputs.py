"""What a segmenter is given of a scene: channels, working scale, stretch; labels and objects at that scale."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.segmenter.inputs import InputSpec, prepared_image, prepared_scene

STRETCH = Stretch((0.0, 0.0), (100.0, 200.0))


def image(height: int = 8, width: int = 12) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.stack([random.uniform(0, 100, (height, width)), random.uniform(0, 200, (height, width))])


def scene(label: list[list[int]], objects: list[list[int]] | None = None) -> Scene:
    ids = np.array(label, dtype=np.uint8)
    drawn = None if objects is None else np.array(objects, dtype=np.int32)
    return Scene("a", np.zeros((2, *ids.shape)), ids, ("one", "two"), objects=drawn)


@pytest.mark.parametrize(
    ("spec", "channels"),
    [
        (InputSpec(), 2),
        (InputSpec(root=True), 2),
        (InputSpec(differences=True), 3),
        (InputSpec(contrast=True), 7),
        (InputSpec(differences=True, contrast=True, scale=0.5), 8),
    ],
)
def test_channels_and_size_are_as_announced(spec: InputSpec, channels: int) -> None:
    prepared = prepared_image(image(), STRETCH, spec)
    assert spec.channels(2) == channels
    assert prepared.shape == (channels, *spec.working_size((8, 12)))
    assert prepared.dtype == np.float32


def test_a_reduced_band_is_the_mean_over_the_area() -> None:
    values = image()
    reduced = prepared_image(values, STRETCH, InputSpec(scale=0.5))
    means = values[0].reshape(4, 2, 6, 2).mean((1, 3)) / 100
    np.testing.assert_allclose(reduced[0], means, atol=1e-6)


def test_root_and_difference_by_hand() -> None:
    flat = np.stack([np.full((4, 4), 25.0), np.full((4, 4), 50.0)])  # 0.25 of either range
    prepared = prepared_image(flat, STRETCH, InputSpec(root=True, differences=True))
    np.testing.assert_allclose(prepared[:, 0, 0], [0.5, 0.5, 0.5], atol=1e-6)  # no difference is in the middle
    bright = np.stack([np.full((4, 4), 100.0), np.zeros((4, 4))])
    assert prepared_image(bright, STRETCH, InputSpec(differences=True))[2, 0, 0] == pytest.approx(0.5 + 0.5 / 1.05)


def test_contrast_does_not_follow_a_gain_or_an_offset_of_the_scene() -> None:
    plain = np.tile(image(64, 64)[:1], (2, 1, 1)) * [[[1.0]], [[2.0]]]
    spec = InputSpec(contrast=True, object_size=6)
    first, second = (prepared_image(plain * gain + 5, STRETCH, spec)[2] for gain in (0.4, 0.8))
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(first - second)[inner].max() < 0.05


def test_a_scene_may_be_stretched_by_its_own_percentiles() -> None:
    dim = image(40, 40) * 0.1
    common, own = (prepared_image(dim, STRETCH, InputSpec(own_stretch=on)) for on in (False, True))
    assert common.max() <= 0.11
    assert (own.min(), own.max()) == (0.0, 1.0)
    brighter = prepared_image(dim * 5 + 20, STRETCH, InputSpec(own_stretch=True))
    np.testing.assert_allclose(own, brighter, atol=1e-5)


def test_pixels_without_data_do_not_count_for_the_own_stretch() -> None:
    bordered = np.full((2, 40, 60), -9999.0)
    bordered[:, :, :40] = 100 + image(40, 40)
    valid = bordered[0] != -9999.0
    spec = InputSpec(own_stretch=True)
    prepared = prepared_image(bordered, STRETCH, spec, valid)
    np.testing.assert_array_equal(prepared[:, :, :40], prepared_image(bordered[:, :, :40], STRETCH, spec))
    everywhere = prepared_image(bordered, STRETCH, spec, np.ones_like(valid))
    np.testing.assert_array_equal(everywhere, prepared_image(bordered, STRETCH, spec))


def test_a_label_takes_the_class_that_covers_most_of_a_pixel() -> None:
    given = scene(
        [[1, 1, 0, 0], [1, 0, 0, 2], [2, 2, 0, IGNORE], [2, 2, IGNORE, IGNORE]],
        [[3, 3, 0, 0], [3, 0, 0, 5], [7, 7, 0, 0], [7, 7, 0, 0]],
    )
    reduced = prepared_scene(given, InputSpec(scale=0.5))
    assert reduced.label.tolist() == [[1, 0], [2, IGNORE]]
    assert reduced.objects is not None
    assert reduced.objects.tolist() == [[3, 0], [7, 0]]
    assert reduced.image is given.image


def test_a_foreground_pixel_without_an_id_of_its_own_takes_that_of_the_nearest_object() -> None:
    label = [[1, 1, 1, 1], [1, 1, 1, 1]]
    reduced = prepared_scene(scene(label, [[4, 4, 0, 0], [4, 4, 0, 0]]), InputSpec(scale=0.5))
    assert reduced.objects is not None
    assert reduced.objects.tolist() == [[4, 4]]


def test_at_its_own_scale_a_scene_stays_what_it_is() -> None:
    given = scene([[0, 1], [1, 0]])
    assert prepared_scene(given, InputSpec(contrast=True)) is given
