"""Small experiments on synthetic labels that show how losses behave, without any training.

Each places square objects on a background and evaluates every loss, or its gradient at single pixels, for a segmenter
that is right or wrong in a given way. Binary: class 0 is the background, class 1 the objects.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.losses.lab import AllBackgroundLoss, Cost, LossCurve, SyntheticLabel, curve_label, first_objects
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec

Mask = NDArray[np.bool_]  # (H, W)


def loss_curves(specs: Sequence[LossSpec], share: float, points: int = 33) -> tuple[LossCurve, ...]:
    """Every loss, and its gradient at an object pixel and at a background pixel, against the probability.

    Args:
        specs: of the losses, class weights as numbers.
        share: foreground share of the label, in (0, 0.5].
        points: how many probabilities between 0.005 and 0.995 are evaluated.

    Raises:
        InputError: a loss has a rule for its class weights.
    """
    synthetic = curve_label(share)
    label = torch.from_numpy(synthetic.label).double()
    probability = 0.5 - 0.495 * np.cos(np.linspace(0, np.pi, points))  # denser where curves bend
    losses = [build_loss(spec) for spec in specs]
    values = np.empty((len(specs), points))
    gradients = np.empty((len(specs), 2, points))
    for i, p in enumerate(probability):
        logits = _logits(label, math.log(p / (1 - p))).requires_grad_()
        prediction = _prediction(logits, synthetic)
        for j, loss in enumerate(losses):
            value = loss.of(prediction)
            (gradient,) = torch.autograd.grad(value, logits, retain_graph=True)
            scaled = -label.numel() * gradient[0]
            values[j, i] = value.item()
            gradients[j, :, i] = scaled[1][label == 1].mean().item(), scaled[0][label == 0].mean().item()
    return tuple(
        LossCurve(spec, probability, values[j], gradients[j, 0], gradients[j, 1]) for j, spec in enumerate(specs)
    )


def compare_misses(
    specs: Sequence[LossSpec],
    synthetic: SyntheticLabel,
    missed_of_one: int,
    objects_with_miss: int,
    confidence: float,
) -> tuple[tuple[Mask, Mask], tuple[Cost, ...]]:
    """ "n pixels of one object" against "one pixel of n objects".

    Args:
        specs: of the losses, class weights as numbers.
        synthetic: the label.
        missed_of_one: pixels missed of a single object, at most its area.
        objects_with_miss: objects that lose one pixel each, at most those of the label.
        confidence: probability of the predicted class, right or wrong, in (0.5, 1).

    Returns:
        The two masks of missed pixels, (H, W) each, and what each loss adds for them.

    Raises:
        InputError: a loss has a rule for its class weights.
    """
    first = np.zeros(synthetic.ids.shape, dtype=bool)
    middle = (int(synthetic.ids.max()) + 1) // 2
    rows, columns = np.nonzero(synthetic.ids == middle)
    first[rows[:missed_of_one], columns[:missed_of_one]] = True
    second = np.zeros_like(first)
    _, corner = np.unique(synthetic.ids, return_index=True)
    second.flat[corner[1 : objects_with_miss + 1]] = True  # unique's first entry is the background
    costs = _costs(specs, synthetic, (first, second), confidence)
    return (first, second), tuple(Cost(spec, *pair) for spec, pair in zip(specs, costs, strict=True))


def compare_missed(
    specs: Sequence[LossSpec], synthetic: SyntheticLabel, missed: Sequence[int], confidence: float
) -> tuple[Cost, ...]:
    """What each loss adds for the given missed pixels, and for as many in as few objects as possible.

    Args:
        specs: of the losses, class weights as numbers.
        synthetic: the label.
        missed: numbers of pixels, row by row; those of the background are left out.
        confidence: probability of the predicted class, right or wrong, in (0.5, 1).

    Raises:
        InputError: a loss has a rule for its class weights.
    """
    given = np.zeros(synthetic.ids.shape, dtype=bool)
    given.flat[[pixel for pixel in missed if 0 <= pixel < given.size]] = True
    given &= synthetic.ids > 0
    costs = _costs(specs, synthetic, (given, first_objects(synthetic, int(given.sum()))), confidence)
    return tuple(Cost(spec, *pair) for spec, pair in zip(specs, costs, strict=True))


def gradients_where_missed(
    specs: Sequence[LossSpec], share: float, probabilities: Sequence[float]
) -> NDArray[np.float64]:
    """−∂L/∂z at a pixel of an object, z being the logit of its class, where a segmenter finds nothing anywhere.

    Args:
        specs: of the losses, class weights as numbers.
        share: foreground share of the label, in (0, 0.5].
        probabilities: of the objects' class, the same at every pixel, in (0, 1).

    Returns:
        (losses, probabilities), mean over the pixels of objects.

    Raises:
        InputError: a loss has a rule for its class weights.
    """
    synthetic = curve_label(share)
    label = torch.from_numpy(synthetic.label).double()
    losses = [build_loss(spec) for spec in specs]
    found = np.empty((len(specs), len(probabilities)))
    for i, p in enumerate(probabilities):
        z = math.log(p) - math.log1p(-p)
        logits = torch.stack([torch.full_like(label, -z / 2), torch.full_like(label, z / 2)])[None].requires_grad_()
        prediction = _prediction(logits, synthetic)
        for j, loss in enumerate(losses):
            (gradient,) = torch.autograd.grad(loss.of(prediction), logits, retain_graph=True)
            found[j, i] = -gradient[0, 1][label == 1].mean().item()
    return found


def cost_of_finding_nothing(
    specs: Sequence[LossSpec], synthetic: SyntheticLabel, confidence: float
) -> tuple[AllBackgroundLoss, ...]:
    """What each loss adds for missing every object, and for as many false alarms beside the objects.

    Under cross-entropy, predicting only background costs the foreground share of being wrong everywhere.

    Args:
        specs: of the losses, class weights as numbers.
        synthetic: the label, with at least one object.
        confidence: probability of the predicted class, right or wrong, in (0.5, 1).

    Raises:
        InputError: a loss has a rule for its class weights.
    """
    missed = synthetic.label == 1
    side = round(math.sqrt(missed.sum() / synthetic.ids.max()))
    shifted = np.roll(missed, side, axis=1) & ~missed
    costs = _costs(specs, synthetic, (missed, shifted, np.ones_like(missed)), confidence)
    return tuple(
        AllBackgroundLoss(Cost(spec, nothing_found, false_alarms), worst)
        for spec, (nothing_found, false_alarms, worst) in zip(specs, costs, strict=True)
    )


def _costs(
    specs: Sequence[LossSpec], synthetic: SyntheticLabel, wrong: Sequence[Mask], confidence: float
) -> list[list[float]]:
    """For each loss and each mask of wrong pixels: its value minus the value without any wrong pixel."""
    label = torch.from_numpy(synthetic.label).double()
    logit = math.log(confidence / (1 - confidence))
    predictions = [
        _prediction(_logits(label, torch.where(torch.from_numpy(mask), -logit, logit)), synthetic)
        for mask in (np.zeros_like(wrong[0]), *wrong)
    ]
    costs = []
    for spec in specs:
        loss = build_loss(spec)
        right, *values = (loss.of(prediction).item() for prediction in predictions)
        costs.append([value - right for value in values])
    return costs


def _logits(label: Tensor, margin: float | Tensor) -> Tensor:
    """Logits (1, 2, H, W) in which the true class is ``margin`` above the other."""
    foreground = (2 * label - 1) * margin / 2
    return torch.stack([-foreground, foreground])[None]


def _prediction(logits: Tensor, synthetic: SyntheticLabel) -> Prediction:
    return Prediction(
        logits,
        torch.from_numpy(synthetic.label)[None],
        ids=torch.from_numpy(synthetic.ids)[None],
        owners=torch.from_numpy(synthetic.owners)[None, None],
    )
