"""Losses of overlap: Jaccard, Dice, Tversky and its focal form, Lovász.

With I = Σ p·y, FP = Σ p − I and FN = Σ y − I, all sums over valid pixels of the batch (or of each image):
Tversky index = I / (I + α·FP + β·FN); (1, 1) is Jaccard, (½, ½) is Dice. The loss is the mean over classes of
1 − index.

A class that no label of the region shows has an index of 0 wherever it is predicted, without a gradient. It costs
its mean probability instead, which pushes each false positive down with the same force.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec


def jaccard(prediction: Prediction, spec: LossSpec) -> Tensor:
    """1 − I/U, mean over classes."""
    return _mean_over_regions(prediction, spec, _tversky_losses(prediction, spec, 1.0, 1.0))


def dice(prediction: Prediction, spec: LossSpec) -> Tensor:
    """1 − 2I/(U + I), mean over classes."""
    return _mean_over_regions(prediction, spec, _tversky_losses(prediction, spec, 0.5, 0.5))


def tversky(prediction: Prediction, spec: LossSpec) -> Tensor:
    """1 − I/(I + α·FP + β·FN), mean over classes."""
    return _mean_over_regions(prediction, spec, _tversky_losses(prediction, spec, spec.alpha or 0.0, spec.beta or 0.0))


def focal_tversky(prediction: Prediction, spec: LossSpec) -> Tensor:
    """(1 − TI)^γ, mean over classes."""
    distance = _tversky_losses(prediction, spec, spec.alpha or 0.0, spec.beta or 0.0)
    tiny = torch.finfo(distance.dtype).eps  # γ < 1 has no gradient at a perfect overlap
    return _mean_over_regions(prediction, spec, distance.clamp_min(tiny) ** (1.0 if spec.gamma is None else spec.gamma))


def lovasz(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Lovász extension of the Jaccard distance, mean over the classes that the labels show.

    Ignored pixels have no error, so that they sort last and weigh nothing. With two classes the errors of both are
    the same numbers: one sort serves both.
    """
    images = prediction.logits.shape[0] if spec.aggregate == "image" else 1
    first = 0 if spec.include_background else 1
    one_hot = prediction.one_hot[:, first:].transpose(0, 1)
    probabilities = prediction.probabilities[:, first:].transpose(0, 1)
    errors = ((one_hot - probabilities).abs() * prediction.weight).reshape(len(one_hot), images, -1)
    truth = one_hot.reshape(len(one_hot), images, -1)
    if prediction.classes == 2:
        order = errors[-1:].argsort(dim=-1, descending=True).expand(len(one_hot), -1, -1)
    else:
        order = errors.argsort(dim=-1, descending=True)
    ordered = truth.gather(-1, order)
    area = truth.sum(-1, keepdim=True)
    found = ordered.cumsum(-1)
    seen = torch.arange(1, truth.shape[-1] + 1, device=truth.device, dtype=truth.dtype)
    index = 1 - (area - found) / (area + seen - found)
    steps = torch.cat([index[..., :1], index[..., 1:] - index[..., :-1]], dim=-1)
    losses = (errors.gather(-1, order) * steps).sum(-1)  # (classes, images)
    present = (area[..., 0] > 0).to(losses.dtype)
    return (losses * present).sum() / present.sum().clamp_min(1)


def _tversky_losses(prediction: Prediction, spec: LossSpec, alpha: float, beta: float) -> Tensor:
    """(1 or N, classes): 1 − index where the class is in the label, its mean probability where it is not."""
    hit, mass, area, pixels = (
        each.sum(0, keepdim=True) if spec.aggregate == "batch" else each
        for each in (prediction.intersection, prediction.mass, prediction.area, prediction.image_pixels[:, None])
    )
    denominator = hit + alpha * (mass - hit) + beta * (area - hit)
    present = area > 0
    index = hit / torch.where(present, denominator, 1).clamp_min(torch.finfo(hit.dtype).tiny)
    losses = torch.where(present, 1 - index, mass / pixels.clamp_min(1))
    return losses if spec.include_background else losses[:, 1:]


def _mean_over_regions(prediction: Prediction, spec: LossSpec, losses: Tensor) -> Tensor:
    """Mean over classes, then over the images that have a valid pixel."""
    per_region = losses.mean(1)
    counts = prediction.image_pixels if spec.aggregate == "image" else prediction.pixels[None]
    seen = (counts > 0).to(losses.dtype)
    return (per_region * seen).sum() / seen.sum().clamp_min(1)
