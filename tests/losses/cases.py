"""Every kind of loss in the settings that are worth trying, and random predictions to try them on."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec

_VARIANTS = (
    {"kind": "cross_entropy"},
    {"kind": "weighted_cross_entropy", "class_weights": True},
    {"kind": "focal"},
    {"kind": "focal", "gamma": 0.5, "alpha": 0.25},
    {"kind": "focal", "gamma": 3, "class_weights": True},
    {"kind": "jaccard"},
    {"kind": "jaccard", "aggregate": "image", "include_background": False},
    {"kind": "dice"},
    {"kind": "dice", "aggregate": "image"},
    {"kind": "tversky"},
    {"kind": "tversky", "alpha": 0.9, "beta": 0.2, "include_background": False},
    {"kind": "focal_tversky"},
    {"kind": "focal_tversky", "alpha": 0.6, "beta": 0.4, "gamma": 1.5, "aggregate": "image"},
    {"kind": "lovasz"},
    {"kind": "lovasz", "aggregate": "image", "include_background": False},
    {"kind": "object_cross_entropy"},
    {"kind": "object_jaccard"},
    {"kind": "object_jaccard", "gamma": 1},
    {
        "kind": "combined",
        "terms": (
            {"factor": 0.5, "loss": {"kind": "focal", "gamma": 1}},
            {"factor": 2, "loss": {"kind": "tversky"}},
            {"loss": {"kind": "object_jaccard"}},
        ),
    },
)
WEIGHTS = (0.5, 4.0, 9.0, 2.0)


def specs(classes: int) -> list[LossSpec]:
    """The table, with as many class weights as there are classes."""
    weights = {"class_weights": WEIGHTS[:classes]}
    return [LossSpec(**(v | weights if "class_weights" in v else v)) for v in _VARIANTS]


BINARY, FOUR = specs(2), specs(4)


def name(spec: LossSpec) -> str:
    """Short and unique, for the test's name."""
    given = spec.model_dump(exclude_defaults=True, exclude={"kind", "terms"})
    return "-".join([spec.kind, *(f"{k}={v}" for k, v in given.items())]).replace(" ", "")


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
