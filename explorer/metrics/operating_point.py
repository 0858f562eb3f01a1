"""Which threshold, and which run, has the lowest cost when a miss costs as much as N false alarms. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.metrics.counts import harmonic_mean, ratio
from explorer.metrics.curves import Curve, ToleranceCurve


@dataclass(frozen=True)
class OperatingPoint:
    """Counts and scores of a segmenter at one threshold; None where undefined."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    predicted_near: int | None = None  # within a tolerance: the predicted pixels that are right, in the place of TP

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP); within a tolerance, with the predicted pixels that are near the label for TP."""
        right = self.true_positives if self.predicted_near is None else self.predicted_near
        return ratio(right, right + self.false_positives)

    @property
    def recall(self) -> float | None:
        """TP / (TP + FN)."""
        return ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN); within a tolerance, the harmonic mean of precision and recall."""
        if self.predicted_near is not None:
            return harmonic_mean(self.precision, self.recall)
        return ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    def cost(self, miss: float) -> float:
        """N·FN + FP, in false alarms, where a miss costs as much as N false alarms.

        >>> OperatingPoint(0.5, true_positives=8, false_positives=3, false_negatives=2).cost(miss=10)
        23
        """
        return miss * self.false_negatives + self.false_positives


@dataclass(frozen=True)
class Offer:
    """The lowest cost of one run, or why it is unknown."""

    point: OperatingPoint | None
    cost: float | None  # in false alarms
    reason: str | None  # why there is no point


@dataclass(frozen=True)
class Advice:
    """Which run to take."""

    offers: tuple[Offer, ...]  # one a curve, in their order
    best: int | None  # index of the run to take; None if no run has an offer
    ties: tuple[int, ...]  # other runs at the same cost

    def points(self, names: Sequence[str]) -> dict[str, OperatingPoint]:
        """The point of least cost of each run that has one, by the run's name.

        Args:
            names: of the runs, in the order of the offers.
        """
        return {name: offer.point for name, offer in zip(names, self.offers, strict=True) if offer.point is not None}


def operating_point(curve: Curve, threshold: float) -> OperatingPoint:
    """The counts at the threshold of the curve that is nearest to this one."""
    return _point(curve, curve.at(threshold))


def why_not(curve: Curve) -> str | None:
    """Why drawing this curve would mislead; None where it would not."""
    if not (curve.true_positives + curve.false_negatives).any():
        return "the labels hold nothing of this class, so that there is no recall"
    if not (curve.true_positives + curve.false_positives).any():
        return "nothing is predicted at any threshold, so that there is no precision"
    inside = (curve.thresholds > 0) & (curve.thresholds < 1)
    counts = np.stack([curve.true_positives, curve.false_positives])[:, inside]
    if (counts == counts[:, :1]).all():
        return "every threshold gives the same prediction: a point, not a curve"
    return None


def minimum_cost_point(curve: Curve, miss: float) -> OperatingPoint:
    """The threshold at which N·FN + FP is lowest.

    Of thresholds with equal cost it takes the middle of their longest run, where a small shift changes nothing.

    >>> curve = Curve(np.array([0.2, 0.8]), np.array([4, 2]), np.array([4, 0]), np.array([0, 2]))
    >>> minimum_cost_point(curve, miss=1).threshold, minimum_cost_point(curve, miss=10).threshold
    (0.8, 0.2)

    Args:
        curve: of a class that occurs in the labels.
        miss: N, the cost of a miss in false alarms; not negative.
    """
    cost = miss * curve.false_negatives + curve.false_positives
    least = np.flatnonzero(np.isclose(cost, cost.min(), rtol=1e-12, atol=0))
    runs = np.split(least, np.flatnonzero(np.diff(least) > 1) + 1)
    longest = max(runs, key=len)
    return _point(curve, int(longest[(len(longest) - 1) // 2]))


def advise(curves: Sequence[Curve], miss: float) -> Advice:
    """The best threshold of each run, and the best run, when a miss costs as much as N false alarms.

    Of runs with equal cost, the one with the higher F1 is taken, then the first.

    Args:
        curves: one for each run, all of one class over the same scenes. A run that was measured on another number of
            pixels or objects than the first gets no offer, since their costs cannot be compared.
        miss: N, not negative.
    """
    wanted: int | None = None
    offers: list[Offer] = []
    for curve in curves:
        reason = None
        there = int((curve.true_positives + curve.false_negatives)[0])
        if there == 0:
            reason = why_not(curve)
        elif wanted is None:
            wanted = there
        elif there != wanted:
            reason = f"measured on other labels, with {there} to find instead of {wanted}: costs cannot be compared"
        point = None if reason else minimum_cost_point(curve, miss)
        offers.append(Offer(point, point.cost(miss) if point else None, reason))
    candidates = [i for i, offer in enumerate(offers) if offer.point is not None]
    if not candidates:
        return Advice(tuple(offers), None, ())
    best = min(candidates, key=lambda i: (offers[i].cost, -(_f1(offers[i]))))
    ties = tuple(i for i in candidates if i != best and offers[i].cost == offers[best].cost)
    return Advice(tuple(offers), best, ties)


def iso_f1(f1: float, points: int = 101) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision along which F1 is constant: P = F·R / (2R − F), for recalls at which P is at most 1.

    >>> recall, precision = iso_f1(0.5, points=3)
    >>> (2 * recall * precision / (recall + precision)).round(6)
    array([0.5, 0.5, 0.5])

    Args:
        f1: in (0, 1).
    """
    recall = np.linspace(f1 / (2 - f1), 1, points)
    return recall, f1 * recall / (2 * recall - f1)


def _f1(offer: Offer) -> float:
    return (offer.point.f1 if offer.point else None) or 0.0


def _point(curve: Curve, index: int) -> OperatingPoint:
    return OperatingPoint(
        float(curve.thresholds[index]),
        int(curve.true_positives[index]),
        int(curve.false_positives[index]),
        int(curve.false_negatives[index]),
        int(curve.predicted_near[index]) if isinstance(curve, ToleranceCurve) else None,
    )
