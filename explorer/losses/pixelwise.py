"""Losses that are a mean over pixels: cross-entropy, weighted, focal.

All means are over valid pixels. Where every pixel is ignored the result is 0 with a gradient of 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec


def cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """−mean log p of the labelled class, 0 or more. Reads no setting.

    >>> even = torch.zeros(1, 2, 3, 3)  # p = ½ everywhere, so that the loss is log 2
    >>> cross_entropy(Prediction(even, torch.ones(1, 3, 3)), LossSpec(kind="cross_entropy"))
    tensor(0.6931)
    """
    total, pixels = prediction.nll_sum()
    return total / pixels.clamp_min(1)


def weighted_cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """−Σ w log p / Σ w, 0 or more, as in torch: only the ratio of the weights matters. Reads ``class_weights``.

    >>> seen = Prediction(torch.randn(1, 2, 3, 3), torch.eye(3)[None])
    >>> one, other = (LossSpec(kind="weighted_cross_entropy", class_weights=weights) for weights in ((1, 9), (2, 18)))
    >>> torch.isclose(weighted_cross_entropy(seen, one), weighted_cross_entropy(seen, other))
    tensor(True)

    Raises:
        ValueError: there is not one number for each class.
    """
    weighted, total = prediction.nll_sum(_class_weights(prediction, spec))
    return weighted / total.clamp_min(torch.finfo(total.dtype).tiny)  # 0 / tiny where every pixel is ignored


def focal(prediction: Prediction, spec: LossSpec) -> Tensor:
    """−Σ α (1 − p)^γ log p / N over valid pixels, 0 or more; with class weights or α, N stays the number of pixels.

    Reads ``gamma``, ``alpha`` (of the objects; 1 − α for the background) and ``class_weights``; the last two may be
    None.

    >>> even = Prediction(torch.zeros(1, 2, 3, 3), torch.ones(1, 3, 3))  # p = ½: a quarter of cross-entropy's log 2
    >>> focal(even, LossSpec(kind="focal", gamma=2))
    tensor(0.1733)

    1 − p comes from the logits or the log-probability and is exact where it is tiny; the clamp keeps the gradient
    finite where γ < 1 meets a pixel that is certain.

    Raises:
        ValueError: there are class weights, but not one number for each class.
    """
    per_pixel = prediction.nll
    if gamma := spec.number("gamma"):
        one_minus_pt = prediction.one_minus_pt
        per_pixel = per_pixel * one_minus_pt.clamp_min(torch.finfo(one_minus_pt.dtype).tiny) ** gamma
    if spec.class_weights is not None:
        per_pixel = per_pixel * prediction.by_class(_class_weights(prediction, spec))
    if spec.alpha is not None:
        per_pixel = per_pixel * prediction.by_class([1 - spec.alpha] + [spec.alpha] * (prediction.classes - 1))
    return per_pixel.sum() / prediction.pixels.clamp_min(1)


def _class_weights(prediction: Prediction, spec: LossSpec) -> tuple[float, ...]:
    weights = spec.class_weights
    if not isinstance(weights, tuple) or len(weights) != prediction.classes:
        raise ValueError(f"class_weights must be {prediction.classes} numbers, got {weights!r}")
    return weights
