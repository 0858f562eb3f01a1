"""The losses once more, in plain numpy and float64, pixel by pixel and object by object: slow and obvious."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

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


def _part(kind: str, p: np.ndarray, y: np.ndarray, **settings: Any) -> float:
    return _loss(LossSpec(kind=kind, **settings), p, y)


def _regions_of(spec: LossSpec) -> dict[str, Any]:
    return {"aggregate": spec.aggregate, "include_background": spec.include_background}


def _dice_cross_entropy(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    weighted = {"kind": "weighted_cross_entropy", "class_weights": spec.class_weights}
    cross_entropy = _part(**weighted if spec.class_weights else {"kind": "cross_entropy"}, p=p, y=y)
    return _part("dice", p, y, **_regions_of(spec)) + spec.ce_factor * cross_entropy


def _dice_topk(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    terms = sorted((-math.log(p[n, y[n, i, j], i, j]) for n, i, j in np.argwhere(y != IGNORE)), reverse=True)
    left = count = max(1.0, spec.top_share * len(terms))
    total = 0.0
    for term in terms:
        total += min(left, 1.0) * term
        left -= min(left, 1.0)
    return _part("dice", p, y, **_regions_of(spec)) + spec.ce_factor * total / count


def _unified_focal(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    valid = y != IGNORE
    if not valid.any():
        return 0.0
    total = 0.0
    for n, i, j in np.argwhere(valid):
        pt = p[n, y[n, i, j], i, j]
        total -= (spec.delta if y[n, i, j] else (1 - spec.delta) * (1 - pt) ** spec.gamma) * math.log(pt)
    distances = []
    for k in range(p.shape[1]):
        pk, yk = p[:, k][valid], y[valid] == k
        hit, false, missed = pk[yk].sum(), pk[~yk].sum(), (1 - pk[yk]).sum()
        distance = 1 - hit / (hit + (1 - spec.delta) * false + spec.delta * missed) if yk.any() else pk.mean()
        distances.append(distance ** (1 - spec.gamma) if k else distance)
    return float(spec.focal_share * total / valid.sum() + (1 - spec.focal_share) * np.mean(distances))


def _soft_jaccard(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> list[float]:
    valid = y != IGNORE
    if not valid.any():
        return []
    losses = []
    for k in range(0 if spec.include_background else 1, p.shape[1]):
        hard = (y == k).astype(float)
        if not hard.any():
            losses.append(p[:, k][valid].mean())
            continue
        soft = hard.copy()
        for n, i, j in np.argwhere(valid):
            around = np.s_[n, max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            soft[n, i, j] += spec.smoothing * (hard[around][valid[around]].mean() - hard[n, i, j])
        pk, qk = p[:, k][valid], soft[valid]
        both, apart = (pk + qk).sum(), np.abs(pk - qk).sum()
        losses.append(1 - (both - apart) / (both + apart))
    return [float(np.mean(losses))]


def _boundary(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    valid = y != IGNORE
    total = 0.0
    for n, k in np.ndindex(len(y), p.shape[1] - 1):
        inside = y[n] == k + 1
        rest = valid[n] & ~inside
        for i, j in np.argwhere(valid[n]):
            others = np.argwhere(rest if inside[i, j] else inside)
            away = np.hypot(*(others - (i, j)).T).min() - 0.5 if len(others) else np.inf
            total += min(away / spec.reach, 1) * abs(inside[i, j] - p[n, k + 1, i, j])
    far = total / (p.shape[1] - 1) / max(valid.sum(), 1)
    return (1 - spec.alpha) * (_part("dice", p, y) + _part("cross_entropy", p, y)) + spec.alpha * far


def _by_cell(p: np.ndarray, y: np.ndarray, term: Callable[..., float], beside: np.ndarray | float) -> float:
    """Mean over objects of a term; where no object of a class is, p + beside, a mean over pixels; mean over classes."""
    maps = [object_maps(label.astype(np.uint8), p.shape[1]) for label in y]
    valid = y != IGNORE
    losses = []
    for k in range(1, p.shape[1]):
        terms, unassigned = [], 0.0
        for n, each in enumerate(maps):
            cells = each.owners[k - 1]
            unassigned += (p[:, k] + beside)[n][(cells == 0) & valid[n]].sum()
            shown = set(each.ids[y[n] == k].tolist())
            terms += [term(p[n], k, y[n], each.ids == o, (cells == o) & valid[n]) for o in shown]
        losses.append((float(np.mean(terms)) if terms else 0.0) + unassigned / max(valid.sum(), 1))
    return float(np.mean(losses))


def _component_dice_cross_entropy(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    def term(p: np.ndarray, k: int, y: np.ndarray, mask: np.ndarray, cell: np.ndarray) -> float:
        dice = 2 * p[k][mask].sum() / (p[k][cell].sum() + mask.sum())
        return 1 - dice - np.mean([math.log(p[y[i, j], i, j]) for i, j in np.argwhere(cell)])

    nll = np.zeros(y.shape)
    for n, i, j in np.argwhere(y != IGNORE):
        nll[n, i, j] = -math.log(p[n, y[n, i, j], i, j])
    by_object = _by_cell(p, y, term, nll)
    share = spec.component_share
    return (1 - share) * (_part("dice", p, y) + _part("cross_entropy", p, y)) + share * by_object


def _scale_location(spec: LossSpec, p: np.ndarray, y: np.ndarray) -> float:
    rows, columns = y.shape[1:]
    x, down = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)

    def term(p: np.ndarray, k: int, y: np.ndarray, mask: np.ndarray, cell: np.ndarray) -> float:
        inside, area = p[k] * cell, mask.sum()
        mass = inside.sum()
        spread = ((mass - area) / 2) ** 2
        weight = (min(mass, area) + spread) / (max(mass, area) + spread)
        overlap = inside[mask].sum() / (mass + area - inside[mask].sum())
        away = 0.0
        for across, along in ((x, down), (1 - x, down), (x, 1 - down), (1 - x, 1 - down)):
            a, b = (inside * across).sum() / mass, (inside * along).sum() / mass
            u, v = across[mask].mean(), along[mask].mean()
            near, far = sorted((math.hypot(a, b), math.hypot(u, v)))
            away += 1 - near / far + 4 / math.pi**2 * (math.atan(b / a) - math.atan(v / u)) ** 2
        return 1 - weight * overlap + spec.location_factor * away / 4

    return _by_cell(p, y, term, 0.0)


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
    "soft_jaccard": _over_regions(_soft_jaccard),
    "dice_cross_entropy": _dice_cross_entropy,
    "dice_topk": _dice_topk,
    "component_dice_cross_entropy": _component_dice_cross_entropy,
    "unified_focal": _unified_focal,
    "boundary": _boundary,
    "scale_location": _scale_location,
}
