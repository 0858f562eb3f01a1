"""Losses that know where the contours of the label lie."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from explorer.losses.pixelwise import cross_entropy
from explorer.losses.prediction import Prediction
from explorer.losses.regions import dice
from explorer.losses.spec import LossSpec


def boundary(prediction: Prediction, spec: LossSpec) -> Tensor:
    """(1 − α)·(Dice + cross-entropy) + α·B, where B is the mean of |φ|·|p − y|; 0 or more.

    φ is the signed distance to the contour of a foreground class, negative inside. Up to a number that the prediction
    does not change, |φ|·|p − y| is the φ·p of the source: added for each labelled pixel, it makes the minimum 0. The
    mean is over valid pixels and foreground classes. Distances are measured in the crop, in units of ``reach`` pixels
    and no further; so B lies between 0 and 1, and false alarms of a class that an image does not show cost their
    probability. Reads ``alpha``, with ``alpha_end`` for a ramp (see ``spec.ramped``), and ``reach``.
    """
    share = spec.number("alpha")
    region = dice(prediction, spec) + cross_entropy(prediction, spec)
    distance = contour_distance(prediction.one_hot[:, 1:], prediction.weight, spec.number("reach"))
    far = (distance * prediction.errors).mean(1).sum() / prediction.pixels.clamp_min(1)
    return (1 - share) * region + share * far


def contour_distance(masks: Tensor, weight: Tensor, reach: float) -> Tensor:
    """(N, C, H, W): distance of each pixel's centre to the contour of its mask, ÷ ``reach`` and at most 1; no gradient.

    The contour runs along the edges of pixels, so that pixels on its two sides are half a pixel away: the distance to
    the nearest pixel of the other side, minus ½. Ignored pixels are on neither side.

    >>> contour_distance(torch.tensor([0.0, 0, 0, 1, 1]).view(1, 1, 1, 5), torch.ones(1, 1, 5), reach=5).flatten()
    tensor([0.5000, 0.3000, 0.1000, 0.1000, 0.3000])

    Args:
        masks: (N, C, H, W), 1 on the mask and 0 elsewhere.
        weight: (N, H, W), 0 where ignored, else 1.
        reach: above 0, in pixels.
    """
    inside = masks > 0
    to_mask = _distance_to(inside, reach + 0.5, masks.dtype)
    to_rest = _distance_to((weight[:, None] > 0) & ~inside, reach + 0.5, masks.dtype)
    return (torch.where(inside, to_rest, to_mask) - 0.5) / reach


def _distance_to(targets: Tensor, most: float, kind: torch.dtype) -> Tensor:
    """(…, H, W) in this type: Euclidean distance to the nearest target pixel, at most ``most``.

    First along columns, then the lower envelope along rows, which may stop at ``most``. Nothing is read back from the
    device.

    Args:
        targets: (…, H, W) bool.
    """
    height, width = targets.shape[-2:]
    rows = torch.arange(height, dtype=kind, device=targets.device)[:, None]
    above = torch.where(targets, rows, -math.inf).cummax(-2).values
    below = torch.where(targets, rows, math.inf).flip(-2).cummin(-2).values.flip(-2)
    in_column = torch.minimum(rows - above, below - rows).clamp_max(most).square()
    nearest = in_column.clone()
    for shift in range(1, min(math.ceil(most), width)):
        for here, there in ((slice(shift, None), slice(None, -shift)), (slice(None, -shift), slice(shift, None))):
            torch.minimum(nearest[..., here], in_column[..., there] + shift**2, out=nearest[..., here])
    return nearest.sqrt().clamp_max(most)
