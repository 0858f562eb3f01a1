"""The segmenter: its sizes and seeds, images of any size, blended tiles, bounded activations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from explorer.segmenter.network import Segmenter, build_segmenter, count_parameters, parameter_groups
from explorer.segmenter.spec import SIZES, PretrainedSpec, SegmenterSpec, UNetSpec
from explorer.segmenter.tiling import predict_classes, predict_probabilities

TINY = UNetSpec(width=4, depth=1)


@pytest.mark.parametrize(("size", "parameters"), [("small", 30_000), ("medium", 120_000), ("large", 500_000)])
def test_the_sizes_have_about_the_parameters_stated(size: str, parameters: int) -> None:
    assert count_parameters(build_segmenter(3, 2, SIZES[size], 0)) == pytest.approx(parameters, rel=0.05)


@pytest.mark.parametrize(("channels", "classes"), [(3, 2), (9, 5)])
@pytest.mark.parametrize(
    "spec", [*SIZES.values(), UNetSpec(width=12, depth=4), PretrainedSpec(), PretrainedSpec(width=16)], ids=str
)
def test_the_number_of_parameters_is_known_without_building(spec: SegmenterSpec, channels: int, classes: int) -> None:
    segmenter = build_segmenter(channels, classes, spec, 0, pretrained=False)
    assert spec.parameters(channels, classes) == count_parameters(segmenter)


@pytest.mark.parametrize(("bands", "classes"), [(1, 2), (4, 2), (16, 5), (3, 20)])
def test_any_bands_and_classes(bands: int, classes: int) -> None:
    logits = build_segmenter(bands, classes, TINY, 0)(torch.rand(2, bands, 16, 24))
    assert logits.shape == (2, classes, 16, 24)


def test_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = build_segmenter(3, 2, TINY, 7).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(5)
    again, other = (build_segmenter(3, 2, TINY, seed).state_dict() for seed in (7, 8))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_all_parameters_of_the_unet_learn_at_the_rate_of_the_phase() -> None:
    segmenter = build_segmenter(3, 2, TINY, 0)
    assert parameter_groups(segmenter) == [([name for name, _ in segmenter.named_parameters()], 1.0)]


def test_weights_and_activations_are_channels_last() -> None:
    segmenter = build_segmenter(3, 2, TINY, 0)
    weight = segmenter.encoder[1][0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    image = torch.rand(1, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    hidden = segmenter.encoder[0](image)
    assert hidden.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (64, 64), (65, 127), (200, 3)])
@pytest.mark.parametrize("depth", [1, 3])
def test_an_image_of_any_size_is_predicted(size: tuple[int, int], depth: int) -> None:
    segmenter = build_segmenter(3, 4, UNetSpec(width=4, depth=depth), 0)
    image = torch.rand(3, *size)
    probabilities = predict_probabilities(segmenter, image, tile=64, overlap=16)
    assert probabilities.shape == (4, *size)
    assert torch.allclose(probabilities.sum(0), torch.ones(size), atol=1e-5)
    classes = predict_classes(segmenter, image)
    assert classes.dtype == torch.uint8
    assert classes.shape == size


class Local(Segmenter):
    """Logits that depend on 3×3 pixels, so that the interior of a tile agrees with the whole image."""

    def __init__(self) -> None:
        super().__init__()
        self.sides: list[tuple[int, int]] = []

    @property
    def multiple(self) -> int:
        return 2

    def forward(self, images: Tensor) -> Tensor:
        self.sides.append((images.shape[-2], images.shape[-1]))
        mean = torch.nn.functional.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)
        return torch.cat([torch.zeros_like(mean), mean - 0.5], dim=1)


@pytest.mark.parametrize("size", [(100, 100), (64, 190), (256, 66)])
def test_blended_tiles_equal_the_whole_away_from_their_edges(size: tuple[int, int]) -> None:
    image = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    whole = predict_probabilities(Local(), image, tile=512, overlap=16)
    tiled = predict_probabilities(Local(), image, tile=64, overlap=16)
    # only pixels at the edge of a tile have another neighbourhood, and there its weight is least: 1/17 against 16/17
    assert (tiled - whole).abs().max() < 0.02
    assert ((tiled - whole).abs() < 1e-6).float().mean() > 0.9


def test_tiles_have_the_given_size_and_cover_every_pixel() -> None:
    segmenter = Local()
    probabilities = predict_probabilities(segmenter, torch.rand(1, 300, 205), tile=64, overlap=16)
    assert torch.isfinite(probabilities).all()  # a pixel that no tile covers is 0 / 0
    assert max(max(side) for side in segmenter.sides) == 64
    assert len(segmenter.sides) == 6 * 4


@pytest.mark.parametrize("size", [(200, 140), (500, 600)])
def test_the_largest_activation_is_that_of_one_tile(size: tuple[int, int]) -> None:
    segmenter = build_segmenter(1, 2, TINY, 0)
    largest = 0

    def watch(_module: torch.nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal largest
        largest = max(largest, output.numel())

    for module in segmenter.modules():
        module.register_forward_hook(watch)
    predict_probabilities(segmenter, torch.rand(1, *size), tile=128, overlap=32)
    assert largest == 4 * 128 * 128


def test_tiles_must_be_more_than_twice_their_overlap() -> None:
    with pytest.raises(ValueError, match="twice the overlap"):
        predict_probabilities(build_segmenter(1, 2, TINY, 0), torch.rand(1, 8, 8), tile=32, overlap=16)
