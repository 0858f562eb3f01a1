"""Class weights from the data. No torch.

With n_c pixels of class c, N pixels and C classes, p = n/N (the values of p = .97/.02/.01 in brackets):

- inverse frequency N/(C·n_c) (.34/16.7/33.3) and its square root;
- median frequency median(p)/p_c over the classes that occur (Eigen & Fergus 2015, with the shares of the whole dataset
  instead of those of the images that show c);
- ENet 1/ln(1.02 + p_c) (1.45/25.5/33.8; Paszke et al. 2016);
- effective number (1 − β)/(1 − β^n) (Cui et al. 2019), made for counts of samples and therefore fed with objects;
- per object: the foreground as heavy as the background, shared among its classes by how rare their objects are.

A class that is absent weighs 0, never infinity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.losses.spec import WeightRule

BETA = 0.99  # of the effective number: about a hundred objects tell all there is to tell


def class_weights(
    rule: WeightRule, pixels: Sequence[int], objects: Sequence[int], cap: float | None = None
) -> tuple[float, ...]:
    """One weight a class, background first, scaled so that the background weighs 1 where it occurs.

    Only ratios matter to a weighted mean, and with the background at 1 a weight reads "a miss costs that many times".

    Args:
        pixels: labelled pixels of each class, background first.
        objects: objects of each class; the background's number is not used.
        cap: no weight is above this.

    Raises:
        InputError: no pixel is labelled.
    """
    count = np.asarray(pixels, dtype=np.float64)
    if not count.any():
        raise InputError("no pixel is labelled, so that no class weights can be computed", "class_weights")
    weights = raw_weights(rule, count, np.asarray(objects, dtype=np.float64))
    if weights[0] > 0:
        weights = weights / weights[0]
    if cap is not None:
        weights = np.minimum(weights, cap)
    return tuple(float(weight) for weight in weights)


def raw_weights(rule: WeightRule, pixels: NDArray[np.float64], objects: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C,): the weights as their source defines them, before scaling and cap; 0 for an absent class."""
    present = pixels > 0
    n = np.where(present, pixels, 1)
    share = n / pixels.sum()
    match rule:
        case "inverse_frequency":
            weights = 1 / (len(n) * share)
        case "sqrt_inverse_frequency":
            weights = np.sqrt(1 / (len(n) * share))
        case "median_frequency":
            weights = np.median(share[present]) / share
        case "enet":
            weights = 1 / np.log(1.02 + share)
        case "effective_number":
            things = np.maximum(objects, 1)
            things[0] = max(things[0], n[0] / _pixels_per_object(pixels, objects))
            weights = (1 - BETA) / (1 - BETA**things)
        case "per_object":
            things = np.maximum(objects, 1)
            usual = things[1:].mean(where=present[1:]) if present[1:].any() else 1.0
            weights = n[0] / pixels[1:].sum().clip(1) * usual / things
            weights[0] = 1.0
    return np.where(present, weights, 0.0)


def _pixels_per_object(pixels: NDArray[np.float64], objects: NDArray[np.float64]) -> float:
    """Mean size of an object: in how many such pieces the background would fall."""
    return float(max(pixels[1:].sum() / max(objects[1:].sum(), 1), 1))
