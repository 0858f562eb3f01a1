"""The class weights of a run: rules turned into numbers by the training scenes, and checked against the classes."""

from __future__ import annotations

from collections.abc import Callable

from explorer.errors import InputError
from explorer.imagery.balance import class_balance
from explorer.imagery.scene import Dataset
from explorer.losses.spec import WeightRule
from explorer.losses.weights import class_weights
from explorer.training.plan import Plan

WeightsOf = Callable[[WeightRule, float | None], tuple[float, ...]]
"""Gives the weights for a rule and a cap."""


def weights_of_data(dataset: Dataset) -> WeightsOf:
    """Turns a weight rule and a cap into class weights, from the training scenes."""
    shares = class_balance(dataset.training, dataset.classes)
    pixels, objects = [share.pixels for share in shares], [share.objects or 0 for share in shares]
    return lambda rule, cap: class_weights(rule, pixels, objects, cap)


def logged_weights(plan: Plan, weights_of: WeightsOf) -> tuple[float, ...]:
    """The plan's own weights where a phase has some, so that the logged curve is the trained one."""
    for phase in plan.phases:
        if phase.loss.kind == "weighted_cross_entropy" and isinstance(phase.loss.class_weights, tuple):
            return phase.loss.class_weights
    return weights_of("inverse_frequency", None)


def check_weights(plan: Plan, classes: int) -> None:
    """Every phase that gives weights by hand gives one a class.

    Raises:
        InputError: a phase does not, which is named.
    """
    for i, phase in enumerate(plan.phases):
        weights = phase.loss.class_weights
        if isinstance(weights, tuple) and len(weights) != classes:
            raise InputError(
                f"{len(weights)} weights for {classes} classes",
                f"phases[{i}].loss.class_weights",
                "give one a class, background first",
            )
