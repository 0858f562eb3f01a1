"""Losses with a term for each pixel."""

from __future__ import annotations

import math

import numpy as np

from explorer.imagery.objects import object_maps
from explorer.losses.spec import LossSpec
from explorer.losses.worked_example.crop import TIMES, Crop, Worked, classes_of, number


def pixelwise(spec: LossSpec, crop: Crop, row: int, column: int) -> Worked:
    """w · (1 − p)^γ · (−log p), with the factors that the kind has."""
    label = int(crop.label[row, column])
    p = float(crop.probability[label, row, column])
    value, factors = -math.log(max(p, 5e-324)), [rf"\left(-\log({number(p)})\right)"]
    if spec.gamma is not None:
        value *= (1 - p) ** spec.gamma
        factors.insert(0, rf"(1-{number(p)})^{{{number(spec.gamma)}}}")
    for weight in _weights(spec, crop, row, column):
        value *= weight
        factors.insert(0, number(weight))
    return Worked(spec, 1.0, "pixel", f"{TIMES.join(factors)} = {number(value)}", value)


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


def lovasz(spec: LossSpec, crop: Crop, row: int, column: int) -> Worked:
    """The pixel's error in each class of the label, times its step of the Jaccard distance in the order of errors."""
    here = int(np.flatnonzero(np.flatnonzero(crop.valid) == row * crop.label.shape[1] + column)[0])
    value, parts = 0.0, []
    for k in classes_of(spec, crop):
        y = crop.counted == k
        if not y.any():
            continue
        errors = np.abs(y - crop.probability[k][crop.valid])
        order = np.argsort(-errors, kind="stable")
        found = y[order].cumsum()
        distance = 1 - (y.sum() - found) / (y.sum() + np.arange(1, len(y) + 1) - found)
        step = float(np.diff(distance, prepend=0)[np.flatnonzero(order == here)[0]])
        value += float(errors[here]) * step
        parts.append(number(float(errors[here])) + TIMES + number(step))
    value /= max(len(parts), 1)
    inner = " + ".join(parts) or "0"
    mean = rf"\frac1{len(parts)}\left({inner}\right)" if len(parts) > 1 else inner
    return Worked(spec, 1.0, "pixel", rf"{mean} = {number(value)}", value)
