"""Sums of a loss of overlap and a loss over pixels: the one is about shape, the other gives every pixel a gradient.

Overlaps are those of ``regions``, means over pixels those of ``pixelwise``: where every pixel is ignored the result is
0 with a gradient of 0, and a class that is absent from the labels costs its mean probability.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from explorer.losses.pixelwise import cross_entropy, weighted_cross_entropy
from explorer.losses.prediction import Prediction
from explorer.losses.regions import dice, mean_over_regions
from explorer.losses.spec import LossSpec


def dice_cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Dice + λ·cross-entropy, 0 or more. Reads ``ce_factor`` (λ), ``class_weights`` of the cross-entropy, which may be
    None, and for Dice ``aggregate`` and ``include_background``.

    >>> seen = Prediction(torch.randn(1, 2, 3, 3), torch.eye(3)[None])
    >>> parts = dice(seen, LossSpec(kind="dice")) + 2 * cross_entropy(seen, LossSpec(kind="cross_entropy"))
    >>> torch.isclose(dice_cross_entropy(seen, LossSpec(kind="dice_cross_entropy", ce_factor=2)), parts)
    tensor(True)

    Raises:
        ValueError: there are class weights, but not one number for each class.
    """
    over_pixels = cross_entropy if spec.class_weights is None else weighted_cross_entropy
    return dice(prediction, spec) + spec.number("ce_factor") * over_pixels(prediction, spec)


def dice_topk(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Dice + λ·(mean cross-entropy of the hardest share k of the valid pixels), 0 or more.

    Where k is no whole number of pixels, the last pixel counts by the part that is left; at least one pixel counts.
    Pixels with equal losses share what is left. Reads ``ce_factor`` (λ), ``top_share`` (k), ``aggregate`` and
    ``include_background``.

    >>> seen = Prediction(torch.randn(1, 2, 3, 3), torch.eye(3)[None])
    >>> whole = dice_topk(seen, LossSpec(kind="dice_topk", top_share=1))
    >>> torch.isclose(whole, dice_cross_entropy(seen, LossSpec(kind="dice_cross_entropy")))
    tensor(True)
    """
    nll = prediction.nll
    count = (spec.number("top_share") * prediction.pixels).clamp_min(1)
    with torch.no_grad():
        limit = _kth_largest(nll.detach().flatten(), count)
        above, equal = ((nll > limit).to(nll.dtype), (nll == limit).to(nll.dtype) * prediction.weight)
        weights = above + equal * ((count - above.sum()) / equal.sum().clamp_min(1))
    return dice(prediction, spec) + spec.number("ce_factor") * (nll * weights).sum() / count


def unified_focal(prediction: Prediction, spec: LossSpec) -> Tensor:
    """λ·F + (1 − λ)·T, the asymmetric unified focal loss, 0 or more; the rare classes are all but the background.

    F is cross-entropy times δ on objects and times (1 − δ)·(1 − p)^γ on the background, a mean over valid pixels. T is
    the mean over classes of 1 − TI for the background and (1 − TI)^(1 − γ) for the others, the Tversky index TI having
    the weights 1 − δ for false alarms and δ for misses. So γ suppresses easy background and never an object. Reads
    ``focal_share`` (λ), ``delta`` and ``gamma``.
    """
    share, delta, gamma = (spec.number(name) for name in ("focal_share", "delta", "gamma"))
    background = prediction.one_hot[:, 0]
    focus = prediction.one_minus_pt.clamp_min(torch.finfo(background.dtype).tiny) ** gamma
    weights = delta * (prediction.weight - background) + (1 - delta) * focus * background
    over_pixels = (prediction.nll * weights).sum() / prediction.pixels.clamp_min(1)
    distance = _tversky_distance(prediction, 1 - delta, delta)
    tiny = torch.finfo(distance.dtype).eps ** 2  # a power below 1 has no gradient at a perfect overlap
    rare = distance[:, 1:].clamp_min(tiny) ** (1 - gamma)
    overlap = mean_over_regions(prediction, spec, torch.cat([distance[:, :1], rare], dim=1))
    return share * over_pixels + (1 - share) * overlap


def _tversky_distance(prediction: Prediction, alpha: float, beta: float) -> Tensor:
    """(1, K): (α·FP + β·FN)/(I + α·FP + β·FN) over the batch, the mean probability of a class that is absent.

    That is 1 − TI in a form that keeps its digits near 0, where a power below 1 would blow up what was lost.
    """
    false, area = (each.sum(0, keepdim=True) for each in (prediction.false_positives, prediction.area))
    missed = (prediction.missed[:, None] * prediction.one_hot).sum((2, 3)).sum(0, keepdim=True)
    wrong = alpha * false + beta * missed
    distance = wrong / (area - missed + wrong).clamp_min(torch.finfo(wrong.dtype).tiny)
    return torch.where(area > 0, distance, false / prediction.pixels.clamp_min(1))


def _kth_largest(values: Tensor, count: Tensor) -> Tensor:
    """Scalar: the largest value of which no more than ``count`` are larger, that is number ⌈count⌉ from above.

    On a CPU NumPy finds it without sorting. Elsewhere the count stays on the device.

    Args:
        values: (P,).
        count: scalar, at least 1 and not above P.
    """
    place = (count.ceil().long() - 1).clamp_max(values.numel() - 1)
    if values.device.type == "cpu":
        index = values.numel() - 1 - int(place)
        return torch.from_numpy(np.partition(values.numpy(), index)[index : index + 1])[0]
    return values.sort(descending=True).values.gather(0, place[None])[0]
