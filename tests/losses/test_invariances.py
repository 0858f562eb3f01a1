"""What must not change a loss, and what must change it in a known way."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from tests.losses.cases import FOUR, SPATIAL, WEIGHTS, name, random_case

SEEDS = st.integers(0, 10**6)
PER_PIXEL = [s for s in FOUR if not s.needs_objects and s.kind not in SPATIAL]
OVER_BATCH = [s for s in PER_PIXEL if s.aggregate == "batch"]
RENAMED = [s for s in PER_PIXEL if s.include_background and not s.alpha and s.kind != "unified_focal"]


@pytest.mark.parametrize("spec", PER_PIXEL, ids=name)
@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_pixels_is_nothing_to_a_loss_without_objects(spec: LossSpec, seed: int) -> None:
    logits, labels = random_case(seed, 4)
    order = torch.randperm(labels[0].numel(), generator=torch.Generator().manual_seed(seed))
    shuffled = logits.flatten(2)[:, :, order].view(logits.shape), labels.flatten(1)[:, order].view(labels.shape)
    loss = build_loss(spec)
    assert loss(*shuffled).item() == pytest.approx(loss(logits, labels).item(), rel=1e-10)


@pytest.mark.parametrize("spec", FOUR, ids=name)
def test_turning_mirroring_and_the_order_of_images_change_nothing(spec: LossSpec) -> None:
    logits, labels = random_case(1, 4)
    maps = Prediction(logits, labels).objects  # given, since equally near objects are broken by the order of rows
    value = build_loss(spec).of(Prediction(logits, labels, maps[0], maps[1])).item()
    for turned in (
        [each.rot90(1, (-2, -1)) for each in (logits, labels, *maps[:2])],
        [each.flip(-1) for each in (logits, labels, *maps[:2])],
        [each.flip(0) for each in (logits, labels, *maps[:2])],
    ):
        assert build_loss(spec).of(Prediction(*turned)).item() == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("spec", RENAMED, ids=name)
@settings(max_examples=5, deadline=None)
@given(seed=SEEDS, order=st.permutations(range(4)))
def test_classes_may_be_renamed(spec: LossSpec, seed: int, order: list[int]) -> None:
    logits, labels = random_case(seed, 4)
    names = torch.full((256,), IGNORE)
    names[torch.tensor(order)] = torch.arange(4)
    renamed = spec.model_copy(update={"class_weights": tuple(WEIGHTS[k] for k in order)})
    same = renamed if spec.class_weights else spec
    value = build_loss(same)(logits[:, order], names[labels]).item()
    assert value == pytest.approx(build_loss(spec)(logits, labels).item(), rel=1e-10)


@pytest.mark.parametrize("spec", OVER_BATCH, ids=name)
def test_a_batch_is_one_region_wherever_it_is_cut(spec: LossSpec) -> None:
    """Batch (4, H, W) laid side by side in one image is the same set of pixels."""
    logits, labels = random_case(6, 4, (4, 6, 6))
    wide = torch.cat(list(logits), -1)[None], torch.cat(list(labels), -1)[None]
    assert build_loss(spec)(*wide).item() == pytest.approx(build_loss(spec)(logits, labels).item(), rel=1e-10)


@pytest.mark.parametrize("spec", [s for s in FOUR if s.aggregate == "image" and s.kind != "lovasz"], ids=name)
def test_per_image_is_the_mean_of_the_images(spec: LossSpec) -> None:
    logits, labels = random_case(7, 4)
    loss = build_loss(spec)
    one_by_one = [loss(logits[n : n + 1], labels[n : n + 1]).item() for n in range(len(labels))]
    assert loss(logits, labels).item() == pytest.approx(sum(one_by_one) / len(one_by_one), rel=1e-10)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, cut=st.integers(1, 3))
def test_sums_add_up_over_parts_of_a_batch(seed: int, cut: int) -> None:
    logits, labels = random_case(seed, 4, (4, 5, 5))
    parts = [slice(0, cut), slice(cut, 4)]
    weights = torch.tensor(WEIGHTS, dtype=torch.float64)
    for spec, mass in (
        (LossSpec(kind="cross_entropy"), lambda y: (y != IGNORE).double()),
        (LossSpec(kind="focal", gamma=1.5, alpha=0.3), lambda y: (y != IGNORE).double()),
        (
            LossSpec(kind="weighted_cross_entropy", class_weights=WEIGHTS),
            lambda y: torch.where(y != IGNORE, weights[y % IGNORE], 0),
        ),
    ):
        loss = build_loss(spec)
        summed = sum((loss(logits[p], labels[p]) * mass(labels[p]).sum()).item() for p in parts)
        assert loss(logits, labels).item() * mass(labels).sum().item() == pytest.approx(summed, rel=1e-10)
    whole, *halves = (Prediction(logits[p], labels[p]) for p in (slice(None), *parts))
    for sums in ("intersection", "false_positives", "area"):
        torch.testing.assert_close(getattr(whole, sums), torch.cat([getattr(half, sums) for half in halves]))


@pytest.mark.parametrize("factor", [1e-3, 7.0])
def test_only_the_ratio_of_class_weights_matters_to_a_weighted_mean(factor: float) -> None:
    logits, labels = random_case(8, 4)
    scaled = tuple(factor * weight for weight in WEIGHTS)
    of = lambda kind, w: build_loss(LossSpec(kind=kind, class_weights=w))(logits, labels).item()  # noqa: E731
    weighted = "weighted_cross_entropy"
    assert of(weighted, scaled) == pytest.approx(of(weighted, WEIGHTS), rel=1e-10)
    assert of("focal", scaled) == pytest.approx(factor * of("focal", WEIGHTS), rel=1e-10)


@pytest.mark.parametrize("spec", [s for s in FOUR if s.kind != "scale_location"], ids=name)  # measured in image sides
def test_ignored_pixels_are_as_if_cut_away(spec: LossSpec) -> None:
    logits, labels = random_case(9, 4, (3, 9, 6), ignored=0)
    labels[:, 6:] = IGNORE
    whole = logits.clone().requires_grad_()
    cut = logits[:, :, :6].clone().requires_grad_()
    value, of_cut = build_loss(spec)(whole, labels), build_loss(spec)(cut, labels[:, :6])
    assert value.item() == pytest.approx(of_cut.item(), rel=1e-10)
    value.backward()
    of_cut.backward()
    torch.testing.assert_close(whole.grad[:, :, :6], cut.grad, rtol=1e-9, atol=1e-14)
    assert not whole.grad[:, :, 6:].any()
