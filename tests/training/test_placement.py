"""A training step leaves no tensor on the CPU and reads nothing back, but for the one line of numbers it reports.

On the device ``meta`` under ``FakeTensorMode`` a tensor of another device raises, and so does reading a value.
"""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from explorer.losses.loss import build_loss, evaluate_losses, logged_losses
from explorer.losses.spec import LossSpec
from explorer.segmenter.network import build_segmenter
from explorer.segmenter.spec import SIZES, PretrainedSpec, SegmenterSpec, UNetSpec
from explorer.segmenter.tiling import predict_classes, predict_probabilities
from explorer.training.optimisation import make_optimizer, training_step
from explorer.training.sampler import Sampler
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
