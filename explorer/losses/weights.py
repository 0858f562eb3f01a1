"""Class weights from the data. No torch.

With n_c pixels of class c, N pixels and C classes, p = n/N (the values of p = .97/.02/.01 in brackets):

- inverse frequency N/(C·n_c) (.34/16.7/33.3) and its square root;
- median frequency median(p)/p_c over the classes that occur (Eigen & Fergus 2015, with the shares of the whole dataset
  instead of those of the images that show c);
- ENet 1/ln(1.02 + p_c) (1.45/25.5/33.8; Paszke et al. 2016);
- effective number (1 − β)/(1 − β^n) (Cui et al. 2019), made for counts of samples and therefore fed with objects;
- per object: foreground and background get equal total weight; rarer objects get more of the foreground's.

An absent class has weight 0, not infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.balance import ClassShare
from explorer.losses.spec import WeightRule

BETA = 0.99  # of the effective number, which then saturates at 1/(1 − β) = 100 objects

WeightsOf = Callable[[WeightRule, float | None], tuple[float, ...]]
"""Gives the weights for a rule and a cap."""


def weights_of_shares(shares: Sequence[ClassShare]) -> WeightsOf:
    """Turns a weight rule and a cap into class weights, see :func:`class_weights`.

    Args:
        shares: class balance of the data, background first.
    """
    pixels, objects = [share.pixels for share in shares], [share.objects or 0 for share in shares]
    return lambda rule, cap: class_weights(rule, pixels, objects, cap)


def class_weights(
    rule: WeightRule, pixels: Sequence[int], objects: Sequence[int], cap: float | None = None
) -> tuple[float, ...]:
    """One weight for each class, background first, scaled so that the background has weight 1 where it occurs.

    Only ratios matter to a weighted mean. With the background at 1, a weight says how many times as much a missed pixel
    costs.

    >>> [round(weight, 1) for weight in class_weights("inverse_frequency", [9700, 200, 100], [0, 20, 5])]
    [1.0, 48.5, 97.0]
    >>> class_weights("inverse_frequency", [9700, 200, 100], [0, 20, 5], cap=20)
    (1.0, 20.0, 20.0)

    Args:
        pixels: labelled pixels of each class, background first.
        objects: objects of each class; the background's number is not used.
        cap: the largest weight allowed.

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
    """(C,): the weights as their source defines them, before scaling and cap; 0 for an absent class.

    >>> pixels, objects = np.array([9700.0, 200.0, 100.0]), np.array([0.0, 20.0, 5.0])
    >>> raw_weights("inverse_frequency", pixels, objects).round(2)
    array([ 0.34, 16.67, 33.33])
    >>> raw_weights("enet", pixels, objects).round(2)
    array([ 1.45, 25.5 , 33.83])

    Args:
        rule: see the module's docstring.
        pixels: (C,), labelled pixels of each class, background first; at least one class has some.
        objects: (C,), objects of each class; the background's number is not used.
    """
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
            counts = np.maximum(objects, 1)
            counts[0] = max(counts[0], n[0] / _pixels_per_object(pixels, objects))
            weights = (1 - BETA) / (1 - BETA**counts)
        case "per_object":
            counts = np.maximum(objects, 1)
            mean = counts[1:].mean(where=present[1:]) if present[1:].any() else 1.0
            # without background there is nothing to balance
            balance = n[0] / pixels[1:].sum().clip(1) if present[0] else 1.0
            weights = balance * mean / counts
            weights[0] = 1.0
    return np.where(present, weights, 0.0)


def _pixels_per_object(pixels: NDArray[np.float64], objects: NDArray[np.float64]) -> float:
    """Mean area of an object, by which the background is counted in objects too."""
    return float(max(pixels[1:].sum() / max(objects[1:].sum(), 1), 1))
