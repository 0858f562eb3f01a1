"""Losses that are a mean over pixels: cross-entropy, weighted, focal.

All means are over valid pixels; where every pixel is ignored the result is a zero that backward can follow.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec


def cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """−mean log p of the labelled class."""
    return prediction.surprise.sum() / prediction.pixels.clamp_min(1)


def weighted_cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """−Σ w log p / Σ w, as torch has it: only the ratio of the weights matters."""
    weight = _class_weight(prediction, spec)
    total = weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)  # where nothing weighs anything, the loss is 0
    return (prediction.surprise * weight).sum() / total


def focal(prediction: Prediction, spec: LossSpec) -> Tensor:
    """−Σ α (1 − p)^γ log p / N over valid pixels; with class weights or α, N stays the number of pixels.

    1 − p comes from the logits or the log-probability and is exact where it is tiny; the clamp keeps the gradient
    finite where γ < 1 meets a pixel that is certain.
    """
    per_pixel = prediction.surprise
    if spec.gamma:
        doubt = prediction.doubt
        per_pixel = per_pixel * doubt.clamp_min(torch.finfo(doubt.dtype).tiny) ** spec.gamma
    if spec.class_weights is not None:
        per_pixel = per_pixel * _class_weight(prediction, spec)
    if spec.alpha is not None:
        per_pixel = per_pixel * (spec.alpha + (1 - 2 * spec.alpha) * prediction.one_hot[:, 0])
    return per_pixel.sum() / prediction.pixels.clamp_min(1)


def _class_weight(prediction: Prediction, spec: LossSpec) -> Tensor:
    """(N, H, W): the weight of each pixel's class, 0 where it is ignored."""
    weights = spec.class_weights
    if not isinstance(weights, tuple) or len(weights) != prediction.classes:
        raise ValueError(f"class_weights must be {prediction.classes} numbers, got {weights!r}")
    first, *others = prediction.one_hot.unbind(1)
    total = first * weights[0]
    for plane, weight in zip(others, weights[1:], strict=True):
        total.add_(plane, alpha=weight)
    return total
