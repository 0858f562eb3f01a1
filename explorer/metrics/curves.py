"""Counts at every threshold, and the precision, recall, IoU and F1 that follow. No torch.

A pixel is predicted where its probability is at least the threshold. Pixel curves come from a ``PixelHistogram``, which
counts all thresholds at once; ``object_curve`` matches objects anew at each threshold. A quotient whose denominator is
zero is NaN: a hole in a figure, n/a in a table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.metrics.counts import ObjectCounts, PixelCounts
from explorer.metrics.matching import LabelObjects, match
from explorer.metrics.objects import count_objects

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

THRESHOLDS: Values = np.arange(1, 50) / 50
"""Those of an object curve unless others are given."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Hits, false alarms and misses of one class at every threshold.

    >>> curve = Curve(np.array([0.2, 0.8]), np.array([4, 2]), np.array([4, 0]), np.array([0, 2]))
    >>> curve.precision, curve.recall
    (array([0.5, 1. ]), array([1. , 0.5]))
    """

    thresholds: Values  # (T,), ascending
    true_positives: Counts  # (T,)
    false_positives: Counts  # (T,)
    false_negatives: Counts  # (T,)

    @property
    def precision(self) -> Values:
        """(T,): TP / (TP + FP), NaN where nothing is predicted."""
        return _quotient(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> Values:
        """(T,): TP / (TP + FN), NaN where there is nothing to find."""
        return _quotient(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> Values:
        """(T,): 2 TP / (2 TP + FP + FN), NaN where nothing is predicted and nothing is there."""
        wrong = self.false_positives + self.false_negatives
        return _quotient(2 * self.true_positives, 2 * self.true_positives + wrong)

    def at(self, threshold: float) -> int:
        """Index of the threshold nearest to this one."""
        return int(np.abs(self.thresholds - threshold).argmin())


@dataclass(frozen=True, eq=False)
class PixelCurve(Curve):
    """Pixels of one class, pooled over scenes."""

    @property
    def iou(self) -> Values:
        """(T,): TP / (TP + FP + FN), NaN where nothing is predicted and nothing is there."""
        return _quotient(self.true_positives, self.true_positives + self.false_positives + self.false_negatives)

    def counts(self, index: int) -> PixelCounts:
        """The pixels at one threshold."""
        return PixelCounts(
            int(self.true_positives[index]), int(self.false_positives[index]), int(self.false_negatives[index])
        )


@dataclass(frozen=True, eq=False)
class ObjectCurve(Curve):
    """Objects of one class. Those of several scenes at the same thresholds are pooled by adding them."""

    iou_sum: Values  # (T,), over the matched pairs

    def __add__(self, other: ObjectCurve) -> ObjectCurve:
        if not np.array_equal(self.thresholds, other.thresholds):
            raise ValueError("only curves over the same thresholds can be added")
        return ObjectCurve(
            self.thresholds,
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.iou_sum + other.iou_sum,
        )

    @property
    def panoptic_quality(self) -> Values:
        """(T,): Σ IoU / (TP + ½ FP + ½ FN), NaN where nothing is predicted and nothing is there."""
        wrong = self.false_positives + self.false_negatives
        return _quotient(2 * self.iou_sum, 2 * self.true_positives + wrong)

    def counts(self, index: int) -> ObjectCounts:
        """The objects at one threshold."""
        return ObjectCounts(
            int(self.true_positives[index]),
            int(self.false_positives[index]),
            int(self.false_negatives[index]),
            float(self.iou_sum[index]),
        )


def object_curve(
    probability: NDArray[np.float32], objects: LabelObjects, thresholds: Values = THRESHOLDS
) -> ObjectCurve:
    """Objects of one class at every threshold.

    >>> from explorer.metrics.matching import find_label_objects
    >>> label = np.ones((2, 3), dtype=np.uint8)  # one object
    >>> probability = np.full((2, 3), 0.5, dtype=np.float32)
    >>> object_curve(probability, find_label_objects(label, 1, 1), np.array([0.4, 0.6])).recall
    array([1., 0.])

    Args:
        probability: (H, W), of the class, 0 to 1.
        objects: the label's objects of that class, in a label of the same size.
        thresholds: (T,), ascending, in the unit of the probability.
    """
    counts = [count_objects(match(probability >= threshold, objects)) for threshold in thresholds]
    true, false, missed, ious = zip(
        *((each.true_positives, each.false_positives, each.false_negatives, each.iou_sum) for each in counts),
        strict=True,
    )
    return ObjectCurve(thresholds, np.array(true), np.array(false), np.array(missed), np.array(ious))


def _quotient(numerator: Counts | Values, denominator: Counts) -> Values:
    values = np.full(len(denominator), np.nan)
    np.divide(numerator, denominator, out=values, where=denominator > 0)
    return values
