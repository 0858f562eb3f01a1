"""Every kind of loss in the settings that are worth trying, and predictions to try them on."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, hypot, log, pi, sqrt
from typing import Any

import torch
from torch import Tensor

from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec


@dataclass(frozen=True)
class Case:
    """One loss in one setting.

    Attributes:
        settings: of its ``LossSpec``; class weights that are True become ``WEIGHTS``.
        by_hand: its value on ``EXAMPLE``, as worked out by hand. Each kind has one case with such a value.
    """

    settings: dict[str, Any]
    by_hand: float | None = None


CE = -(log(0.8) + log(0.4) + log(0.9)) / 3
DICE = 1 - (1.8 / 2.7 + 2.4 / 3.3) / 2
SPREAD = ((1.3 - 2) / 2) ** 2
SCALE = 1 - (1.3 + SPREAD) / (2 + SPREAD) * 1.2 / 2.1
"""Of the one object: S = 1.3, A = 2, IoU = 1.2/2.1."""


def _polar(x: float, y: float, u: float, v: float) -> float:
    near, far = sorted((hypot(x, y), hypot(u, v)))
    return 1 - near / far + 4 / pi**2 * (atan2(y, x) - atan2(v, u)) ** 2


X, Y = (0.25 * 0.9 + 0.75 * 0.4) / 1.3, (0.25 * 1.2 + 0.75 * 0.1) / 1.3
"""Centre of the probabilities, in sides of the image; that of the object is ½, ¼."""
LOCATION = (
    _polar(X, Y, 0.5, 0.25)
    + _polar(1 - X, Y, 0.5, 0.25)
    + _polar(X, 1 - Y, 0.5, 0.75)
    + _polar(1 - X, 1 - Y, 0.5, 0.75)
) / 4

CASES = (
    Case({"kind": "cross_entropy"}, -(log(0.8) + log(0.4) + log(0.9)) / 3),
    Case(
        {"kind": "weighted_cross_entropy", "class_weights": True},
        -(4 * log(0.8) + 4 * log(0.4) + 0.5 * log(0.9)) / 8.5,
    ),
    Case({"kind": "focal"}, -(0.04 * log(0.8) + 0.36 * log(0.4) + 0.01 * log(0.9)) / 3),
    Case(
        {"kind": "focal", "gamma": 0.5, "alpha": 0.25},
        -(0.25 * (sqrt(0.2) * log(0.8) + sqrt(0.6) * log(0.4)) + 0.75 * sqrt(0.1) * log(0.9)) / 3,
    ),
    Case({"kind": "focal", "gamma": 3, "class_weights": True}),
    Case({"kind": "jaccard"}, 1 - (0.9 / 1.8 + 1.2 / 2.1) / 2),
    Case({"kind": "jaccard", "aggregate": "image", "include_background": False}, 1 - 1.2 / 2.1),
    Case({"kind": "dice"}, 1 - (1.8 / 2.7 + 2.4 / 3.3) / 2),
    Case({"kind": "dice", "aggregate": "image"}),
    Case(
        {"kind": "tversky"},
        1 - (0.9 / (0.9 + 0.3 * 0.8 + 0.7 * 0.1) + 1.2 / (1.2 + 0.3 * 0.1 + 0.7 * 0.8)) / 2,
    ),
    Case(
        {"kind": "tversky", "alpha": 0.9, "beta": 0.2, "include_background": False},
        1 - 1.2 / (1.2 + 0.9 * 0.1 + 0.2 * 0.8),
    ),
    Case({"kind": "focal_tversky"}),
    Case(
        {"kind": "focal_tversky", "alpha": 0.6, "beta": 0.4, "gamma": 1.5, "aggregate": "image"},
        ((1 - 0.9 / (0.9 + 0.6 * 0.8 + 0.4 * 0.1)) ** 1.5 + (1 - 1.2 / (1.2 + 0.6 * 0.1 + 0.4 * 0.8)) ** 1.5) / 2,
    ),
    Case({"kind": "lovasz"}),
    # class 1, errors .6 (truth), .2 (truth), .1: IoU 1 → ½ → 0 → 0
    Case({"kind": "lovasz", "aggregate": "image", "include_background": False}, 0.6 * 0.5 + 0.2 * 0.5),
    # one object of two pixels, and w = A/(n·|O|) = 1
    Case({"kind": "object_cross_entropy"}, -(log(0.8) + log(0.4) + log(0.9)) / 3),
    Case({"kind": "object_jaccard"}, (1 - 1.2 / 2.1) ** 2),
    Case({"kind": "object_jaccard", "gamma": 1}, 1 - 1.2 / 2.1),
    # the mean of y around each pixel is 2/3, so that q = .9, .9 and .2, Σ|p − q| = .1 + .5 + .1, Σq = 2 and 1
    Case({"kind": "soft_jaccard", "smoothing": 0.3}, (1.4 / (1.3 + 2 + 0.7) + 1.4 / (1.7 + 1 + 0.7)) / 2),
    Case({"kind": "soft_jaccard", "smoothing": 0}, 1 - (0.9 / 1.8 + 1.2 / 2.1) / 2),
    Case({"kind": "soft_jaccard", "aggregate": "image", "include_background": False}, 1.4 / (1.3 + 2 + 0.7)),
    Case({"kind": "dice_cross_entropy"}, DICE + CE),
    Case(
        {"kind": "dice_cross_entropy", "ce_factor": 0.5, "class_weights": True, "include_background": False},
        1 - 2.4 / 3.3 - 0.5 * (4 * log(0.8) + 4 * log(0.4) + 0.5 * log(0.9)) / 8.5,
    ),
    Case({"kind": "dice_topk"}, DICE - log(0.4)),  # .3 pixels: at least one
    Case({"kind": "dice_topk", "top_share": 0.5, "ce_factor": 2}, DICE - 2 * (log(0.4) + 0.5 * log(0.8)) / 1.5),
    Case({"kind": "component_dice_cross_entropy"}, 0.5 * (DICE + CE) + 0.5 * (1 - 2.4 / 3.3 + CE)),
    Case({"kind": "component_dice_cross_entropy", "component_share": 1}, 1 - 2.4 / 3.3 + CE),
    Case(
        {"kind": "unified_focal"},
        0.5 * -(0.6 * log(0.8) + 0.6 * log(0.4) + 0.4 * sqrt(0.1) * log(0.9)) / 3
        + 0.25 * (1 - 0.9 / (0.9 + 0.4 * 0.8 + 0.6 * 0.1) + sqrt(1 - 1.2 / (1.2 + 0.4 * 0.1 + 0.6 * 0.8))),
    ),
    Case(
        {"kind": "unified_focal", "focal_share": 1, "delta": 0.7, "gamma": 0.2},
        -(0.7 * log(0.8) + 0.7 * log(0.4) + 0.3 * 0.1**0.2 * log(0.9)) / 3,
    ),
    Case({"kind": "unified_focal", "focal_share": 0, "delta": 0.5, "gamma": 0}, DICE),
    # distances to the other side: 1, √2, 1, less ½ and in units of 20
    Case({"kind": "boundary"}, 0.5 * (DICE + CE) + 0.5 * (0.5 * 0.2 + (sqrt(2) - 0.5) * 0.6 + 0.5 * 0.1) / 20 / 3),
    Case(
        {"kind": "boundary", "alpha": 1, "reach": 1, "alpha_end": 0.5},
        (0.5 * 0.2 + (sqrt(2) - 0.5) * 0.6 + 0.5 * 0.1) / 3,
    ),
    Case({"kind": "boundary", "alpha": 0.9, "reach": 2.5}),
    Case({"kind": "scale_location"}, SCALE + LOCATION),
    Case({"kind": "scale_location", "location_factor": 0}, SCALE),
    Case(
        {
            "kind": "combined",
            "terms": (
                {"factor": 0.5, "loss": {"kind": "focal", "gamma": 1}},
                {"factor": 2, "loss": {"kind": "jaccard", "include_background": False}},
                {"loss": {"kind": "object_jaccard"}},
            ),
        },
        -0.5 * (0.2 * log(0.8) + 0.6 * log(0.4) + 0.1 * log(0.9)) / 3 + 2 * (1 - 1.2 / 2.1) + (1 - 1.2 / 2.1) ** 2,
    ),
)
WEIGHTS = (0.5, 4.0, 9.0, 2.0)
SPATIAL = ("soft_jaccard", "boundary")
"""Kinds that read no objects, and yet ask where a pixel lies."""


def make_spec(case: Case, classes: int) -> LossSpec:
    """The case's spec, with as many class weights as there are classes."""
    weights = {"class_weights": WEIGHTS[:classes]} if "class_weights" in case.settings else {}
    return LossSpec(**case.settings | weights)


def specs(classes: int) -> list[LossSpec]:
    """The whole table."""
    return [make_spec(case, classes) for case in CASES]


BINARY, FOUR = specs(2), specs(4)


def name(spec: LossSpec) -> str:
    """Short and unique, for the test's name."""
    given = spec.model_dump(exclude_defaults=True, exclude={"kind", "terms"})
    return "-".join([spec.kind, *(f"{k}={v}" for k, v in given.items())]).replace(" ", "")


def from_probabilities(foreground: list[list[float]]) -> Tensor:
    """Logits (1, 2, H, W) that give these probabilities of class 1."""
    return torch.logit(torch.tensor([foreground], dtype=torch.float64))[:, None] * torch.tensor(
        [-0.5, 0.5], dtype=torch.float64
    ).view(1, 2, 1, 1)


EXAMPLE = from_probabilities([[0.8, 0.4], [0.1, 0.5]]), torch.tensor([[[1, 1], [0, IGNORE]]])
"""Logits and label. Class 1: I = 1.2, Σp = 1.3, Σy = 2; class 0: I = .9, Σp = 1.7, Σy = 1."""


def random_case(
    seed: int,
    classes: int = 2,
    shape: tuple[int, int, int] = (3, 9, 8),
    ignored: float = 0.15,
    scale: float = 2.0,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor]:
    """Normal logits (N, K, H, W) and blocky labels (N, H, W), so that there are objects of several pixels."""
    random = torch.Generator().manual_seed(seed)
    n, h, w = shape
    coarse = torch.randint(0, classes, (n, (h + 1) // 2, (w + 1) // 2), generator=random)
    labels = coarse.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, :h, :w].clone()
    labels[torch.rand(shape, generator=random) < 0.1] = 0
    labels[torch.rand(shape, generator=random) < ignored] = IGNORE
    return scale * torch.randn(n, classes, h, w, generator=random, dtype=dtype), labels


def of_truth(labels: Tensor, classes: int, logit: float) -> Tensor:
    """Logits (N, K, H, W) in float64: ``logit`` for the labelled class, 0 for the others."""
    return torch.nn.functional.one_hot(labels % IGNORE, classes).movedim(-1, 1).double() * logit
