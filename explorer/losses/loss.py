"""The loss as a callable: a thin class over the functions of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from explorer.errors import InputError
from explorer.losses import objects, pixelwise, regions
from explorer.losses.prediction import Prediction
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec


def combined(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Σ λ·L over the terms."""
    return torch.stack([term.factor * FUNCTIONS[term.loss.kind](prediction, term.loss) for term in spec.terms]).sum()


FUNCTIONS: Mapping[LossKind, Callable[[Prediction, LossSpec], Tensor]] = {
    "cross_entropy": pixelwise.cross_entropy,
    "weighted_cross_entropy": pixelwise.weighted_cross_entropy,
    "focal": pixelwise.focal,
    "jaccard": regions.jaccard,
    "dice": regions.dice,
    "tversky": regions.tversky,
    "focal_tversky": regions.focal_tversky,
    "lovasz": regions.lovasz,
    "object_cross_entropy": objects.object_cross_entropy,
    "object_jaccard": objects.object_jaccard,
    "combined": combined,
}


class Loss:
    """A loss with its settings.

    Args:
        spec: which one.

    Raises:
        InputError: the class weights are still a rule.
    """

    def __init__(self, spec: LossSpec) -> None:
        _refuse_rules(spec)
        self.spec = spec
        self._function = FUNCTIONS[spec.kind]

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits (N, K, H, W) against labels (N, H, W); a scalar in float32 (float64 for float64)."""
        return self.of(Prediction(logits, labels))

    def of(self, prediction: Prediction) -> Tensor:
        """The loss of a prediction that other losses share; a scalar."""
        return self._function(prediction, self.spec)

    def __repr__(self) -> str:
        return f"Loss({self.spec!r})"


def _refuse_rules(spec: LossSpec) -> None:
    if isinstance(spec.class_weights, str):
        raise InputError(
            f"the rule {spec.class_weights!r} has not been turned into numbers",
            "class_weights",
            "call resolved() with the data's weights first",
        )
    for term in spec.terms:
        _refuse_rules(term.loss)


def logged_losses(weights: Sequence[float]) -> dict[LossKind, Loss]:
    """What a run logs whatever it trains: every loss of the registry with its default settings.

    Args:
        weights: class weights of the weighted cross-entropy, background first.
    """
    specs = [
        LossSpec(kind=kind, class_weights=tuple(weights) if kind == "weighted_cross_entropy" else None)
        for kind in LOSSES
        if kind != "combined"
    ]
    return {spec.kind: spec.build() for spec in specs}


def evaluate_losses(prediction: Prediction, losses: Sequence[Loss]) -> Tensor:
    """(L,): the losses of one prediction, without gradients, in one tensor so that one synchronisation reads them."""
    with torch.no_grad():
        return torch.stack([loss.of(prediction) for loss in losses])
