"""Values that can be worked out by hand, and identities between losses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec
from tests.losses.cases import of_truth, random_case


def from_probabilities(foreground: list[list[float]]) -> Tensor:
    """Logits (1, 2, H, W) that give these probabilities of class 1."""
    return torch.logit(torch.tensor([foreground], dtype=torch.float64))[:, None] * torch.tensor(
        [-0.5, 0.5], dtype=torch.float64
    ).view(1, 2, 1, 1)


def value(logits: Tensor, labels: Tensor, kind: str, **settings: object) -> float:
    return LossSpec(kind=kind, **settings).build()(logits, labels).item()


TINY = from_probabilities([[0.8, 0.4], [0.1, 0.5]])
LABEL = torch.tensor([[[1, 1], [0, IGNORE]]])
# class 1: I = 1.2, Σp = 1.3, Σy = 2; class 0: I = .9, Σp = 1.7, Σy = 1


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"kind": "cross_entropy"}, -(math.log(0.8) + math.log(0.4) + math.log(0.9)) / 3),
        (
            {"kind": "weighted_cross_entropy", "class_weights": (1, 3)},
            -(3 * math.log(0.8) + 3 * math.log(0.4) + math.log(0.9)) / 7,
        ),
        (
            {"kind": "focal", "gamma": 2, "alpha": 0.75},
            -(0.75 * (0.04 * math.log(0.8) + 0.36 * math.log(0.4)) + 0.25 * 0.01 * math.log(0.9)) / 3,
        ),
        ({"kind": "jaccard"}, 1 - (0.9 / 1.8 + 1.2 / 2.1) / 2),
        ({"kind": "jaccard", "include_background": False}, 1 - 1.2 / 2.1),
        ({"kind": "dice"}, 1 - (1.8 / 2.7 + 2.4 / 3.3) / 2),
        (
            {"kind": "tversky", "alpha": 0.2, "beta": 0.9, "include_background": False},
            1 - 1.2 / (1.2 + 0.2 * 0.1 + 0.9 * 0.8),
        ),
        (
            {"kind": "focal_tversky", "alpha": 0.2, "beta": 0.9, "gamma": 0.5, "include_background": False},
            math.sqrt(1 - 1.2 / (1.2 + 0.2 * 0.1 + 0.9 * 0.8)),
        ),
        # class 1, errors .6 (truth), .2 (truth), .1: IoU 1 → ½ → 0 → 0
        ({"kind": "lovasz", "include_background": False}, 0.6 * 0.5 + 0.2 * 0.5),
        # one object of two pixels, and w = A/(n·|O|) = 1
        ({"kind": "object_cross_entropy"}, -(math.log(0.8) + math.log(0.4) + math.log(0.9)) / 3),
        ({"kind": "object_jaccard", "gamma": 2}, (1 - 1.2 / 2.1) ** 2),
    ],
    ids=lambda v: "-".join(map(str, v.values())) if isinstance(v, dict) else "",
)
def test_by_hand(settings: dict[str, object], expected: float) -> None:
    assert value(TINY, LABEL, **settings) == pytest.approx(expected, rel=1e-12)


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


def test_alpha_prices_false_alarms_and_beta_misses() -> None:
    label = torch.zeros(1, 8, 8, dtype=torch.long)
    label[:, 2:6, 2:6] = 1
    wide, narrow = torch.zeros_like(label), torch.zeros_like(label)
    wide[:, 1:7, 2:6] = 1  # false alarms only
    narrow[:, 3:5, 2:6] = 1  # misses only
    for kind in ("tversky", "focal_tversky"):
        dear_alarms = LossSpec(kind=kind, alpha=0.9, beta=0.1, include_background=False).build()
        dear_misses = LossSpec(kind=kind, alpha=0.1, beta=0.9, include_background=False).build()
        assert dear_alarms(of_truth(wide, 2, 30), label) > 1.5 * dear_misses(of_truth(wide, 2, 30), label)
        assert dear_misses(of_truth(narrow, 2, 30), label) > 1.5 * dear_alarms(of_truth(narrow, 2, 30), label)


def test_jaccard_pulls_foreground_up_and_background_down_in_the_ratio_of_j() -> None:
    label = torch.zeros(1, 8, 8, dtype=torch.long)
    label[:, 2:5, 2:5] = 1
    p = torch.full((1, 8, 8), 0.3, dtype=torch.float64)
    logits = from_probabilities(p[0].tolist()).requires_grad_()
    loss = LossSpec(kind="jaccard", include_background=False).build()(logits, label)
    (gradient,) = torch.autograd.grad(loss, logits)
    inside, outside = gradient[0, 1][label[0] == 1].mean(), gradient[0, 1][label[0] == 0].mean()
    jaccard = 1 - loss.item()
    assert (-outside / inside).item() == pytest.approx(jaccard, rel=1e-9)


def test_a_confident_miss_is_pulled_by_cross_entropy_and_not_by_jaccard() -> None:
    label = torch.ones(1, 8, 8, dtype=torch.long)
    label[:, 4:] = 0
    logits = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    logits[label[:, None] == 1] = 20.0
    logits[0, 0, 0, 0] = -20.0
    logits[label[:, None] == 0] = -20.0
    logits.requires_grad_()
    pull = {}
    for kind in ("cross_entropy", "jaccard"):
        (gradient,) = torch.autograd.grad(LossSpec(kind=kind).build()(logits, label), logits)
        pull[kind] = -gradient[0, 0, 0, 0].item()
    assert pull["cross_entropy"] == pytest.approx(1 / 64)  # 1.6e-2
    assert 0 < pull["jaccard"] < 1e-9
