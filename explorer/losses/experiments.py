"""Small experiments on drawn labels that show what a loss wants, without any training.

All of them lay square objects on a field and ask each loss for its value, and for its pull on single pixels,
when the segmenter is right or wrong in a given way. Binary: class 0 is the background, class 1 the objects.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.losses.lab import Blindness, Cost, LossCurve, SyntheticLabel, curve_label
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec

Mask = NDArray[np.bool_]  # (H, W)


def loss_curves(specs: Sequence[LossSpec], share: float, points: int = 33) -> tuple[LossCurve, ...]:
    """Every loss, and its pull on a pixel of an object and on one of the background, against the probability.

    Args:
        share: foreground share of the field, in (0, 0.5].
        points: how many probabilities between 0.005 and 0.995 are tried.
    """
    field = curve_label(share)
    label = torch.from_numpy(field.label).double()
    probability = 0.5 - 0.495 * np.cos(np.linspace(0, np.pi, points))  # closer where curves bend
    losses = [build_loss(spec) for spec in specs]
    values = np.empty((len(specs), points))
    pulls = np.empty((len(specs), 2, points))
    for i, p in enumerate(probability):
        logits = _logits(label, math.log(p / (1 - p))).requires_grad_()
        prediction = _prediction(logits, field)
        for j, loss in enumerate(losses):
            value = loss.of(prediction)
            (gradient,) = torch.autograd.grad(value, logits, retain_graph=True)
            pull = -label.numel() * gradient[0]
            values[j, i] = value.item()
            pulls[j, :, i] = pull[1][label == 1].mean().item(), pull[0][label == 0].mean().item()
    return tuple(LossCurve(spec, probability, values[j], pulls[j, 0], pulls[j, 1]) for j, spec in enumerate(specs))


def compare_misses(
    specs: Sequence[LossSpec],
    field: SyntheticLabel,
    missed_of_one: int,
    objects_hit: int,
    confidence: float,
) -> tuple[tuple[Mask, Mask], tuple[Cost, ...]]:
    """ "n pixels of one object" against "one pixel of n objects".

    Args:
        missed_of_one: pixels missed of a single object.
        objects_hit: objects that lose one pixel each.
        confidence: probability of the class that the segmenter decides for, right or wrong.

    Returns:
        The two masks of missed pixels, (H, W) each, and what each loss charges for them.
    """
    first = np.zeros(field.ids.shape, dtype=bool)
    middle = (int(field.ids.max()) + 1) // 2
    rows, columns = np.nonzero(field.ids == middle)
    first[rows[:missed_of_one], columns[:missed_of_one]] = True
    second = np.zeros_like(first)
    _, corner = np.unique(field.ids, return_index=True)
    second.flat[corner[1 : objects_hit + 1]] = True  # unique's first entry is the background
    charged = _charges(specs, field, (first, second), confidence)
    return (first, second), tuple(Cost(spec, *costs) for spec, costs in zip(specs, charged, strict=True))


def blind_spot(specs: Sequence[LossSpec], field: SyntheticLabel, confidence: float) -> tuple[Blindness, ...]:
    """What each loss charges for missing every object, against as many false alarms beside the objects.

    Cross-entropy charges the share of the foreground for a segmenter that says "background" everywhere.
    """
    missed = field.label == 1
    shifted = np.roll(missed, round(math.sqrt(missed.sum() / field.ids.max())), axis=1) & ~missed
    charged = _charges(specs, field, (missed, shifted, np.ones_like(missed)), confidence)
    return tuple(
        Blindness(Cost(spec, nothing_found, false_alarms), worst)
        for spec, (nothing_found, false_alarms, worst) in zip(specs, charged, strict=True)
    )


def _charges(
    specs: Sequence[LossSpec], field: SyntheticLabel, wrong: Sequence[Mask], confidence: float
) -> list[list[float]]:
    """For each loss what it charges for each mask of wrong pixels, above what it charges for none."""
    label = torch.from_numpy(field.label).double()
    logit = math.log(confidence / (1 - confidence))
    predictions = [
        _prediction(_logits(label, torch.where(torch.from_numpy(mask), -logit, logit)), field)
        for mask in (np.zeros_like(wrong[0]), *wrong)
    ]
    charged = []
    for spec in specs:
        loss = build_loss(spec)
        right, *values = (loss.of(prediction).item() for prediction in predictions)
        charged.append([value - right for value in values])
    return charged


def _logits(label: Tensor, toward_truth: float | Tensor) -> Tensor:
    """Logits (1, 2, H, W) in which the true class is ``toward_truth`` above the other."""
    foreground = (2 * label - 1) * toward_truth / 2
    return torch.stack([-foreground, foreground])[None]


def _prediction(logits: Tensor, field: SyntheticLabel) -> Prediction:
    return Prediction(
        logits,
        torch.from_numpy(field.label)[None],
        ids=torch.from_numpy(field.ids)[None],
        owners=torch.from_numpy(field.owners)[None, None],
    )
