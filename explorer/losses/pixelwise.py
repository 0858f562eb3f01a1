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
    return _mean(-prediction.true_log_probability, prediction.weight)


def weighted_cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """−Σ w log p / Σ w, as torch has it: only the ratio of the weights matters."""
    return _mean(-prediction.true_log_probability, prediction.weight * _class_weight(prediction, spec))


def focal(prediction: Prediction, spec: LossSpec) -> Tensor:
    """−Σ α (1 − p)^γ log p / N over valid pixels; with class weights or α, N stays the number of pixels.

    The modulator is exp(γ·log(1 − p)) with log(1 − p) from the log-probability: γ < 1 on a saturated logit would
    otherwise have an infinite gradient.
    """
    log_p = prediction.true_log_probability
    gamma = spec.gamma or 0.0
    per_pixel = -log_p
    if gamma:
        tiny = torch.finfo(log_p.dtype).tiny
        per_pixel = per_pixel * torch.exp(gamma * (-torch.expm1(log_p)).clamp_min(tiny).log())
    if spec.class_weights is not None:
        per_pixel = per_pixel * _class_weight(prediction, spec)
    if spec.alpha is not None:
        per_pixel = per_pixel * _either(prediction, prediction.target > 0, spec.alpha, 1 - spec.alpha)
    return (per_pixel * prediction.weight).sum() / prediction.pixels.clamp_min(1)


def _class_weight(prediction: Prediction, spec: LossSpec) -> Tensor:
    """(N, H, W): the weight of each pixel's class."""
    weights = spec.class_weights
    if not isinstance(weights, tuple) or len(weights) != prediction.classes:
        raise ValueError(f"class_weights must be {prediction.classes} numbers, got {weights!r}")
    if prediction.classes == 2:
        return _either(prediction, prediction.target == 1, weights[1], weights[0])
    # filled on the device: copying numbers from the host would make it wait
    return torch.stack([prediction.logits.new_full((), weight) for weight in weights])[prediction.target]


def _either(prediction: Prediction, where: Tensor, then: float, otherwise: float) -> Tensor:
    """Two numbers chosen by a mask, in the logits' type (plain numbers would become float32)."""
    new = prediction.logits.new_full
    return torch.where(where, new((), then), new((), otherwise))


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    total = weight.sum()
    return (values * weight).sum() / torch.where(total > 0, total, 1)
