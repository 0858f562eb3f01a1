"""Curves of several runs on one axis: by steps or seconds, smoothed, those that differ in the seed alone as a band."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.runs.history import SECONDS, History
from explorer.runs.records import RunRecord
from explorer.runs.thinning import Column
from explorer.training.plan import Plan

Axis = Literal["steps", "seconds"]
Points = tuple[Column, Column]
"""x and y, each (n,), x ascending; y is NaN where a value is undefined."""

_BAND_POINTS = 200  # of a band, at most


@dataclass(frozen=True, eq=False)
class Band:
    """Several runs that differ in their seed alone, over the part of the axis that all of them have."""

    x: Column  # (n,)
    mean: Column  # (n,), NaN where a run has no value
    low: Column  # (n,)
    high: Column  # (n,)


def in_seconds(history: History, points: Points) -> Points:
    """The same values over the seconds of training, pauses left out, instead of steps."""
    steps, seconds = history.curves.get(SECONDS, (np.empty(0), np.empty(0)))
    if not len(steps):
        return np.empty(0), np.empty(0)
    return np.interp(points[0], np.append(0.0, steps), np.append(0.0, seconds)), points[1]


def on_axis(history: History, points: Points, axis: Axis) -> Points:
    """Points over steps as points over the axis."""
    return points if axis == "steps" else in_seconds(history, points)


def smoothed(points: Points, reach: float) -> Points:
    """The exponential running mean: a value counts 1/e as much once x has gone on by ``reach``.

    Points need not be evenly spaced. Values at and after a hole are means of what is defined before; the hole stays.

    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([1.0, np.nan, 0.0])
    >>> smoothed((x, y), reach=2 / np.log(3))[1]
    array([1.  ,  nan, 0.25])

    Args:
        points: as measured.
        reach: in units of x; 0: they stay as they are.
    """
    x, y = points
    if reach <= 0:
        return points
    total = weight = 0.0
    means = np.full(len(y), np.nan)
    last = x[0] if len(x) else 0.0
    for place, (at, value) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        fade = math.exp(-(at - last) / reach)
        total, weight, last = total * fade, weight * fade, at
        if math.isfinite(value):
            total, weight = total + value, weight + 1.0
            means[place] = total / weight
    return x, means


def unequal_validations(histories: Mapping[str, History]) -> str:
    """A sentence about runs whose validations score different parts of the scenes, so that they count other objects.

    Triggers, steps and the working scale of a plan decide how many pixels a validation scores; where they are fewer,
    the windows are smaller and lie where most foreground is.

    Args:
        histories: of runs on one dataset, by the run's name as the sentence has it.

    Returns:
        Empty where all runs that have validated score the same number of pixels.
    """
    pixels = {name: each.validations[-1].pixels for name, each in histories.items() if each.validations}
    if len(set(pixels.values())) < 2:
        return ""
    counts = ", ".join(f"{name} {count:,} px" for name, count in pixels.items())
    return (
        f"These runs validated on different parts of the scenes ({counts} in each validation): they count other "
        "objects, and their scores through training do not compare. Results at the end are on all validation scenes."
    )


def best_point(points: Points, highest: bool) -> tuple[float, float] | None:
    """The first of the highest, or lowest, points; None where no value is defined, or all are zero."""
    x, y = points
    if not np.nan_to_num(y).any():
        return None
    place = int(np.nanargmax(y) if highest else np.nanargmin(y))
    return float(x[place]), float(y[place])


def was_steered(plan: Plan, history: History) -> bool:
    """Whether loss or learning rate were changed by hand while the run trained: its plan does not tell."""
    planned = ((span, plan.phases[span.phase]) for span in history.spans)
    return any((span.loss, span.learning_rate) != (phase.loss, phase.learning_rate) for span, phase in planned)


def seed_groups(records: Sequence[RunRecord], steered: Collection[str] = ()) -> list[list[RunRecord]]:
    """Runs that differ in their seed and name alone, in one list each; a run like no other is alone in its list.

    Args:
        records: on any datasets.
        steered: ids of those that were changed by hand while they trained; each is alone.
    """
    groups: dict[tuple[str, str, str], list[RunRecord]] = {}
    for record in records:
        alike = record.plan.model_copy(update={"seed": 0, "name": "any"}).model_dump_json()
        alone = record.id if record.id in steered else ""
        groups.setdefault((record.dataset_id, alike, alone), []).append(record)
    return list(groups.values())


def band(curves: Sequence[Points]) -> Band | None:
    """Mean, lowest and highest of several curves; None where no part of the axis is in all of them.

    Between its points a curve is a straight line; next to an undefined value it has none.

    Args:
        curves: at least two.
    """
    filled = [each for each in curves if len(each[0])]
    if len(filled) < len(curves):
        return None
    start, end = max(each[0][0] for each in filled), min(each[0][-1] for each in filled)
    if start > end:
        return None
    x = np.unique(np.concatenate([each[0] for each in filled]))
    x = x[(x >= start) & (x <= end)]
    x = x[np.unique(np.linspace(0, len(x) - 1, min(len(x), _BAND_POINTS)).round().astype(int))]
    values = np.stack([np.interp(x, *each) for each in filled])
    return Band(x, values.mean(axis=0), values.min(axis=0), values.max(axis=0))


@dataclass(frozen=True, eq=False)
class Line:
    """One run, or a group of runs that differ in their seed alone, in a panel of one quantity."""

    runs: tuple[str, ...]  # ids; several: a group
    measured: Points | None  # None: of a group, which has a band instead
    smooth: Points  # the running mean of the run, or of the group's mean
    band: Band | None
    best: tuple[float, float] | None  # x and y of the best measured value, of a group: of its mean


def lines_of(
    groups: Sequence[Sequence[str]], curves: Mapping[str, Points], reach: float, highest: bool
) -> tuple[Line, ...]:
    """What a panel shows of one quantity; runs without a point are left out.

    Args:
        groups: ids of runs; those of one group are shown as a band, if all of them have a point.
        curves: by the run's id, on one axis.
        reach: of the running mean, in units of the axis.
        highest: whether the best value is the highest or the lowest.
    """
    lines: list[Line] = []
    for group in groups:
        joined = band([curves[each] for each in group]) if len(group) > 1 else None
        if joined is not None:
            mean = joined.x, joined.mean
            lines.append(Line(tuple(group), None, smoothed(mean, reach), joined, best_point(mean, highest)))
            continue
        for each in group:
            points = curves[each]
            if np.isfinite(points[1]).any():
                lines.append(Line((each,), points, smoothed(points, reach), None, best_point(points, highest)))
    return tuple(lines)
