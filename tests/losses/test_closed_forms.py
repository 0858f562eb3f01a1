"""Values that can be worked out by hand, and identities between losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from explorer.imagery.scene import IGNORE
from explorer.losses import LOSSES, LossSpec
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from tests.losses.cases import CASES, EXAMPLE, Case, from_probabilities, make_spec, name, of_truth, random_case


def value(logits: Tensor, labels: Tensor, kind: str, **settings: object) -> float:
    return build_loss(LossSpec(kind=kind, **settings))(logits, labels).item()


BY_HAND = [case for case in CASES if case.by_hand is not None]


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: name(make_spec(case, 2)))
def test_by_hand(case: Case) -> None:
    assert build_loss(make_spec(case, 2))(*EXAMPLE).item() == pytest.approx(case.by_hand, rel=1e-12)


def test_every_kind_is_worked_out_by_hand() -> None:
    missing = set(LOSSES) - {case.settings["kind"] for case in BY_HAND}
    assert not missing, "each kind needs a case with a value worked out by hand in tests/losses/cases.py"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("classes", [2, 4])
def test_identities(seed: int, classes: int) -> None:
    case = random_case(seed, classes)
    ce = value(*case, "cross_entropy")
    assert value(*case, "focal", gamma=0) == pytest.approx(ce, rel=1e-12)
    assert value(*case, "focal", gamma=0, alpha=0.5) == pytest.approx(ce / 2, rel=1e-12)
    assert value(*case, "weighted_cross_entropy", class_weights=(3,) * classes) == pytest.approx(ce, rel=1e-12)
    dice, jaccard = value(*case, "dice"), value(*case, "jaccard")
    assert value(*case, "tversky", alpha=0.5, beta=0.5) == pytest.approx(dice, rel=1e-12)
    assert value(*case, "tversky", alpha=1, beta=1) == pytest.approx(jaccard, rel=1e-12)
    tversky = value(*case, "tversky", alpha=0.2, beta=0.7)
    assert value(*case, "focal_tversky", alpha=0.2, beta=0.7, gamma=1) == pytest.approx(tversky, rel=1e-12)
    assert value(*case, "soft_jaccard", smoothing=0) == pytest.approx(jaccard, rel=1e-12)
    assert value(*case, "dice_cross_entropy", ce_factor=0.5) == pytest.approx(dice + ce / 2, rel=1e-12)
    assert value(*case, "dice_topk", top_share=1, ce_factor=2) == pytest.approx(dice + 2 * ce, rel=1e-12)
    assert value(*case, "component_dice_cross_entropy", component_share=0) == pytest.approx(dice + ce, rel=1e-12)
    assert value(*case, "boundary", alpha=0) == pytest.approx(dice + ce, rel=1e-12)
    halves = value(*case, "unified_focal", delta=0.5, gamma=0)  # neither class is preferred: ½·(½ CE) + ½·Dice
    assert halves == pytest.approx(ce / 4 + dice / 2, rel=1e-12)
    terms = [{"factor": 2, "loss": {"kind": "cross_entropy"}}, {"factor": 0.5, "loss": {"kind": "dice"}}]
    assert value(*case, "combined", terms=terms) == pytest.approx(2 * ce + dice / 2, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_jaccard_is_dice_over_two_minus_dice_on_one_aggregate(seed: int) -> None:
    logits, labels = random_case(seed)
    foreground = 1 - value(logits, labels, "dice", include_background=False)
    jaccard = 1 - value(logits, labels, "jaccard", include_background=False)
    assert jaccard == pytest.approx(foreground / (2 - foreground), rel=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_lovasz_on_hard_predictions_is_one_minus_mean_iou(classes: int) -> None:
    logits, labels = random_case(5, classes)
    decided = logits.argmax(1)
    valid = labels != IGNORE
    ious = [
        (((decided == k) & (labels == k)).sum() / (valid & ((decided == k) | (labels == k))).sum()).item()
        for k in range(classes)
    ]
    hard = of_truth(decided, classes, 200.0)
    assert value(hard, labels, "lovasz") == pytest.approx(1 - sum(ious) / classes, rel=1e-6)
    assert value(hard, labels, "jaccard") == pytest.approx(1 - sum(ious) / classes, rel=1e-6)


def test_alpha_weights_false_alarms_and_beta_misses() -> None:
    label = torch.zeros(1, 8, 8, dtype=torch.long)
    label[:, 2:6, 2:6] = 1
    wide, narrow = torch.zeros_like(label), torch.zeros_like(label)
    wide[:, 1:7, 2:6] = 1  # false alarms only
    narrow[:, 3:5, 2:6] = 1  # misses only
    for kind in ("tversky", "focal_tversky"):
        alarms_cost_more = build_loss(LossSpec(kind=kind, alpha=0.9, beta=0.1, include_background=False))
        misses_cost_more = build_loss(LossSpec(kind=kind, alpha=0.1, beta=0.9, include_background=False))
        assert alarms_cost_more(of_truth(wide, 2, 30), label) > 1.5 * misses_cost_more(of_truth(wide, 2, 30), label)
        assert misses_cost_more(of_truth(narrow, 2, 30), label) > 1.5 * alarms_cost_more(of_truth(narrow, 2, 30), label)


def test_gradients_of_jaccard_on_background_and_foreground_have_the_ratio_j() -> None:
    label = torch.zeros(1, 8, 8, dtype=torch.long)
    label[:, 2:5, 2:5] = 1
    p = torch.full((1, 8, 8), 0.3, dtype=torch.float64)
    logits = from_probabilities(p[0].tolist()).requires_grad_()
    loss = build_loss(LossSpec(kind="jaccard", include_background=False))(logits, label)
    (gradient,) = torch.autograd.grad(loss, logits)
    inside, outside = gradient[0, 1][label[0] == 1].mean(), gradient[0, 1][label[0] == 0].mean()
    jaccard = 1 - loss.item()
    assert (-outside / inside).item() == pytest.approx(jaccard, rel=1e-9)


def test_a_confident_miss_has_a_gradient_under_cross_entropy_and_almost_none_under_jaccard() -> None:
    label = torch.ones(1, 8, 8, dtype=torch.long)
    label[:, 4:] = 0
    logits = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    logits[label[:, None] == 1] = 20.0
    logits[0, 0, 0, 0] = -20.0
    logits[label[:, None] == 0] = -20.0
    logits.requires_grad_()
    gradients = {}
    for kind in ("cross_entropy", "jaccard"):
        (gradient,) = torch.autograd.grad(build_loss(LossSpec(kind=kind))(logits, label), logits)
        gradients[kind] = -gradient[0, 0, 0, 0].item()
    assert gradients["cross_entropy"] == pytest.approx(1 / 64)  # 1.6e-2
    assert 0 < gradients["jaccard"] < 1e-9


def test_the_hardest_share_may_end_within_a_pixel_and_equals_share_what_is_left() -> None:
    label = torch.ones(1, 1, 4, dtype=torch.long)
    nll = -from_probabilities([[0.5, 0.25, 0.5, 0.9]]).log_softmax(1)[0, 1, 0]
    logits = from_probabilities([[0.5, 0.25, 0.5, 0.9]]).requires_grad_()
    hard = [build_loss(LossSpec(kind="dice_topk", top_share=0.5, ce_factor=factor))(logits, label) for factor in (0, 1)]
    part = hard[1] - hard[0]
    assert part.item() == pytest.approx((nll[1] + nll[0]).item() / 2)
    (gradient,) = torch.autograd.grad(part, logits)
    toward = -gradient[0, 1, 0]  # ½ of 1 − p of the hardest; the two at ½ share one pixel
    assert toward.tolist() == pytest.approx([0.5 * 0.25, 0.5 * 0.75, 0.5 * 0.25, 0])


@pytest.mark.parametrize("classes", [2, 3])
def test_soft_label_jaccard_is_least_at_the_soft_label(classes: int) -> None:
    """Zero there; plain Jaccard on the same soft label is smaller at a prediction of only 0 and 1."""
    label = torch.zeros(1, 9, 9, dtype=torch.long)
    label[0, 2:6, 2:7] = 1
    label[0, 7:] = classes - 1
    one_hot = torch.nn.functional.one_hot(label, classes).movedim(-1, 1).double()
    soft = 0.4 * one_hot + 0.6 * torch.nn.functional.avg_pool2d(one_hot, 3, 1, 1, count_include_pad=False)
    loss = build_loss(LossSpec(kind="soft_jaccard", smoothing=0.6))
    assert loss(soft.log().clamp_min(-60), label).item() == pytest.approx(0, abs=1e-12)
    for seed in range(5):
        other = (soft.log().clamp_min(-60) + 0.3 * random_case(seed, classes, (1, 9, 9))[0]).log_softmax(1)
        assert loss(other, label) > 0.01
    assert loss(60 * one_hot, label) > 0.05
    hit = lambda p: ((p * soft).sum() / (p + soft - p * soft).sum()).item()  # noqa: E731
    assert hit(one_hot) > hit(soft)


def test_an_object_alone_in_its_crop_has_the_loss_of_its_class() -> None:
    logits, label = random_case(3, 2, (1, 9, 9), ignored=0)
    label = torch.zeros_like(label)
    label[0, 3:6, 2:7] = 1
    whole = value(logits, label, "dice_cross_entropy", include_background=False)
    assert value(logits, label, "component_dice_cross_entropy", component_share=1) == pytest.approx(whole, rel=1e-12)


def test_a_missed_object_costs_as_much_as_any_other_whatever_its_size() -> None:
    """Objects of 100 and of 4 pixels, one of them certainly missed: 1 of 2 is lost either way, by area nearly none."""
    label = torch.zeros(1, 20, 60, dtype=torch.long)
    label[0, 5:15, 5:15] = 1
    label[0, 9:11, 49:51] = 1
    lost = {}
    for missed, columns in (("large", slice(0, 30)), ("small", slice(30, 60))):
        said = label.clone()
        said[..., columns] = 0
        for kind, settings in (
            ("component_dice_cross_entropy", {"component_share": 1}),
            ("dice_cross_entropy", {"ce_factor": 0, "include_background": False}),
        ):
            lost[missed, kind] = value(of_truth(said, 2, 30), label, kind, **settings)
    # beside 1 − Dice = 1 of the lost one: 30 · its pixels ÷ the pixels of its cell, which is half of the crop or nearly
    _, owners, _ = Prediction(torch.zeros(1, 2, 20, 60), label).objects
    cells = torch.bincount(owners.flatten())
    per_object = "component_dice_cross_entropy"
    assert lost["large", per_object] == pytest.approx((1 + 30 * 100 / cells[1].item()) / 2, rel=1e-6)
    assert lost["small", per_object] == pytest.approx((1 + 30 * 4 / cells[2].item()) / 2, rel=1e-6)
    assert lost["large", "dice_cross_entropy"] == pytest.approx(1 - 8 / 108, rel=1e-6)
    assert lost["small", "dice_cross_entropy"] == pytest.approx(1 - 200 / 204, rel=1e-6)


def test_size_and_place_each_have_their_price() -> None:
    """A 4 × 4 object, predicted with certainty elsewhere or in another size."""
    label = torch.zeros(1, 24, 24, dtype=torch.long)
    label[0, 10:14, 10:14] = 1

    def cost(rows: slice, columns: slice, factor: float) -> float:
        said = torch.zeros_like(label)
        said[0, rows, columns] = 1
        return value(of_truth(said, 2, 40), label, "scale_location", location_factor=factor)

    assert cost(slice(10, 14), slice(10, 14), 1) == pytest.approx(0, abs=1e-12)
    # 4 rows of 6: IoU = 16/24; S − A = 8, v = 16, w = 32/40; the centre stays
    assert cost(slice(10, 14), slice(9, 15), 1) == pytest.approx(1 - 32 / 40 * 16 / 24)
    # moved by 8: no overlap whatever the distance, so that only the place is left to say how far
    far, farther = (cost(slice(10, 14), slice(10 + by, 14 + by), 1) - 1 for by in (6, 10))
    assert 0 < far < farther
    assert cost(slice(10, 14), slice(16, 20), 0) == pytest.approx(1)
