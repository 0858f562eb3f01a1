"""From probabilities to one class for each pixel: at thresholds of the classes, or the most probable class. No torch.

Probabilities are compared in whole thousandths, rounded down, so that "at least the threshold" means the same for
predictions, scores, and the curves and overlays of a threshold sweep.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STEPS = 1000
"""Thresholds are whole multiples of 1/STEPS."""


def in_thousandths(probabilities: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Probabilities of any shape in 1/STEPS, rounded down; one that is not a number counts as 0."""
    scaled = np.nan_to_num(probabilities) * np.float32(STEPS)
    return scaled.clip(0, STEPS).astype(np.uint16)


def classes_at(probabilities: NDArray[np.float32], thresholds: Sequence[float] | None) -> NDArray[np.uint8]:
    """The class (H, W) of each pixel.

    >>> probabilities = np.array([[[0.70, 0.5, 0.3]], [[0.25, 0.3, 0.3]], [[0.05, 0.2, 0.4]]], dtype=np.float32)
    >>> classes_at(probabilities, (0.2, 0.1)), classes_at(probabilities, None)
    (array([[1, 2, 2]], dtype=uint8), array([[0, 0, 2]], dtype=uint8))

    Args:
        probabilities: (K, H, W), background first.
        thresholds: K − 1, of the classes 1, 2, …, each above 0 and at most 1: a pixel is of class k where its
            probability is at least the threshold t of k; of several such classes, of the one with the largest p / t.
            None: with two classes the object where its probability is at least ½, with more the most probable class.
    """
    if thresholds is None and len(probabilities) > 2:
        most_probable: NDArray[np.uint8] = probabilities.argmax(0).astype(np.uint8)
        return most_probable
    return classes_of_thousandths(in_thousandths(probabilities[1:]), (0.5,) if thresholds is None else thresholds)


def classes_of_thousandths(values: NDArray[np.uint16], thresholds: Sequence[float]) -> NDArray[np.uint8]:
    """Likewise from the probabilities (K − 1, H, W) of the classes 1, 2, … in 1/STEPS.

    Raises:
        ValueError: there is not one threshold a class, or one is not above 0 and at most 1.
    """
    if len(thresholds) != len(values) or not all(0 < threshold <= 1 for threshold in thresholds):
        raise ValueError(f"thresholds {tuple(thresholds)} for {len(values)} classes: one each, above 0, at most 1")
    classes = np.zeros(values.shape[1:], dtype=np.uint8)
    highest = np.zeros(values.shape[1:], dtype=np.float32)
    for class_id, (of_class, threshold) in enumerate(zip(values, thresholds, strict=True), start=1):
        least = max(1, round(threshold * STEPS))
        ratio = of_class / np.float32(least)
        wins = (of_class >= least) & (ratio > highest)
        classes[wins], highest[wins] = class_id, ratio[wins]
    return classes


def most_probable_of_thousandths(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The most probable class of each pixel from the probabilities (K − 1, H, W) of the classes 1, 2, … in 1/STEPS.

    What is left to one is the background's. Classes that are K/STEPS apart or less may be told in another order than
    from the probabilities themselves, since each is rounded down.

    >>> most_probable_of_thousandths(np.array([[[400, 300, 100]], [[350, 450, 100]]], dtype=np.uint16))
    array([[1, 2, 0]], dtype=uint8)
    """
    background = STEPS - values.sum(axis=0, dtype=np.int32)
    most_probable: NDArray[np.uint8] = np.concatenate([background[None], values]).argmax(0).astype(np.uint8)
    return most_probable
