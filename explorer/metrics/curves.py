"""Counts at every threshold, and the precision, recall, IoU and F1 that follow. No torch.

A pixel is predicted where its probability is at least the threshold. Pixel curves come from a ``PixelHistogram``, which
counts all thresholds at once; ``sweep_objects`` matches objects anew at each threshold, and the object curve of any
minimum area follows from what it found. A quotient whose denominator is zero is NaN: a hole in a figure, n/a in a
table.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.metrics.counts import ObjectCounts, PixelCounts, ToleranceCounts
from explorer.metrics.matching import LabelObjects, match

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
    """Objects of one class."""

    iou_sum: Values  # (T,), over the matched pairs

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


@dataclass(frozen=True, eq=False)
class ToleranceCurve(Curve):
    """Pixels of one class within a tolerance, pooled over scenes.

    True positives and false negatives are pixels of the label, near the prediction or not; false positives are
    predicted pixels that are not near the label.
    """

    predicted_near: Counts  # (T,), predicted pixels near the label
    skeleton_predicted: Counts  # (T,)
    skeleton_predicted_inside: Counts  # (T,), of these, in the label
    skeleton_labelled: Counts  # (T,)
    skeleton_labelled_inside: Counts  # (T,), of these, in the prediction

    @property
    def precision(self) -> Values:
        """(T,): predicted pixels near the label / all predicted ones, NaN where nothing is predicted."""
        return _quotient(self.predicted_near, self.predicted_near + self.false_positives)

    @property
    def f1(self) -> Values:
        """(T,): harmonic mean of precision and recall, 0 where one is 0 or undefined, NaN where both are undefined."""
        return _harmonic_means(self.precision, self.recall)

    @property
    def skeleton_precision(self) -> Values:
        """(T,): share of the prediction's skeleton that lies in the label, NaN where nothing is predicted."""
        return _quotient(self.skeleton_predicted_inside, self.skeleton_predicted)

    @property
    def skeleton_recall(self) -> Values:
        """(T,): share of the label's skeleton that lies in the prediction, NaN where there is nothing to find."""
        return _quotient(self.skeleton_labelled_inside, self.skeleton_labelled)

    @property
    def cl_dice(self) -> Values:
        """(T,): harmonic mean of the two, as ``f1``."""
        return _harmonic_means(self.skeleton_precision, self.skeleton_recall)

    def counts(self, index: int) -> ToleranceCounts:
        """The pixels at one threshold."""
        near, found = int(self.predicted_near[index]), int(self.true_positives[index])
        return ToleranceCounts(
            predicted=near + int(self.false_positives[index]),
            predicted_near=near,
            labelled=found + int(self.false_negatives[index]),
            labelled_near=found,
            skeleton_predicted=int(self.skeleton_predicted[index]),
            skeleton_predicted_inside=int(self.skeleton_predicted_inside[index]),
            skeleton_labelled=int(self.skeleton_labelled[index]),
            skeleton_labelled_inside=int(self.skeleton_labelled_inside[index]),
        )

    def __add__(self, other: ToleranceCurve) -> ToleranceCurve:
        if not np.array_equal(self.thresholds, other.thresholds):
            raise ValueError("only curves over the same thresholds can be added")
        counts = (getattr(self, each.name) + getattr(other, each.name) for each in fields(self)[1:])
        return ToleranceCurve(self.thresholds, *counts)


@dataclass(frozen=True, eq=False)
class ObjectSweep:
    """What became of all objects of one class at every threshold, whatever their size.

    The curve of any minimum area follows. Sweeps of several scenes at the same thresholds are pooled by adding them.
    """

    thresholds: Values  # (T,), ascending
    areas: Counts  # (n,), pixels of the label's objects
    ious: Values  # (T, n), with the predicted object that found it; 0 = not found, or found by its centroid alone
    alarm_areas: Counts  # (a,), pixels of predicted objects without a partner, those of the first threshold first
    alarms: Counts  # (T,), how many of them belong to each threshold; their sum is a
    found: NDArray[np.bool_]  # (T, n), whether a predicted object found it

    @classmethod
    def none(cls, thresholds: Values) -> Self:
        """Of a scene without objects."""
        count = len(thresholds)
        return cls(
            thresholds,
            np.zeros(0, dtype=np.int64),
            np.zeros((count, 0)),
            np.zeros(0, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
            np.zeros((count, 0), dtype=np.bool_),
        )

    def __add__(self, other: ObjectSweep) -> ObjectSweep:
        if not np.array_equal(self.thresholds, other.thresholds):
            raise ValueError("only sweeps over the same thresholds can be added")
        alarm_areas = np.concatenate([self.alarm_areas, other.alarm_areas])
        order = np.argsort(np.concatenate([self._threshold_of_alarm, other._threshold_of_alarm]), kind="stable")
        return ObjectSweep(
            self.thresholds,
            np.concatenate([self.areas, other.areas]),
            np.concatenate([self.ious, other.ious], axis=1),
            alarm_areas[order],
            self.alarms + other.alarms,
            np.concatenate([self.found, other.found], axis=1),
        )

    @property
    def _threshold_of_alarm(self) -> NDArray[np.intp]:
        """(a,): index of the threshold that each false alarm belongs to."""
        return np.repeat(np.arange(len(self.thresholds)), self.alarms)

    def below(self, minimum_area: int) -> int:
        """How many of the label's objects are smaller than the minimum area."""
        return int(np.count_nonzero(self.areas < minimum_area))

    def curve(self, minimum_area: int) -> ObjectCurve:
        """Found, false and missed objects at every threshold.

        Args:
            minimum_area: in pixels; see :mod:`explorer.metrics.matching`.
        """
        counted = self.areas >= minimum_area
        found = np.count_nonzero(self.found[:, counted], axis=1)
        large = self._threshold_of_alarm[self.alarm_areas >= minimum_area]
        return ObjectCurve(
            self.thresholds,
            found,
            np.bincount(large, minlength=len(self.thresholds)),
            np.count_nonzero(counted) - found,
            self.ious[:, counted].sum(axis=1),
        )


def sweep_objects(
    probability: NDArray[np.float32],
    objects: LabelObjects,
    thresholds: Values = THRESHOLDS,
    rule: MatchRule = HALF_IOU,
) -> ObjectSweep:
    """Matches the objects of one class in one scene at every threshold.

    >>> from explorer.metrics.matching import find_label_objects
    >>> label = np.ones((2, 3), dtype=np.uint8)  # one object
    >>> probability = np.full((2, 3), 0.5, dtype=np.float32)
    >>> sweep_objects(probability, find_label_objects(label, 1), np.array([0.4, 0.6])).curve(minimum_area=1).recall
    array([1., 0.])

    Args:
        probability: (H, W), of the class; predicted objects are the connected components of what is at a threshold.
        objects: the label's objects of that class, in a label of the same size.
        thresholds: (T,), ascending, in the unit of the probability.
        rule: one that matches objects.
    """
    ious, alarms, found = [], [], []
    for threshold in thresholds:  # one matching at a time is kept: each holds a map of the scene's size
        matching = match(probability >= threshold, objects, rule)
        ious.append(matching.ious)
        alarms.append(matching.predicted_areas[matching.unexplained])
        found.append(matching.found)
    counts = np.array([len(each) for each in alarms])
    return ObjectSweep(thresholds, objects.areas, np.stack(ious), np.concatenate(alarms), counts, np.stack(found))


def _quotient(numerator: Counts | Values, denominator: Counts) -> Values:
    values = np.full(len(denominator), np.nan)
    np.divide(numerator, denominator, out=values, where=denominator > 0)
    return values


def _harmonic_means(precision: Values, recall: Values) -> Values:
    one, other = np.nan_to_num(precision), np.nan_to_num(recall)
    means = np.where(one * other > 0, 2 * one * other / np.maximum(one + other, np.finfo(np.float64).tiny), 0.0)
    return np.where(np.isnan(precision) & np.isnan(recall), np.nan, means)
