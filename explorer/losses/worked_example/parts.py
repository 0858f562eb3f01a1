"""Losses that are sums of others: their factors times the values of their parts on the crop."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.losses.worked_example.crop import Crop, Worked, number, times
from explorer.losses.worked_example.objects import by_object
from explorer.losses.worked_example.regions import overlap

Part = tuple[float, float, str]
"""Factor, value and name of a part."""


def sum_of_parts(spec: LossSpec, crop: Crop) -> Worked:
    """A compound, as its factors times the values of its parts on the crop."""
    parts = OF_PARTS[spec.kind](spec, crop)
    value = sum(factor * part for factor, part, _ in parts)
    written = [
        rf"{times(factor)}\underbrace{{{number(part)}}}_{{\text{{{name}}}}}" for factor, part, name in parts if factor
    ]
    return Worked(spec, 1.0, "crop", f"{' + '.join(written)} = {number(value)}", value)


def _dice_and_cross_entropy(spec: LossSpec, crop: Crop) -> list[Part]:
    nll = crop.nll[crop.valid]
    weights = np.array(spec.class_weights or (1.0,) * len(crop.probability))[crop.counted]
    mean = float((nll * weights).sum() / (weights.sum() or 1))
    return [_dice_part(spec, crop), (spec.number("ce_factor"), mean, "cross-entropy")]


def _dice_and_topk(spec: LossSpec, crop: Crop) -> list[Part]:
    nll = np.sort(crop.nll[crop.valid])[::-1]
    count = max(1.0, spec.number("top_share") * len(nll))
    counted = np.clip(count - np.arange(len(nll)), 0, 1)  # the last pixel by the part that is left
    mean = float((nll * counted).sum() / count)
    return [_dice_part(spec, crop), (spec.number("ce_factor"), mean, f"cross-entropy of {count:.3g} pixels")]


def _focal_and_tversky(spec: LossSpec, crop: Crop) -> list[Part]:
    delta, gamma, share = (spec.number(name) for name in ("delta", "gamma", "focal_share"))
    nll, background = crop.nll[crop.valid], crop.counted == 0
    focal = float((nll * np.where(background, (1 - delta) * (1 - np.exp(-nll)) ** gamma, delta)).mean())
    background_distance, *rare = _tversky_distances(crop, 1 - delta, delta)
    overlap = float(np.mean([background_distance, *(distance ** (1 - gamma) for distance in rare)]))
    return [(share, focal, "focal"), (1 - share, overlap, "focal Tversky")]


def _tversky_distances(crop: Crop, alpha: float, beta: float) -> list[float]:
    """1 − TI of each class, the mean probability of one that is absent."""
    distances = []
    for k, of_class in enumerate(crop.probability):
        p, y = of_class[crop.valid], crop.counted == k
        false, missed = float(p[~y].sum()), float((1 - p[y]).sum())
        wrong = alpha * false + beta * missed
        distances.append(wrong / (float(p[y].sum()) + wrong) if y.any() else float(p.mean()))
    return distances


def _dice_part(spec: LossSpec, crop: Crop) -> Part:
    dice = LossSpec(kind="dice", aggregate=spec.aggregate, include_background=spec.include_background)
    return (1.0, overlap(dice, crop).value, "Dice")


def _whole_and_by_object(spec: LossSpec, crop: Crop) -> list[Part]:
    share = spec.number("component_share")
    return [*_scaled(1 - share, _dice_and_mean(spec, crop)), (share, by_object(crop), "both by object")]


def _region_and_contour(spec: LossSpec, crop: Crop) -> list[Part]:
    share, reach = spec.number("alpha"), spec.number("reach")
    far = 0.0
    for k in range(1, len(crop.probability)):
        errors = np.where(crop.valid, np.abs((crop.label == k) - crop.probability[k]), 0.0)
        far += float((contour_distance(crop.label == k, crop.valid, reach) * errors).sum())
    mean = far / (int(crop.valid.sum()) * (len(crop.probability) - 1))
    return [*_scaled(1 - share, _dice_and_mean(spec, crop)), (share, mean, "errors by distance")]


def _dice_and_mean(spec: LossSpec, crop: Crop) -> list[Part]:
    return [_dice_part(spec, crop), (1.0, float(crop.nll[crop.valid].mean()), "cross-entropy")]


def _scaled(factor: float, parts: list[Part]) -> list[Part]:
    return [(factor * each, value, name) for each, value, name in parts]


def contour_distance(mask: NDArray[np.bool_], valid: NDArray[np.bool_], reach: float) -> NDArray[np.float64]:
    """(H, W): distance to the nearest pixel of the other side, less ½, ÷ ``reach`` and at most 1.

    Args:
        mask: (H, W).
        valid: (H, W); what is ignored is on neither side.
        reach: pixels.
    """
    to_mask, to_rest = (_distance_to(each, reach + 0.5) for each in (mask, valid & ~mask))
    return (np.where(mask, to_rest, to_mask) - 0.5) / reach


def _distance_to(targets: NDArray[np.bool_], most: float) -> NDArray[np.float64]:
    if not targets.any():
        return np.full(targets.shape, most)
    distance: NDArray[np.float64] = np.minimum(ndimage.distance_transform_edt(~targets), most)
    return distance


OF_PARTS: Mapping[LossKind, Callable[[LossSpec, Crop], list[Part]]] = {
    "dice_cross_entropy": _dice_and_cross_entropy,
    "dice_topk": _dice_and_topk,
    "unified_focal": _focal_and_tversky,
    "component_dice_cross_entropy": _whole_and_by_object,
    "boundary": _region_and_contour,
}
