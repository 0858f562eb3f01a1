"""Losses that count objects, not pixels.

An object is an 8-connected component of one class. "Fifty pixels of one object" and "one pixel of fifty objects"
are the same to every pixelwise loss; only a term that is nonlinear per object tells them apart.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec


def object_cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Cross-entropy in which every object has the same mass: w = A/(n·|O|) on objects, 1 on the background.

    A is the number of object pixels and n the number of objects in the batch, so that the total stays the same.
    """
    ids, _, bound = prediction.objects
    on_object = (ids > 0) & prediction.valid
    sizes = torch.zeros(bound, dtype=prediction.logits.dtype, device=ids.device)
    sizes = sizes.scatter_add(0, ids.flatten(), on_object.to(sizes.dtype).flatten())
    objects = (sizes > 0).sum().clamp_min(1)
    weight = torch.where(on_object, on_object.sum() / (objects * sizes.clamp_min(1)[ids]), prediction.weight)
    return -(prediction.true_log_probability * weight).sum() / prediction.pixels.clamp_min(1)


def object_jaccard(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Mean over objects of (1 − IoU)^γ; then the mean over foreground classes.

    IoU = Σ p on the object / (its area + Σ p of the false positives in its cell), the cell being the pixels that lie
    nearer to it than to any other object of its class. (1 − IoU)^γ and not a steep sigmoid, since its gradient is
    largest for an object that is not found at all. A false positive whose object lies outside the crop, or whose
    class has no objects, costs its probability divided by the number of pixels.
    """
    ids, owners, bound = prediction.objects
    gamma = 2.0 if spec.gamma is None else spec.gamma
    limits = torch.finfo(prediction.logits.dtype)
    losses = []
    for class_id in range(1, prediction.classes):
        probability = prediction.probabilities[:, class_id] * prediction.weight
        owner = owners[:, class_id - 1]
        on_object = (prediction.target == class_id) & prediction.valid
        member = torch.where(on_object, ids, owner).flatten()
        here = on_object.to(probability.dtype).flatten()
        zeros = torch.zeros(bound, dtype=probability.dtype, device=probability.device)
        area = zeros.scatter_add(0, member, here)
        mass = zeros.scatter_add(0, member, probability.flatten())
        hit = zeros.scatter_add(0, member, probability.flatten() * here)
        found = (area > 0) & (torch.arange(bound, device=area.device) > 0)
        # γ < 1 has no gradient at a perfect overlap, hence the clamp
        distance = (1 - hit / (area + mass - hit).clamp_min(limits.tiny)).clamp_min(limits.eps)
        of_objects = torch.where(found, distance.pow(gamma), 0).sum() / found.sum().clamp_min(1)
        # false positives whose object lies outside the crop, or does not exist
        unowned = torch.where(found, 0, mass - hit).sum() / prediction.pixels.clamp_min(1)
        losses.append(of_objects + unowned)
    return torch.stack(losses).mean()
