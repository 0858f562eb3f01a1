"""A predictor gives probabilities on the scene's own grid, whatever scale and channels its segmenter works with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.imagery.scene import Stretch
from explorer.imagery.stretch import stretched
from explorer.segmenter.inputs import InputSpec, prepared_image
from explorer.segmenter.network import Segmenter, build_segmenter
from explorer.segmenter.prediction import Predictor
from explorer.segmenter.spec import UNetSpec
from explorer.segmenter.tiling import predict_probabilities

STRETCH = Stretch((0.0,), (100.0,))


class Bright(Segmenter):
    """Logits (0, first channel), with a shift of one pixel if asked for, so that it knows left from right."""

    def __init__(self, shifted: bool = False) -> None:
        super().__init__()
        self.shifted = shifted
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    @property
    def multiple(self) -> int:
        return 4

    def forward(self, images: Tensor) -> Tensor:
        first = images[:, :1].roll(1, -1) if self.shifted else images[:, :1]
        return torch.cat([torch.zeros_like(first), first], dim=1)


def sigmoid(value: float) -> float:
    return 1 / (1 + float(np.exp(-value)))


def test_at_the_scenes_own_scale_they_are_those_of_the_stretched_image() -> None:
    image = np.random.default_rng(0).integers(0, 100, (1, 21, 30)).astype(np.uint8)
    segmenter = build_segmenter(1, 3, UNetSpec(width=4, depth=1), 0).eval()
    expected = predict_probabilities(segmenter, torch.from_numpy(stretched(image, STRETCH))).numpy()
    np.testing.assert_array_equal(Predictor(segmenter, STRETCH).probabilities(image), expected)


def test_probabilities_of_a_smaller_scale_are_interpolated_between_the_centres_of_its_pixels() -> None:
    image = np.repeat(np.array([[[0, 100]]], np.uint8), 4, axis=2).repeat(4, axis=1)  # 4×8, halves 0 and 1
    found = Predictor(Bright(), STRETCH, InputSpec(scale=0.25)).probabilities(image)
    assert found.dtype == np.float32
    assert found.shape == (2, 4, 8)
    # working pixels have their centres at 2 and 6 of 8: pixel 3 (centre 3.5) lies 3/8 of the way
    shares = [0, 0, 1 / 8, 3 / 8, 5 / 8, 7 / 8, 1, 1]
    dark, bright = sigmoid(0), sigmoid(1)
    np.testing.assert_allclose(found[1, 0], [dark + share * (bright - dark) for share in shares], atol=1e-6)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (50, 61)])
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_the_grid_is_that_of_the_image(size: tuple[int, int], scale: float) -> None:
    inputs = InputSpec(scale=scale, root=True, differences=True, contrast=True, object_size=9)
    stretch = Stretch((0.0,) * 3, (1.0,) * 3)
    segmenter = build_segmenter(inputs.channels(3), 2, UNetSpec(width=4, depth=2), 0).eval()
    found = Predictor(segmenter, stretch, inputs).probabilities(np.random.default_rng(0).random((3, *size)))
    assert found.shape == (2, *size)
    assert np.isfinite(found).all()


def test_flips_are_the_mean_over_both_directions() -> None:
    image = np.zeros((1, 4, 4), np.uint8)
    image[0, :, 1] = 100
    plain = Predictor(Bright(shifted=True), STRETCH).probabilities(image)[1, 0]
    flipped = Predictor(Bright(shifted=True), STRETCH, flips=True).probabilities(image)[1, 0]
    dark, bright = sigmoid(0), sigmoid(1)
    np.testing.assert_allclose(plain, [dark, dark, bright, dark], atol=1e-6)  # seen one pixel to the right
    mean = (dark + bright) / 2
    np.testing.assert_allclose(flipped, [mean, dark, mean, dark], atol=1e-6)  # and, mirrored, one to the left


def test_where_up_is_up_flips_are_the_mean_over_left_and_right_alone() -> None:
    image = np.random.default_rng(0).integers(0, 100, (1, 16, 24)).astype(np.uint8)
    segmenter = build_segmenter(1, 2, UNetSpec(width=4, depth=1), 0).eval()
    found = Predictor(segmenter, STRETCH, flips=True, upright=True).probabilities(image)
    plain = Predictor(segmenter, STRETCH)
    mirrored = np.flip(plain.probabilities(np.flip(image, -1)), -1)
    np.testing.assert_allclose(found, (plain.probabilities(image) + mirrored) / 2, atol=1e-6)


def test_with_flips_a_mirrored_image_has_the_mirrored_probabilities() -> None:
    image = np.random.default_rng(0).integers(0, 100, (1, 16, 24)).astype(np.uint8)
    segmenter = build_segmenter(1, 2, UNetSpec(width=4, depth=1), 0).eval()
    predictor = Predictor(segmenter, STRETCH, flips=True)
    found = predictor.probabilities(image)
    for axis in (-1, -2):
        mirrored = predictor.probabilities(np.flip(image, axis))
        np.testing.assert_allclose(mirrored, np.flip(found, axis), atol=1e-6)
    assert not np.allclose(found, Predictor(segmenter, STRETCH).probabilities(image), atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 0.37])
@pytest.mark.parametrize("size", [(1300, 90), (90, 1300)])
def test_strips_of_a_large_image_are_the_whole(size: tuple[int, int], scale: float) -> None:
    image = np.random.default_rng(0).integers(0, 100, (1, *size)).astype(np.uint8)
    inputs = InputSpec(scale=scale)
    predictor = Predictor(Bright(), STRETCH, inputs)
    counted: list[tuple[int, int]] = []
    strips = list(predictor.strips(image, advance=lambda done, tiles: counted.append((done, tiles))))
    prepared = torch.from_numpy(prepared_image(image, STRETCH, inputs))
    whole = predict_probabilities(Bright(), prepared)
    at_scale = torch.nn.functional.interpolate(whole[None], size=size, mode="bilinear", align_corners=False)[0]
    np.testing.assert_allclose(np.concatenate(strips, axis=1), at_scale.numpy(), atol=1e-5)
    tiles = counted[-1][1]
    assert counted == [(done, tiles) for done in range(1, tiles + 1)]
    assert len(strips) == (tiles if size[0] > size[1] else 1), "a strip for each row of tiles"


def test_tiles_are_mirrored_one_by_one() -> None:
    image = np.random.default_rng(0).integers(0, 100, (1, 30, 900)).astype(np.uint8)
    once, mean = (Predictor(Bright(), STRETCH, flips=flips).probabilities(image) for flips in (False, True))
    np.testing.assert_allclose(mean, once, atol=1e-6)  # what depends on its own pixel alone does not change
