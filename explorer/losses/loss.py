"""The loss as a callable: the functions of this package, found by their entries in the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import torch
from torch import Tensor

from explorer.errors import InputError
from explorer.losses.prediction import Prediction
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec, logged_specs

LossFunction = Callable[[Prediction, LossSpec], Tensor]


@dataclass(frozen=True)
class Loss:
    """A loss with its settings. ``build_loss`` makes one."""

    spec: LossSpec
    function: LossFunction

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits (N, K, H, W) against labels (N, H, W); a scalar in float32 (float64 for float64)."""
        return self.of(Prediction(logits, labels))

    def of(self, prediction: Prediction) -> Tensor:
        """The loss of a prediction that other losses share; a scalar."""
        return self.function(prediction, self.spec)


def build_loss(spec: LossSpec) -> Loss:
    """The loss as a callable.

    >>> logits = torch.tensor([0.0, 3.0]).log().view(1, 2, 1, 1)  # p = 0 and 1
    >>> build_loss(LossSpec(kind="jaccard"))(logits, torch.tensor([[[1]]]))
    tensor(0.)

    Raises:
        InputError: class weights are still a rule, or the kind is not in the registry.
    """
    _refuse_rules(spec)
    return Loss(spec, loss_function(spec.kind))


@cache
def loss_function(kind: LossKind) -> LossFunction:
    """The function that the registry's entry names.

    Raises:
        InputError: the kind is not in the registry.
    """
    if kind not in LOSSES:
        raise InputError(f"there is no loss {kind!r}", "kind", f"take one of {', '.join(LOSSES)}")
    module, name = LOSSES[kind].function.split(":")
    function: LossFunction = getattr(import_module(f"explorer.losses.{module}"), name)
    return function


def combined(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Σ λ·L over the terms."""
    return torch.stack(
        [term.factor * loss_function(term.loss.kind)(prediction, term.loss) for term in spec.terms]
    ).sum()


def _refuse_rules(spec: LossSpec) -> None:
    if isinstance(spec.class_weights, str):
        raise InputError(
            f"the rule {spec.class_weights!r} has not been turned into numbers",
            "class_weights",
            "call resolved() with the data's weights first",
        )
    for term in spec.terms:
        _refuse_rules(term.loss)


def logged_losses(weights: Sequence[float], also: Iterable[LossKind] = ()) -> dict[LossKind, Loss]:
    """What a run logs: the losses of ``logged_specs``.

    Args:
        weights: class weights of the losses that need some, background first.
        also: the losses of the run's phases.
    """
    return {kind: build_loss(spec) for kind, spec in logged_specs(weights, also).items()}


def evaluate_losses(prediction: Prediction, losses: Sequence[Loss]) -> Tensor:
    """(L,): the losses of one prediction, without gradients, in one tensor so that one synchronisation reads them."""
    with torch.no_grad():
        return torch.stack([loss.of(prediction) for loss in losses])
