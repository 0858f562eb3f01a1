"""Losses in which every object counts the same, whatever its number of pixels.

An object was drawn by itself, or is an 8-connected component of one class. "Fifty pixels of one object" and "one pixel
of fifty objects" are the same to every pixelwise loss; only a term that is nonlinear per object distinguishes them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec


def object_cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Cross-entropy in which every object has the same total weight: w = A/(n·|O|) on objects, 1 on the background.

    A is the number of object pixels and n the number of objects in the batch, so that the total stays the same. 0 or
    more. Reads no setting.
    """
    ids, _, bound = prediction.objects
    ids, nll = ids.flatten(1), prediction.nll.flatten(1)
    sizes = _bins(nll, bound).scatter_add(1, ids, _wide(prediction.weight.flatten(1)))
    sizes[:, 0] = 0  # what is no object
    mass = sizes.sum() / ((sizes > 0).sum().clamp_min(1) * sizes.clamp_min(1))
    mass[:, 0] = 1
    return (nll * mass.to(nll.dtype).gather(1, ids)).sum() / prediction.pixels.clamp_min(1)


def object_jaccard(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Mean over objects of (1 − IoU)^γ; then the mean over foreground classes.

    IoU = Σ p on the object / (its area + Σ p of the false positives in its cell), the cell being the pixels that lie
    nearer to it than to any other object of its class. (1 − IoU)^γ and not a steep sigmoid, since its gradient is
    largest for an object that is not found at all. A false positive whose object lies outside the crop, or whose
    class has no objects, costs its probability divided by the number of pixels.

    0 to 2, above 1 only by such false positives. Reads ``gamma``.

    >>> label = torch.tensor([[[1, 1, 0, 0, 1]]])
    >>> found = torch.tensor([9.0, 9.0, -9.0, -9.0, -9.0]).view(1, 1, 1, 5) * 9  # the first of two objects
    >>> object_jaccard(Prediction(found, label), LossSpec(kind="object_jaccard"))
    tensor(0.5000)
    """
    _, owners, bound = prediction.objects
    errors = prediction.errors
    on_object = prediction.one_hot[:, 1:]
    number, classes = owners.shape[:2]
    # bins: image, class, id, and whether the pixel lies on the object or in its cell
    start = torch.arange(classes, device=owners.device)[:, None, None] * bound
    cell = ((owners + start) * 2 + on_object.long()).flatten(1)
    zeros = _bins(errors, classes * bound * 2)
    wrong = zeros.scatter_add(1, cell, _wide(errors.flatten(1))).view(number, classes, bound, 2)
    area = zeros.scatter_add(1, cell, _wide(on_object.flatten(1))).view_as(wrong)[..., 1]
    false_positives, missed = wrong.to(errors.dtype).unbind(-1)
    area = area.to(errors.dtype)
    found = area > 0
    limits = torch.finfo(errors.dtype)
    # γ < 1 has no gradient at a perfect overlap, hence the second clamp
    distance = (1 - (area - missed) / (area + false_positives).clamp_min(limits.tiny)).clamp_min(limits.eps)
    power = torch.where(found, distance ** spec.number("gamma"), 0)
    of_objects = power.sum((0, 2)) / found.sum((0, 2)).clamp_min(1)
    # false positives whose object lies outside the crop, or does not exist
    unassigned = torch.where(found, 0, false_positives).sum((0, 2)) / prediction.pixels.clamp_min(1)
    return (of_objects + unassigned).mean()


def _bins(like: Tensor, count: int) -> Tensor:
    """(N, count) zeros to add pixels to, one by one: in float64, since a running sum of many stops growing in float32.

    A GPU adds in many places at once, and not every GPU has float64.
    """
    kind = torch.float64 if like.device.type == "cpu" else like.dtype
    return torch.zeros(len(like), count, dtype=kind, device=like.device)


def _wide(values: Tensor) -> Tensor:
    """The values in the type of ``_bins``."""
    return values.double() if values.device.type == "cpu" else values
