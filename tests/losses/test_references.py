"""Every loss against the slow reference, in the types and shapes that it is called with."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.losses import LossSpec
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from tests.losses.cases import BINARY, FOUR, name, random_case, specs
from tests.losses.references import has_reference, reference

REFERENCED = [index for index, spec in enumerate(BINARY) if has_reference(spec)]


@pytest.mark.parametrize("spec", [BINARY[index] for index in REFERENCED], ids=name)
@pytest.mark.parametrize("seed", [0, 1])
def test_two_classes(spec: LossSpec, seed: int) -> None:
    logits, labels = random_case(seed)
    value = build_loss(spec)(logits, labels)
    assert value.dtype == torch.float64
    assert value.shape == ()
    assert value.item() == pytest.approx(reference(spec, logits, labels), rel=1e-10)


@pytest.mark.parametrize("spec", [FOUR[index] for index in REFERENCED], ids=name)
def test_four_classes_in_every_type(spec: LossSpec) -> None:
    logits, labels = random_case(2, classes=4)
    expected = reference(spec, logits, labels)
    assert build_loss(spec)(logits, labels).item() == pytest.approx(expected, rel=1e-10)
    single = build_loss(spec)(logits.float(), labels.to(torch.uint8))
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(expected, rel=1e-5)
    channels_last = logits.float().to(memory_format=torch.channels_last)
    assert build_loss(spec)(channels_last, labels).item() == pytest.approx(expected, rel=1e-5)
    half = logits.bfloat16()
    assert build_loss(spec)(half, labels).item() == pytest.approx(reference(spec, half, labels), rel=1e-5)


@pytest.mark.parametrize("spec", [BINARY[index] for index in REFERENCED], ids=name)
def test_one_sigmoid_logit_is_two_classes(spec: LossSpec) -> None:
    logits, labels = random_case(3)
    one = logits[:, 1:] - logits[:, :1]
    expected = build_loss(spec)(logits, labels).item()
    assert build_loss(spec)(one, labels).item() == pytest.approx(expected, rel=1e-10)
    assert reference(spec, one, labels) == pytest.approx(expected, rel=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    classes=st.integers(2, 4),
    size=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    ignored=st.sampled_from([0.0, 0.3, 1.0]),
    scale=st.sampled_from([0.1, 3.0, 12.0]),
    which=st.sampled_from(REFERENCED),
)
def test_any_shape_and_scale(
    seed: int, classes: int, size: tuple[int, int, int], ignored: float, scale: float, which: int
) -> None:
    logits, labels = random_case(seed, classes, size, ignored, scale)
    spec = specs(classes)[which]
    value = build_loss(spec)(logits, labels).item()
    assert value == pytest.approx(reference(spec, logits, labels), rel=1e-8, abs=1e-10)


def test_losses_of_one_prediction_are_the_losses_one_by_one() -> None:
    logits, labels = random_case(4, classes=4)
    prediction = Prediction(logits, labels)
    for spec in FOUR:
        assert build_loss(spec).of(prediction).item() == build_loss(spec)(logits, labels).item()
