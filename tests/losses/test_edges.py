"""Where losses break: one class or none, everything ignored, saturated logits, half precision; and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from explorer.imagery.scene import IGNORE
from explorer.losses import LOSSES, LossSpec
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from tests.losses.cases import BINARY, FOUR, name, of_truth, random_case
from tests.losses.references import has_reference, reference

EITHER = [
    pytest.param(classes, spec, id=f"{classes}-{name(spec)}")
    for classes, table in ((2, BINARY), (4, FOUR))
    for spec in table
]

LARGEST_VALUE = {
    **dict.fromkeys(("jaccard", "dice", "tversky", "focal_tversky", "lovasz", "soft_jaccard"), 1),
    "object_jaccard": 2,
    "scale_location": 4,
}
"""Where there is one."""
MEANS_OVER_PIXELS = ("cross_entropy", "weighted_cross_entropy", "focal", "object_cross_entropy")


def finite_gradient(spec: LossSpec, logits: Tensor, labels: Tensor) -> tuple[float, Tensor]:
    logits = logits.clone().requires_grad_()
    value = build_loss(spec)(logits, labels)
    value.backward()
    assert torch.isfinite(value)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    return value.item(), logits.grad


@pytest.mark.parametrize(("classes", "spec"), EITHER)
def test_gradients_are_those_of_finite_differences(classes: int, spec: LossSpec) -> None:
    logits, labels = random_case(0, classes, (2, 4, 4), scale=1.0)
    maps = Prediction(logits, labels).objects[:2]
    loss = build_loss(spec)
    assert torch.autograd.gradcheck(lambda z: loss.of(Prediction(z, labels, *maps)), logits.requires_grad_())


@pytest.mark.parametrize("spec", BINARY, ids=name)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("fill", [0, 1, IGNORE])
def test_labels_of_one_value(spec: LossSpec, dtype: torch.dtype, fill: int) -> None:
    logits, labels = random_case(1, dtype=dtype)
    labels = torch.full_like(labels, fill)
    value, gradient = finite_gradient(spec, logits, labels)
    if has_reference(spec):
        assert value == pytest.approx(reference(spec, logits, labels), rel=1e-4, abs=1e-9)
    if fill == IGNORE:
        assert value == 0
        assert not gradient.any()


@pytest.mark.parametrize("spec", BINARY, ids=name)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 5)])
def test_very_small_images(spec: LossSpec, shape: tuple[int, int, int]) -> None:
    finite_gradient(spec, torch.randn(shape[0], 2, *shape[1:]), torch.ones(shape, dtype=torch.uint8))


@pytest.mark.parametrize("spec", FOUR, ids=name)
def test_an_image_that_is_ignored_counts_for_nothing(spec: LossSpec) -> None:
    logits, labels = random_case(2, 4)
    labels[1] = IGNORE
    kept = build_loss(spec)(logits[[0, 2]], labels[[0, 2]]).item()
    value, gradient = finite_gradient(spec, logits, labels)
    assert value == pytest.approx(kept, rel=1e-10)
    assert not gradient[1].any()


@pytest.mark.parametrize(("classes", "spec"), EITHER)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sign", [1, -1])
def test_saturated_logits(classes: int, spec: LossSpec, dtype: torch.dtype, sign: int) -> None:
    """±50: right everywhere or wrong everywhere."""
    _, labels = random_case(3, classes)
    logits = sign * (2 * of_truth(labels, classes, 50).to(dtype) - 50)
    value, gradient = finite_gradient(spec, logits, labels)
    if has_reference(spec):
        assert value == pytest.approx(reference(spec, logits, labels), rel=1e-4, abs=1e-4)
    if sign < 0 and spec.kind in ("cross_entropy", "weighted_cross_entropy", "focal"):
        assert (gradient.abs().sum(1)[labels != IGNORE] > 0).all()


@pytest.mark.parametrize("spec", [s for s in BINARY if s.gamma is not None], ids=name)
@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.9, 1.0, 3.0])
def test_focusing_below_one_keeps_its_gradient_finite(spec: LossSpec, gamma: float) -> None:
    if gamma > max(setting.bounds[1] for setting in LOSSES[spec.kind].settings if setting.name == "gamma"):
        pytest.skip("this kind does not take it")
    focused = spec.model_copy(update={"gamma": gamma})
    _, labels = random_case(4)
    for logit in (30.0, 80.0, -80.0):
        finite_gradient(focused, of_truth(labels, 2, logit).float(), labels)


@pytest.mark.parametrize("spec", FOUR, ids=name)
def test_half_precision_is_computed_in_float32(spec: LossSpec) -> None:
    logits, labels = random_case(5, 4, (2, 128, 128), dtype=torch.float32)
    labels[labels > 0] = torch.where(labels[labels > 0] == IGNORE, IGNORE, 1)
    half = logits.bfloat16()
    expected = build_loss(spec)(half.double(), labels).item()
    with torch.autocast("cpu", torch.bfloat16):
        value, gradient = finite_gradient(spec, half, labels)
    assert value == pytest.approx(expected, rel=1e-5)
    assert gradient.dtype == torch.bfloat16
    assert gradient.any()


@pytest.mark.parametrize("kind", [kind for kind in LOSSES if kind not in (*MEANS_OVER_PIXELS, "lovasz", "combined")])
def test_false_positives_of_an_absent_class_still_have_a_gradient(kind: str) -> None:
    logits, labels = torch.zeros(1, 3, 6, 6), torch.zeros(1, 6, 6, dtype=torch.long)
    labels[0, 2:4, 2:4] = 1
    logits[0, 2, 0, 0] = 2.0  # a false alarm of class 2
    _, gradient = finite_gradient(LossSpec(kind=kind), logits, labels)
    assert gradient[0, 2, 0, 0] > 0


def test_weights_that_leave_nothing_give_zero() -> None:
    logits, labels = random_case(6)
    labels[labels == 1] = 0
    value, gradient = finite_gradient(LossSpec(kind="weighted_cross_entropy", class_weights=(0, 1)), logits, labels)
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize(("classes", "spec"), EITHER)
def test_curvature_can_be_asked_for(classes: int, spec: LossSpec) -> None:
    """Hessian–vector products of the landscape need gradients of gradients."""
    logits, labels = random_case(7, classes, (1, 3, 4), scale=1.0)
    maps = Prediction(logits, labels).objects[:2]
    loss = build_loss(spec)
    assert torch.autograd.gradgradcheck(lambda z: loss.of(Prediction(z, labels, *maps)), logits.requires_grad_())


@pytest.mark.parametrize("classes", [2, 4])
def test_float32_is_good_to_six_digits_where_objects_are_few(classes: int) -> None:
    logits, labels = random_case(8, classes, (2, 128, 128), dtype=torch.float32)
    labels[:, 16:] *= labels[:, 16:] == IGNORE  # the rest is background
    logits[:, 0] += 8 * (labels == 0)
    for spec in BINARY if classes == 2 else FOUR:
        exact = logits.double().requires_grad_()
        expected = build_loss(spec)(exact, labels)
        expected.backward()
        value, gradient = finite_gradient(spec, logits, labels)
        assert value == pytest.approx(expected.item(), rel=5e-6), name(spec)
        assert (gradient - exact.grad).norm() < 1e-5 * exact.grad.norm(), name(spec)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("spec", FOUR, ids=name)
def test_values_are_in_the_range_that_the_docstrings_say(spec: LossSpec, classes: int, sign: int) -> None:
    most = LARGEST_VALUE.get(spec.kind, torch.inf)
    if isinstance(spec.class_weights, tuple):
        spec = spec.model_copy(update={"class_weights": spec.class_weights[:1] * classes})
    _, labels = random_case(3, classes)
    for truth in (labels, torch.where(labels == 1, 0, labels), torch.full_like(labels, IGNORE)):
        for logits in (of_truth(labels, classes, sign * 30.0), random_case(4, classes)[0]):
            assert -1e-12 <= build_loss(spec)(logits, truth) <= most + 1e-12
