"""The losses once more, in plain numpy and float64, pixel by pixel and object by object: slow and obvious."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage

from explorer.imagery.objects import object_maps
from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec


def has_reference(spec: LossSpec) -> bool:
    """There is a slow form of this loss here."""
    if spec.kind == "combined":
        return all(has_reference(term.loss) for term in spec.terms)
    return spec.kind in _LOSSES


def reference(spec: LossSpec, logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The loss of logits (N, K, H, W) and labels (N, H, W)."""
    z = logits.double().numpy()
    if z.shape[1] == 1:
        z = np.concatenate([np.zeros_like(z), z], axis=1)
    p = np.exp(z - z.max(1, keepdims=True))
    return _loss(spec, p / p.sum(1, keepdims=True), labels.numpy())


def _loss(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    if spec.kind == "combined":
        return sum(term.factor * _loss(term.loss, p, y) for term in spec.terms)
    return _LOSSES[spec.kind](spec, p, y)


def _over_regions(one: Callable[..., list[float]]) -> Callable[..., float]:
    """The mean over the batch as one region, or over its images."""

    def loss(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
        images = [[n] for n in range(len(y))] if spec.aggregate == "image" else [list(range(len(y)))]
        values = [value for n in images for value in one(spec, p[n], y[n])]
        return float(np.mean(values)) if values else 0.0

    return loss


def _pixelwise(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    total = weights = 0.0
    for n, i, j in np.argwhere(y != IGNORE):
        label = y[n, i, j]
        pt = p[n, label, i, j]
        weight = spec.class_weights[label] if spec.class_weights else 1.0
        if spec.kind == "focal":
            balance = 1.0 if spec.alpha is None else spec.alpha if label else 1 - spec.alpha
            total -= weight * balance * (1 - pt) ** spec.gamma * math.log(pt)
            weights += 1
        else:
            total -= weight * math.log(pt)
            weights += weight
    return total / weights if weights else 0.0


def _region(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> list[float]:
    a, b = {"jaccard": (1, 1), "dice": (0.5, 0.5)}.get(spec.kind, (spec.alpha, spec.beta))
    valid = y != IGNORE
    if not valid.any():
        return []
    losses = []
    for k in range(0 if spec.include_background else 1, p.shape[1]):
        pk, yk = p[:, k][valid], y[valid] == k
        hit, false, missed = pk[yk].sum(), pk[~yk].sum(), (1 - pk[yk]).sum()
        loss = 1 - hit / (hit + a * false + b * missed) if yk.any() else pk.mean()
        losses.append(loss**spec.gamma if spec.kind == "focal_tversky" else loss)
    return [float(np.mean(losses))]


def _lovasz(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> list[float]:
    valid = y != IGNORE
    losses = []
    for k in range(0 if spec.include_background else 1, p.shape[1]):
        pk, yk = p[:, k][valid], y[valid] == k
        if not yk.any():
            continue
        errors = np.abs(yk - pk)
        loss = last = 0.0
        wrong = np.zeros(len(yk), dtype=bool)
        for i in np.argsort(-errors):  # the Jaccard distance as mistakes are added, the worst first
            wrong[i] = True
            distance = 1 - (yk & ~wrong).sum() / (yk | wrong).sum()
            loss += errors[i] * (distance - last)
            last = distance
        losses.append(loss)
    return losses


def _objects(y: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """(image, class, mask) of every object."""
    found = []
    for n, label in enumerate(y):
        for k in sorted(set(label.ravel().tolist()) - {0, IGNORE}):
            ids, count = ndimage.label(label == k, np.ones((3, 3)))
            found += [(n, k, ids == i) for i in range(1, count + 1)]
    return found


def _object_cross_entropy(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    if (y == IGNORE).all():
        return 0.0
    objects = _objects(y)
    weight = np.ones(y.shape)
    for n, _, mask in objects:
        weight[n][mask] = sum(m.sum() for _, _, m in objects) / (len(objects) * mask.sum())
    terms = [-weight[n, i, j] * math.log(p[n, y[n, i, j], i, j]) for n, i, j in np.argwhere(y != IGNORE)]
    return float(sum(terms) / len(terms))


def _object_jaccard(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    maps = [object_maps(label.astype(np.uint8), p.shape[1]) for label in y]  # test_object_losses.py checks their cells
    valid = y != IGNORE
    losses = []
    for k in range(1, p.shape[1]):
        terms, unassigned = [], 0.0
        for n, each in enumerate(maps):
            alarm = p[n, k] * (valid[n] & (y[n] != k))
            cells = each.owners[k - 1]
            unassigned += alarm[cells == 0].sum()
            for o in set(each.ids[y[n] == k].tolist()):
                mask = each.ids == o
                overlap = p[n, k][mask].sum() / (mask.sum() + alarm[cells == o].sum())
                terms.append((1 - overlap) ** spec.gamma)
        losses.append((float(np.mean(terms)) if terms else 0.0) + unassigned / max(valid.sum(), 1))
    return float(np.mean(losses))


_LOSSES: dict[str, Callable[[LossSpec, np.ndarray, np.ndarray], float]] = {
    "cross_entropy": _pixelwise,
    "weighted_cross_entropy": _pixelwise,
    "focal": _pixelwise,
    "jaccard": _over_regions(_region),
    "dice": _over_regions(_region),
    "tversky": _over_regions(_region),
    "focal_tversky": _over_regions(_region),
    "lovasz": _over_regions(_lovasz),
    "object_cross_entropy": _object_cross_entropy,
    "object_jaccard": _object_jaccard,
}
