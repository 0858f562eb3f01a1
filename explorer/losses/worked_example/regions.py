"""Losses of the overlap of whole regions, from sums over the crop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.losses.worked_example.crop import Crop, Worked, classes_of, mean_written, number, times

OVERLAPS: Mapping[LossKind, tuple[float, float] | None] = {
    "jaccard": (1.0, 1.0),
    "dice": (0.5, 0.5),
    "tversky": None,
    "focal_tversky": None,
}
"""α and β where they are fixed."""


def overlap(spec: LossSpec, crop: Crop) -> Worked:
    """Jaccard, Dice, Tversky and its focal form from the sums of the crop."""
    alpha, beta = OVERLAPS[spec.kind] or (spec.number("alpha"), spec.number("beta"))
    power = spec.number("gamma") if spec.kind == "focal_tversky" else 1.0
    values, parts = [], []
    for k in classes_of(spec, crop):
        p, y = crop.probability[k][crop.valid], crop.counted == k
        hit, false, missed = float(p[y].sum()), float(p[~y].sum()), float((1 - p[y]).sum())
        if y.any():
            value = 1 - hit / (hit + alpha * false + beta * missed)
            below = rf"{number(hit)} + {times(alpha)}{number(false)} + {times(beta)}{number(missed)}"
            part = rf"1-\frac{{{number(hit)}}}{{{below}}}"
        else:  # an absent class: its mean probability
            value = float(p.mean())
            part = rf"\frac{{{number(false)}}}{{{p.size}}}"
        values.append(value**power)
        parts.append(part if power == 1 else rf"\left({part}\right)^{{{number(power)}}}")
    value = float(np.mean(values))
    return Worked(spec, 1.0, "crop", f"{mean_written(parts)} = {number(value)}", value)


def soft_jaccard(spec: LossSpec, crop: Crop) -> Worked:
    """Jaccard against the label that is smoothed at its edges: 1 − (B − D)/(B + D), B = Σp + Σq and D = Σ|p − q|."""
    values, parts = [], []
    for k in classes_of(spec, crop):
        p, q = crop.probability[k][crop.valid], smoothed(crop, k, spec.number("smoothing"))[crop.valid]
        both, apart = float(p.sum() + q.sum()), float(np.abs(p - q).sum())
        if q.sum() > 0:
            values.append(2 * apart / (both + apart))
            parts.append(rf"1-\frac{{{number(both)} - {number(apart)}}}{{{number(both)} + {number(apart)}}}")
        else:  # an absent class: its mean probability
            values.append(float(p.mean()))
            parts.append(rf"\frac{{{number(float(p.sum()))}}}{{{p.size}}}")
    value = float(np.mean(values))
    return Worked(spec, 1.0, "crop", f"{mean_written(parts)} = {number(value)}", value)


def smoothed(crop: Crop, class_id: int, amount: float) -> NDArray[np.float64]:
    """(H, W): (1 − ε)·y + ε·(mean of y over the valid pixels among the 3 × 3 around), 0 where ignored.

    Args:
        amount: ε.
    """
    y, ones = (crop.label == class_id).astype(np.float64), crop.valid.astype(np.float64)
    around = ndimage.uniform_filter(y, 3, mode="constant") / np.maximum(
        ndimage.uniform_filter(ones, 3, mode="constant"), 1e-12
    )
    soft: NDArray[np.float64] = ((1 - amount) * y + amount * around) * ones
    return soft
