"""Losses of overlap: Jaccard and its form for soft labels, Dice, Tversky and its focal form, Lovász.

With I = Σ p·y, FP = Σ p − I and FN = Σ y − I, all sums over valid pixels of the batch (or of each image):
Tversky index = I / (I + α·FP + β·FN); (1, 1) is Jaccard, (½, ½) is Dice. The loss is the mean over classes of
1 − index.

A class that is absent from the labels of the region has an index of 0 wherever it is predicted, without a gradient. Its
loss is its mean probability instead, whose gradient is the same for every false positive.

All values lie between 0 (perfect) and 1. All functions read ``aggregate`` and ``include_background``.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec

CACHED = 2**17  # pixels: some megabytes of numbers while they are sorted and weighted


def jaccard(prediction: Prediction, spec: LossSpec) -> Tensor:
    """1 − I/U, mean over classes.

    >>> hard = torch.tensor([[0.0, 0.0, 99.0, 99.0]]).view(1, 1, 1, 4)  # p = ½, ½, 1, 1
    >>> seen = Prediction(hard, torch.tensor([[[0, 0, 0, 1]]]))
    >>> jaccard(seen, LossSpec(kind="jaccard", include_background=False))  # I = 1, U = 3
    tensor(0.6667)
    """
    return mean_over_regions(prediction, spec, _tversky_losses(prediction, spec, 1.0, 1.0))


def dice(prediction: Prediction, spec: LossSpec) -> Tensor:
    """1 − 2I/(U + I), mean over classes."""
    return mean_over_regions(prediction, spec, _tversky_losses(prediction, spec, 0.5, 0.5))


def tversky(prediction: Prediction, spec: LossSpec) -> Tensor:
    """1 − I/(I + α·FP + β·FN), mean over classes. Also reads ``alpha`` and ``beta``.

    >>> seen = Prediction(torch.randn(1, 2, 3, 3), torch.eye(3)[None])
    >>> of_tversky = tversky(seen, LossSpec(kind="tversky", alpha=1, beta=1))
    >>> torch.isclose(of_tversky, jaccard(seen, LossSpec(kind="jaccard")))
    tensor(True)
    """
    losses = _tversky_losses(prediction, spec, spec.number("alpha"), spec.number("beta"))
    return mean_over_regions(prediction, spec, losses)


def focal_tversky(prediction: Prediction, spec: LossSpec) -> Tensor:
    """(1 − TI)^γ, mean over classes. Also reads ``alpha``, ``beta`` and ``gamma``."""
    distance = _tversky_losses(prediction, spec, spec.number("alpha"), spec.number("beta"))
    tiny = torch.finfo(distance.dtype).eps  # γ < 1 has no gradient at a perfect overlap
    return mean_over_regions(prediction, spec, distance.clamp_min(tiny) ** spec.number("gamma"))


def lovasz(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Lovász extension of the Jaccard distance, mean over the classes that occur in the labels.

    Once the errors are sorted, the loss is a weighted sum of them, with weights that do not depend on the logits.
    Ignored pixels have no error, so that they sort last and have no weight. With two classes the errors of both are
    the same numbers: one sort serves both.
    """
    images = len(prediction.labels) if spec.aggregate == "image" else 1
    first = 0 if spec.include_background else 1
    area = prediction.area if spec.aggregate == "image" else prediction.area.sum(0, keepdim=True)
    area = area[:, first:].t()[..., None]  # (classes, images, 1)
    present = (area > 0).to(area.dtype)
    share = present / present.sum().clamp_min(1)
    if prediction.classes == 2:
        errors, truth = prediction.one_minus_pt[None], prediction.one_hot[:, 1:].transpose(0, 1)
        sides = [(True, area[0], share[0]), (False, area[1], share[1])] if first == 0 else [(False, area[0], share[0])]
    else:
        one_hot = prediction.one_hot[:, first:]
        signs = prediction.weight[:, None] - 2 * one_hot
        errors = torch.addcmul(one_hot, prediction.probabilities[:, first:], signs).transpose(0, 1)  # |y − p|
        truth = one_hot.transpose(0, 1)
        sides = [(False, area.flatten(0, 1), share.flatten(0, 1))]
    with torch.no_grad():
        rows, pixels = len(errors) * images, errors[0].numel() // images
        flat, truth = errors.reshape(rows, pixels), truth.reshape(rows, pixels)
        weights = torch.empty_like(flat)
        # on a CPU few rows at a time, which stay in its cache
        some = rows if flat.device.type != "cpu" else max(1, CACHED // pixels)
        for start in range(0, rows, some):
            part = slice(start, start + some)
            order = _descending(flat[part])
            true = truth[part].gather(-1, order)
            # the other side counts the ignored as its own: they come last and have no error
            steps = [(_steps(1 - true if other else true, a[part])).mul_(w[part]) for other, a, w in sides]
            weights[part].scatter_(-1, order, steps[0] if len(steps) == 1 else steps[0].add_(steps[1]))
    return (errors * weights.view(errors.shape)).sum()


def soft_jaccard(prediction: Prediction, spec: LossSpec) -> Tensor:
    """1 − (Σp + Σq − D)/(Σp + Σq + D) with D = Σ|p − q|, mean over classes; q is the label, smoothed at its edges.

    On hard labels this is 1 − I/U. On soft ones it is 0 at p = q and nowhere else, while 1 − I/U with I = Σ p·q is
    smallest for a p of only 0 and 1. q = (1 − ε)·y + ε·(mean of y over the valid pixels among the 3 × 3 around).
    Also reads ``smoothing``, ε.

    >>> seen = Prediction(torch.randn(1, 2, 3, 3), torch.eye(3)[None])
    >>> soft = soft_jaccard(seen, LossSpec(kind="soft_jaccard", smoothing=0))
    >>> torch.isclose(soft, jaccard(seen, LossSpec(kind="jaccard")))
    tensor(True)
    """
    change = _smoothing(prediction, spec.number("smoothing"))
    one_hot = prediction.one_hot
    missed = prediction.missed[:, None]
    if prediction.classes == 2:  # the errors of one class are those of the other, negated
        signed = missed * (one_hot[:, :1] - one_hot[:, 1:])
        distance = (signed - change[:, 1:]).abs().sum((2, 3)).expand(-1, 2)
    else:
        signed = prediction.probabilities * (prediction.weight[:, None] - one_hot) - missed * one_hot
        distance = (signed - change).abs().sum((2, 3))
    distance, predicted, area, pixels = (
        each.sum(0, keepdim=True) if spec.aggregate == "batch" else each
        for each in (
            distance,
            prediction.intersection + prediction.false_positives,
            prediction.area + change.sum((2, 3)),
            prediction.image_pixels[:, None],
        )
    )
    both = (predicted + area + distance).clamp_min(torch.finfo(distance.dtype).tiny)
    losses = torch.where(area > 0, 2 * distance / both, predicted / pixels.clamp_min(1))
    return mean_over_regions(prediction, spec, losses if spec.include_background else losses[:, 1:])


def _smoothing(prediction: Prediction, amount: float) -> Tensor:
    """(N, K, H, W): what smoothing adds to the labels, ε·(mean around − y); 0 far from edges and where ignored."""
    pixels = F.avg_pool2d(prediction.weight[:, None], 3, 1, 1)
    around = F.avg_pool2d(prediction.one_hot, 3, 1, 1) / pixels.clamp_min(torch.finfo(pixels.dtype).tiny)
    return (around - prediction.one_hot) * (amount * prediction.weight[:, None])


def _steps(true: Tensor, area: Tensor) -> Tensor:
    """By how much each pixel changes the Jaccard distance when mistakes are made one by one, in this order.

    A pixel of the class takes 1/U from the index; another one makes U grow: (A − found)·(1/(U − 1) − 1/U). Differences
    of the index itself would lose the digits of these small steps.

    Args:
        true: (rows, P), 1 where the pixel belongs to the class, else 0.
        area: (rows, 1), pixels of the class.
    """
    found = true.cumsum(-1)
    union = torch.arange(1, true.shape[-1] + 1, device=true.device, dtype=true.dtype) - found
    union += area.clamp_min(1)
    left = area - found
    left.addcmul_(left, true, value=-1)  # nothing of it for a pixel of the class
    before = found.copy_(union).add_(true).sub_(1)
    return left.div_(before).add_(true).div_(union)


def _descending(errors: Tensor) -> Tensor:
    """Indices that sort the last axis, the largest first.

    On a CPU the bits of an error, which sort like the number itself, are packed above its place and sorted by NumPy's
    vectorised sort of integers: many times faster than ``argsort``.
    """
    if errors.device.type != "cpu" or errors.dtype != torch.float32:
        return errors.argsort(dim=-1, descending=True)
    keys = (~errors.contiguous().view(torch.int32)).numpy().astype(np.int64)
    keys <<= 32
    keys |= np.arange(errors.shape[-1])
    keys.sort(axis=-1)
    keys &= 0xFFFFFFFF
    return torch.from_numpy(keys)


def _tversky_losses(prediction: Prediction, spec: LossSpec, alpha: float, beta: float) -> Tensor:
    """(1 or N, classes): 1 − index where the class is in the label, its mean probability where it is not."""
    hit, false_positives, area, pixels = (
        each.sum(0, keepdim=True) if spec.aggregate == "batch" else each
        for each in (
            prediction.intersection,
            prediction.false_positives,
            prediction.area,
            prediction.image_pixels[:, None],
        )
    )
    denominator = (hit + alpha * false_positives + beta * (area - hit)).clamp_min(torch.finfo(hit.dtype).tiny)
    losses = torch.where(area > 0, 1 - hit / denominator, false_positives / pixels.clamp_min(1))
    return losses if spec.include_background else losses[:, 1:]


def mean_over_regions(prediction: Prediction, spec: LossSpec, losses: Tensor) -> Tensor:
    """Mean over classes, then over the images that have a valid pixel."""
    per_region = losses.mean(1)
    counts = prediction.image_pixels if spec.aggregate == "image" else prediction.pixels[None]
    seen = (counts > 0).to(losses.dtype)
    return (per_region * seen).sum() / seen.sum().clamp_min(1)
