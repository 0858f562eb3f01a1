"""Values that can be worked out by hand, and identities between losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from explorer.imagery.scene import IGNORE
from explorer.losses import LOSSES, LossSpec
from explorer.losses.loss import build_loss
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
