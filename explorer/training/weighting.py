"""The class weights of a run: computed from the training scenes where a rule is given, checked against the classes."""

from __future__ import annotations

from explorer.errors import InputError
from explorer.imagery.balance import class_balance
from explorer.imagery.scene import Dataset
from explorer.losses.spec import LossSpec
from explorer.losses.weights import WeightsOf, weights_of_shares
from explorer.training.plan import Plan


def weights_of_data(dataset: Dataset) -> WeightsOf:
    """Turns a weight rule and a cap into class weights, from the training scenes."""
    return weights_of_shares(class_balance(dataset.training, dataset.classes))


def logged_weights(plan: Plan, weights_of: WeightsOf) -> tuple[float, ...]:
    """Class weights of the losses that are logged: those of the plan's first weighted phase, or inverse frequencies.

    With the plan's weights, the logged loss equals the trained one.
    """
    for phase in plan.phases:
        weights = phase.loss.resolved(weights_of).class_weights
        if phase.loss.kind == "weighted_cross_entropy" and isinstance(weights, tuple):
            return weights
    return weights_of("inverse_frequency", None)


def check_weights(plan: Plan, classes: int) -> None:
    """Every loss of the plan that has class weights has one for each class.

    Raises:
        InputError: names the phase or intervention, and the term, whose loss has another number.
    """
    for i, phase in enumerate(plan.phases):
        check_loss_weights(phase.loss, classes, f"phases[{i}].loss")
    for i, intervention in enumerate(plan.interventions):
        if intervention.loss is not None:
            check_loss_weights(intervention.loss, classes, f"interventions[{i}].loss")


def check_loss_weights(spec: LossSpec, classes: int, where: str) -> None:
    """Likewise for one loss and its terms.

    Args:
        where: its field, for the error.

    Raises:
        InputError: the loss, or one of its terms, has another number of weights.
    """
    weights = spec.class_weights
    if isinstance(weights, tuple) and len(weights) != classes:
        raise InputError(
            f"{len(weights)} weights for {classes} classes",
            f"{where}.class_weights",
            "give one for each class, background first",
        )
    for j, term in enumerate(spec.terms):
        check_loss_weights(term.loss, classes, f"{where}.terms[{j}].loss")
