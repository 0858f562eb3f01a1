"""The formulas of the losses with the numbers of one pixel of a crop put in. Plain arithmetic, no torch.

What one pixel contributes differs by kind, and each result says what it is: the pixel's own term (the loss is their
mean, or for Lovász their sum), its object's term, or the loss of the whole crop, which has no terms by pixel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.objects import object_maps
from explorer.imagery.scene import IGNORE
from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec

Of = Literal["pixel", "object", "crop"]
TIMES = r" \cdot "
_Part = tuple[float, float, str]  # factor, value and name of a part of a compound


@dataclass(frozen=True)
class Worked:
    """A formula with numbers in it."""

    spec: LossSpec
    factor: float  # of this term in a combined loss, else 1; not part of the value
    of: Of  # whose term this is
    latex: str  # the formula with numbers and its result
    value: float


@dataclass(frozen=True)
class NotWorkedOut:
    """A loss whose arithmetic is not written out here."""

    spec: LossSpec
    factor: float  # of this term in a combined loss, else 1


@dataclass(frozen=True, eq=False)
class Crop:
    """The probabilities that a segmenter predicts for a crop, and its label."""

    probability: NDArray[np.float64]  # (K, H, W), sums to 1 over the classes
    label: NDArray[np.uint8]  # (H, W), class ids, 255 = ignore
    objects: NDArray[np.int32] | None = None  # (H, W), an id per object, 0 = none; None: components

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W): the label counts."""
        valid: NDArray[np.bool_] = self.label != IGNORE
        return valid


def substituted(spec: LossSpec, crop: Crop, row: int, column: int) -> tuple[Worked | NotWorkedOut, ...]:
    r"""The loss with the numbers of one pixel; of a combined loss each term by itself.

    >>> crop = Crop(np.array([[[0.2]], [[0.8]]]), np.array([[1]], dtype=np.uint8))
    >>> substituted(LossSpec(kind="jaccard", include_background=False), crop, 0, 0)[0].latex
    '1-\\frac{0.8}{0.8 + 0 + 0.2} = 0.2'

    Args:
        spec: with its class weights as numbers.
        crop: at least one pixel of it is not ignored.
        row: of the pixel, 0 at the top.
        column: of the pixel, 0 at the left.

    Returns:
        Empty if the pixel is ignored and the loss is made of terms by pixel or object.
    """
    if spec.kind == "combined":
        return tuple(
            replace(each, factor=term.factor * each.factor)
            for term in spec.terms
            for each in substituted(term.loss, crop, row, column)
        )
    if spec.kind in _OVERLAPS:
        return (_overlap(spec, crop),)
    if spec.kind in _OF_PARTS:
        return (_sum_of_parts(spec, crop),)
    work_out = _BY_PIXEL.get(spec.kind)
    if work_out is None:
        return (NotWorkedOut(spec, 1.0),)
    return (work_out(spec, crop, row, column),) if crop.valid[row, column] else ()


def _pixelwise(spec: LossSpec, crop: Crop, row: int, column: int) -> Worked:
    """w · (1 − p)^γ · (−log p), with the factors that the kind has."""
    label = int(crop.label[row, column])
    p = float(crop.probability[label, row, column])
    value, factors = -math.log(max(p, 5e-324)), [rf"\left(-\log({_number(p)})\right)"]
    if spec.gamma is not None:
        value *= (1 - p) ** spec.gamma
        factors.insert(0, rf"(1-{_number(p)})^{{{_number(spec.gamma)}}}")
    for weight in _weights(spec, crop, row, column):
        value *= weight
        factors.insert(0, _number(weight))
    return Worked(spec, 1.0, "pixel", f"{TIMES.join(factors)} = {_number(value)}", value)


def _weights(spec: LossSpec, crop: Crop, row: int, column: int) -> list[float]:
    """The pixel's weights: of its class, its side of α, its object."""
    label = int(crop.label[row, column])
    weights = []
    if isinstance(spec.class_weights, tuple):
        weights.append(spec.class_weights[label])
    if spec.alpha is not None:
        weights.append(spec.alpha if label else 1 - spec.alpha)
    if spec.kind == "object_cross_entropy" and label:
        ids = object_maps(crop.label, len(crop.probability), crop.objects).ids
        sizes = np.bincount(ids.ravel())[1:]
        weights.append(float(sizes.sum() / (len(sizes) * sizes[ids[row, column] - 1])))
    return weights


def _overlap(spec: LossSpec, crop: Crop) -> Worked:
    """Jaccard, Dice, Tversky and its focal form from the sums of the crop."""
    alpha, beta = _OVERLAPS[spec.kind] or (spec.number("alpha"), spec.number("beta"))
    power = spec.number("gamma") if spec.kind == "focal_tversky" else 1.0
    values, parts = [], []
    for k in range(0 if spec.include_background else 1, len(crop.probability)):
        p, y = crop.probability[k][crop.valid], crop.label[crop.valid] == k
        hit, false, missed = float(p[y].sum()), float(p[~y].sum()), float((1 - p[y]).sum())
        if y.any():
            value = 1 - hit / (hit + alpha * false + beta * missed)
            below = rf"{_number(hit)} + {_times(alpha)}{_number(false)} + {_times(beta)}{_number(missed)}"
            part = rf"1-\frac{{{_number(hit)}}}{{{below}}}"
        else:  # an absent class: its mean probability
            value = float(p.mean())
            part = rf"\frac{{{_number(false)}}}{{{p.size}}}"
        values.append(value**power)
        parts.append(part if power == 1 else rf"\left({part}\right)^{{{_number(power)}}}")
    value = float(np.mean(values))
    inner = " + ".join(rf"\left[{part}\right]" if len(parts) > 1 else part for part in parts)
    mean = rf"\frac1{len(parts)}\left({inner}\right)" if len(parts) > 1 else inner
    return Worked(spec, 1.0, "crop", rf"{mean} = {_number(value)}", value)


def _sum_of_parts(spec: LossSpec, crop: Crop) -> Worked:
    """A compound, as its factors times the values of its parts on the crop."""
    parts = _OF_PARTS[spec.kind](spec, crop)
    value = sum(factor * part for factor, part, _ in parts)
    written = [
        rf"{_times(factor)}\underbrace{{{_number(part)}}}_{{\text{{{name}}}}}" for factor, part, name in parts if factor
    ]
    return Worked(spec, 1.0, "crop", f"{' + '.join(written)} = {_number(value)}", value)


def _dice_and_cross_entropy(spec: LossSpec, crop: Crop) -> list[_Part]:
    nll = _nll(crop)
    weights = np.array(spec.class_weights or (1.0,) * len(crop.probability))[crop.label[crop.valid]]
    mean = float((nll * weights).sum() / (weights.sum() or 1))
    return [_dice_part(spec, crop), (spec.number("ce_factor"), mean, "cross-entropy")]


def _dice_and_topk(spec: LossSpec, crop: Crop) -> list[_Part]:
    nll = np.sort(_nll(crop))[::-1]
    count = max(1.0, spec.number("top_share") * len(nll))
    counted = np.clip(count - np.arange(len(nll)), 0, 1)  # the last pixel by the part that is left
    mean = float((nll * counted).sum() / count)
    return [_dice_part(spec, crop), (spec.number("ce_factor"), mean, f"cross-entropy of {count:.3g} pixels")]


def _focal_and_tversky(spec: LossSpec, crop: Crop) -> list[_Part]:
    delta, gamma, share = (spec.number(name) for name in ("delta", "gamma", "focal_share"))
    nll, background = _nll(crop), crop.label[crop.valid] == 0
    focal = float((nll * np.where(background, (1 - delta) * (1 - np.exp(-nll)) ** gamma, delta)).mean())
    background_distance, *rare = _tversky_distances(crop, 1 - delta, delta)
    overlap = float(np.mean([background_distance, *(distance ** (1 - gamma) for distance in rare)]))
    return [(share, focal, "focal"), (1 - share, overlap, "focal Tversky")]


def _tversky_distances(crop: Crop, alpha: float, beta: float) -> list[float]:
    """1 − TI of each class, the mean probability of one that is absent."""
    distances = []
    for k, of_class in enumerate(crop.probability):
        p, y = of_class[crop.valid], crop.label[crop.valid] == k
        false, missed = float(p[~y].sum()), float((1 - p[y]).sum())
        wrong = alpha * false + beta * missed
        distances.append(wrong / (float(p[y].sum()) + wrong) if y.any() else float(p.mean()))
    return distances


def _dice_part(spec: LossSpec, crop: Crop) -> _Part:
    dice = LossSpec(kind="dice", aggregate=spec.aggregate, include_background=spec.include_background)
    return (1.0, _overlap(dice, crop).value, "Dice")


def _nll(crop: Crop) -> NDArray[np.float64]:
    """(pixels,): −log p of the labelled class of each valid pixel."""
    p = np.take_along_axis(crop.probability, np.where(crop.valid, crop.label, 0)[None].astype(np.int64), 0)[0]
    nll: NDArray[np.float64] = -np.log(np.maximum(p[crop.valid], 5e-324))
    return nll


def _lovasz(spec: LossSpec, crop: Crop, row: int, column: int) -> Worked:
    """The pixel's error in each class of the label, times its step of the Jaccard distance in the order of errors."""
    here = int(np.flatnonzero(np.flatnonzero(crop.valid) == row * crop.label.shape[1] + column)[0])
    value, parts = 0.0, []
    for k in range(0 if spec.include_background else 1, len(crop.probability)):
        y = crop.label[crop.valid] == k
        if not y.any():
            continue
        errors = np.abs(y - crop.probability[k][crop.valid])
        order = np.argsort(-errors, kind="stable")
        found = y[order].cumsum()
        distance = 1 - (y.sum() - found) / (y.sum() + np.arange(1, len(y) + 1) - found)
        step = float(np.diff(distance, prepend=0)[np.flatnonzero(order == here)[0]])
        value += float(errors[here]) * step
        parts.append(_number(float(errors[here])) + TIMES + _number(step))
    value /= max(len(parts), 1)
    inner = " + ".join(parts) or "0"
    mean = rf"\frac1{len(parts)}\left({inner}\right)" if len(parts) > 1 else inner
    return Worked(spec, 1.0, "pixel", rf"{mean} = {_number(value)}", value)


def _object_jaccard(spec: LossSpec, crop: Crop, row: int, column: int) -> Worked:
    """The term of the object that the pixel lies on; on the background, of the object of the likeliest class."""
    k = int(crop.label[row, column]) or 1 + int(crop.probability[1:, row, column].argmax())
    maps = object_maps(crop.label, len(crop.probability), crop.objects)
    cell = maps.owners[k - 1] == maps.owners[k - 1, row, column]
    p, on_object = crop.probability[k], crop.label == k
    if not on_object.any():  # no object for a false positive to count against: its probability over all pixels
        pixels = int(crop.valid.sum())
        value = float(p[row, column]) / pixels
        return Worked(
            spec, 1.0, "pixel", rf"\frac{{{_number(float(p[row, column]))}}}{{{pixels}}} = {_number(value)}", value
        )
    hit, false = float(p[cell & on_object].sum()), float(p[cell & crop.valid & ~on_object].sum())
    area, gamma = int((cell & on_object).sum()), spec.number("gamma")
    value = (1 - hit / (area + false)) ** gamma
    inside = rf"1-\frac{{{_number(hit)}}}{{{area} + {_number(false)}}}"
    return Worked(spec, 1.0, "object", rf"\left({inside}\right)^{{{_number(gamma)}}} = {_number(value)}", value)


_OVERLAPS: Mapping[LossKind, tuple[float, float] | None] = {
    "jaccard": (1.0, 1.0),
    "dice": (0.5, 0.5),
    "tversky": None,
    "focal_tversky": None,
}
"""α and β where they are fixed."""

_OF_PARTS: Mapping[LossKind, Callable[[LossSpec, Crop], list[_Part]]] = {
    "dice_cross_entropy": _dice_and_cross_entropy,
    "dice_topk": _dice_and_topk,
    "unified_focal": _focal_and_tversky,
}

_BY_PIXEL: Mapping[LossKind, Callable[[LossSpec, Crop, int, int], Worked]] = {
    "cross_entropy": _pixelwise,
    "weighted_cross_entropy": _pixelwise,
    "focal": _pixelwise,
    "lovasz": _lovasz,
    "object_cross_entropy": _pixelwise,
    "object_jaccard": _object_jaccard,
}


def _times(weight: float) -> str:
    return "" if weight == 1 else _number(weight) + TIMES


def _number(value: float) -> str:
    """Three digits, as LaTeX."""
    text = f"{value:.3g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa}{TIMES}10^{{{int(exponent)}}}"
