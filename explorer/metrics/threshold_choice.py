"""The probability threshold of a class, chosen from curves over scenes that neither train nor score. No torch.

The criterion is the mean of the F1 of objects under the dataset's match rule and the F1 of pixels; the F1 of pixels
alone where no object is there to be found, or where one blob over everything wins the rule.

A single best threshold is a matter of chance where few objects decide. So the middle of the plateau is taken: of the
thresholds next to the best one at which the criterion is nearly as high. The result is moved halfway to ½ where there
are few objects or few scenes: a threshold that is best in one place may fail in another.

Measured on the predictions of nine runs for ships, aeroplanes, cars, nuclei, trees, buildings and potholes: chosen on
one or two of the scenes that did not train and scored on the others of these, the F1 under the rule was 0.445 with this
rule, 0.442 with ½, 0.438 in the middle of the plateau and 0.429 at the best threshold. Without the limit on scenes it
was 0.457, and the difference is due to cars alone, whose scenes are of one sequence; on nuclei, trees and roofs the
limit changed nothing or gained a little. It was set after 0.95, the best of one sequence of cars, had halved the F1 of
0.5 on another sequence; that one scores in the benchmark, whose figure for cars is therefore optimistic. Thresholds
near 0 or 1, for which odd scenes ask, cannot be chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.match_rule import MatchRule
from explorer.metrics.class_map import STEPS
from explorer.metrics.curves import PixelCurve

HALF = 0.5
"""The threshold where none can be chosen."""

FEW_OBJECTS = 30
"""With fewer objects than this in the threshold scenes, the threshold is moved halfway to ½. Match rules that count
pixels have no such number."""

FEW_SCENES = 5
"""Likewise with fewer scenes than this, however many objects they hold: they may all be of one site."""

PLATEAU = 0.05
"""The criterion is nearly as high as at its best where it has lost no more than this share of it."""

CANDIDATES: NDArray[np.float64] = np.arange(100, 951, 25) / STEPS
"""Thresholds that can be chosen. Beyond them, what is best on few scenes rarely is on others."""


class HasF1(Protocol):
    """An F1 at every threshold: a curve of pixels or objects."""

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """(T,), ascending."""

    @property
    def f1(self) -> NDArray[np.float64]:
        """(T,), NaN where undefined."""


@dataclass(frozen=True)
class ChosenThreshold:
    """The threshold of one class, and how it was chosen."""

    class_id: int
    threshold: float  # a whole multiple of 1/STEPS
    criterion: str  # what was to be high, in words
    value: float | None  # of the criterion at the threshold; None: the class does not occur
    objects: int  # of the class in the threshold scenes, as many as count
    scenes: tuple[str, ...]  # names of the threshold scenes
    rule: str  # how the threshold follows, in words
    split: bool = False  # neighbours are separated at the threshold
    smallest: int = 1  # pixels; predicted objects with fewer are dropped at the threshold
    split_rule: str = ""  # how ``split`` follows, in words
    smallest_rule: str = ""  # how ``smallest`` follows, in words


def choose_threshold(
    class_id: int,
    pixels: PixelCurve,
    objects: HasF1 | None,
    match_rule: MatchRule,
    count: int,
    scenes: Sequence[str],
) -> ChosenThreshold:
    """Chooses the threshold of one class.

    >>> from explorer.imagery.match_rule import HALF_IOU
    >>> curve = PixelCurve(np.array([0.2, 0.4, 0.6, 0.8]), *np.array([[9, 9, 9, 4], [9, 1, 1, 0], [1, 1, 1, 6]]))
    >>> chosen = choose_threshold(1, curve, None, HALF_IOU, count=40, scenes="abcde")
    >>> chosen.threshold, chosen.value, chosen.rule
    (0.5, 0.9, 'middle of the thresholds from 0.4 to 0.6, where the criterion is within 5 % of its best')

    Args:
        class_id: 1 or more.
        pixels: over the threshold scenes, at least at the thresholds of the other curve.
        objects: over the same scenes under the match rule; None: objects are not matched.
        match_rule: of the dataset.
        count: the label's objects of the class in these scenes, those below the minimum area left out.
        scenes: names of the threshold scenes.
    """
    if not (pixels.true_positives + pixels.false_negatives).any():
        rule = "½, because the class does not occur in the threshold scenes"
        return ChosenThreshold(class_id, HALF, "F1 of pixels", None, count, tuple(scenes), rule)
    there = count > 0 or not match_rule.counts_objects
    if objects is not None and there and match_rule.may_choose:
        thresholds = objects.thresholds[_can_be_chosen(objects.thresholds)]
        of_objects = objects.f1[_can_be_chosen(objects.thresholds)]
        of_pixels = pixels.f1[[pixels.at(threshold) for threshold in thresholds]]
        values = (np.nan_to_num(of_objects) + np.nan_to_num(of_pixels)) / 2
        criterion = f"mean of F1 under {match_rule.words} and F1 of pixels"
    else:
        inside = _can_be_chosen(pixels.thresholds)
        thresholds, values, criterion = pixels.thresholds[inside], np.nan_to_num(pixels.f1[inside]), "F1 of pixels"
    if values.max() == 0:
        rule = "½, because nothing is found at any threshold"
        return ChosenThreshold(class_id, HALF, criterion, 0.0, count, tuple(scenes), rule)
    first, last = plateau(values)
    low, high = float(thresholds[first]), float(thresholds[last])
    threshold = (low + high) / 2
    rule = (
        f"middle of the thresholds from {low:g} to {high:g}, where the criterion is within {PLATEAU:.0%} of its best"
        if last > first
        else f"the best threshold, {low:g}"
    ).replace("%", " %")
    reason = _why_halfway(match_rule, count, len(scenes))
    if reason:
        threshold = (threshold + HALF) / 2
        rule += f"; halfway from there to ½, because {reason}"
    threshold = round(threshold * STEPS) / STEPS
    nearest = int(np.abs(thresholds - threshold).argmin())
    return ChosenThreshold(class_id, threshold, criterion, float(values[nearest]), count, tuple(scenes), rule)


def _why_halfway(match_rule: MatchRule, count: int, scenes: int) -> str:
    """Why the threshold is moved halfway to ½; empty: it is not."""
    if match_rule.counts_objects and count < FEW_OBJECTS:
        return f"{count} object{'s are' if count != 1 else ' is'} fewer than {FEW_OBJECTS}"
    if scenes < FEW_SCENES:
        return f"{scenes} scene{'s are' if scenes != 1 else ' is'} fewer than {FEW_SCENES}"
    return ""


def _can_be_chosen(thresholds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(T,): whether a threshold is between the least and the greatest candidate."""
    inside: NDArray[np.bool_] = (thresholds >= CANDIDATES[0]) & (thresholds <= CANDIDATES[-1])
    return inside


def plateau(values: NDArray[np.float64]) -> tuple[int, int]:
    """First and last index of the values next to the highest that are nearly as high; of equals, the first is highest.

    >>> plateau(np.array([0.1, 0.79, 0.80, 0.5, 0.8]))
    (1, 2)

    Args:
        values: (T,), not negative.
    """
    best = int(values.argmax())
    low = np.flatnonzero(values < values[best] * (1 - PLATEAU))
    return int(low[low < best].max(initial=-1)) + 1, int(low[low > best].min(initial=len(values))) - 1
