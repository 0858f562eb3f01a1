"""A training step leaves no tensor on the CPU and reads nothing back, but for the one line of numbers it reports.

On the device ``meta`` under ``FakeTensorMode`` a tensor of another device raises, and so does reading a value.
"""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from explorer.losses.loss import build_loss, evaluate_losses, logged_losses
from explorer.losses.spec import LossSpec, ramped
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.network import build_segmenter
from explorer.segmenter.spec import SIZES, PretrainedSpec, SegmenterSpec, UNetSpec
from explorer.segmenter.tiling import predict_classes, predict_probabilities
from explorer.training.averaging import WeightAverage
from explorer.training.optimisation import make_optimizer, set_rate, training_step
from explorer.training.plan import Augmentation
from explorer.training.sampler import Sampler
from explorer.training.validation import interpolated, interpolation
from tests.runs.tiny import tiny_dataset, tiny_plan

META = torch.device("meta")
SPECS = [
    LossSpec(kind="weighted_cross_entropy", class_weights=(1.0, 5.0)),
    LossSpec(kind="jaccard"),
    LossSpec(kind="lovasz"),
    LossSpec(kind="object_jaccard"),
]


@pytest.mark.parametrize("of", [UNetSpec(width=4, depth=1), PretrainedSpec(rgb=(0, 1, 1))], ids=lambda of: of.kind)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_a_training_step_stays_on_its_device(spec: LossSpec, of: SegmenterSpec) -> None:
    dataset, plan = tiny_dataset(), tiny_plan(segmenter=of)
    sampler = Sampler(dataset.training, 2, dataset.stretch, plan, META)
    segmenter = build_segmenter(2, 2, plan.segmenter, 0).to(META)
    with FakeTensorMode(allow_non_fake_inputs=True):  # they are made fake where they lie, on whatever device
        parameters = list(segmenter.parameters())
        places = sampler.crops(0)
        labels = sampler.labels(places)
        prediction = sampler.prediction(segmenter(sampler.images(places)), labels, places, with_objects=True)
        value, norm = training_step(build_loss(spec), prediction, make_optimizer(segmenter, 1e-4, META), parameters)
        logged = evaluate_losses(prediction, list(logged_losses((1.0, 5.0)).values()))
        for tensor in (prediction.logits, labels, value, norm, logged, *(p.grad for p in parameters)):
            assert tensor is not None
            assert tensor.device.type == "meta"


def test_augmentation_clipping_averages_and_ramps_stay_on_their_device() -> None:
    dataset = tiny_dataset()
    plan = tiny_plan(
        inputs=InputSpec(scale=0.75, contrast=True),
        augmentation=Augmentation(gain=0.4, offset=0.2, channel_gain=0.1, channel_offset=0.1, zoom=0.5),
        batch_size=4,
    )
    sampler = Sampler(dataset.training, 2, dataset.stretch, plan, META)
    segmenter = build_segmenter(plan.inputs.channels(2), 2, plan.segmenter, 0).to(META)
    along = interpolation(0, 16, 32, 16, 0, 16, META)
    with FakeTensorMode(allow_non_fake_inputs=True):
        average = WeightAverage(segmenter, 0.9)
        parameters = list(segmenter.parameters())
        batch = sampler.batch(0)
        assert {crop.side for crop in batch.crops} != {plan.crop_size}
        prediction = sampler.prediction(segmenter(batch.images), batch.labels, batch.crops, with_objects=True)
        optimizer = make_optimizer(segmenter, 1e-4, META)
        set_rate(optimizer, 1e-3)
        loss = build_loss(ramped(LossSpec(kind="boundary", alpha_end=0.5), 0.3))
        value, norm = training_step(loss, prediction, optimizer, parameters, clip=1.0)
        average.update(0)
        on_grid = interpolated(prediction.probabilities[0], along, dim=1)
        for tensor in (batch.images, batch.labels, value, norm, on_grid, *average.segmenter.parameters()):
            assert tensor.device.type == "meta"


@pytest.mark.parametrize("spec", [*SIZES.values(), UNetSpec(width=4, depth=5), PretrainedSpec()])
def test_prediction_stays_on_its_device(spec: SegmenterSpec) -> None:
    segmenter = build_segmenter(3, 4, spec, 0).to(META)
    with FakeTensorMode(allow_non_fake_inputs=True):
        for height, width in ((100, 90), (700, 300)):
            image = torch.empty(3, height, width, device=META)
            probabilities = predict_probabilities(segmenter, image, tile=256, overlap=32)
            assert probabilities.device.type == "meta"
            assert probabilities.shape == (4, height, width)
            assert predict_classes(segmenter, image).dtype == torch.uint8
