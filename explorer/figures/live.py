"""What changes in the figures of a run from one moment to the next, so that only that is sent.

A figure is made once, by a function of :mod:`explorer.figures.training`. As long as its :func:`structure` is the same,
it differs from a later one in the ends of its curves, which name themselves in their traces' ``meta``, and in a few
places of its layout. Both are cheap to compute, and :func:`changes` tells what of them is new. The schedule, which is
small, is sent whole where a run has become shorter or longer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.io.json import to_json_plotly

from explorer.figures.training import curve_values, log_axis, schedule_figure, score_curve
from explorer.runs.history import NORM, RATE, History, loss_curve
from explorer.runs.thinning import Column
from explorer.training.plan import Plan
from explorer.training.schedule import PlannedPhase

TRAINED, SCORES, OTHERS, RATES, SCHEDULE = "trained", "scores", "others", "rates", "schedule"
"""Names of the figures."""

_DIGITS = 5  # significant digits of what is sent


@dataclass(frozen=True, eq=False)
class Moment:
    """All that moves in the figures of a run, at one moment."""

    curves: Mapping[str, tuple[Column, Column]]  # x and y, by the curve's name
    layout: Mapping[str, Mapping[str, Any]]  # by the figure's name: values by their path, such as "shapes.0.x1"
    schedule: Schedule


@dataclass(frozen=True, eq=False)
class Schedule:
    """The figure of the schedule, which is made anew where the phases have other lengths."""

    course: tuple[PlannedPhase, ...]
    figure: Mapping[str, Any]  # data and layout, as JSON

    @classmethod
    def of(cls, plan: Plan, history: History, before: Schedule | None) -> Schedule:
        """The schedule by now; the same object as long as it fits."""
        if before is not None and before.course == history.course and history.last_step:
            return before
        return cls(history.course, browser_figure(schedule_figure(plan, history)))


def browser_figure(figure: go.Figure) -> dict[str, Any]:
    """A figure as the browser gets it: without Streamlit's template, which holds placeholder colours."""
    content: dict[str, Any] = json.loads(to_json_plotly(figure))
    content["layout"].pop("template", None)
    return content


def structure(history: History) -> tuple[object, ...]:
    """What else the figures are made of: where it differs, they must be made anew."""
    spans = tuple((span.phase, span.cycle, span.start, span.loss, span.ended_by) for span in history.spans)
    return spans, len(history.course), history.losses, history.last_step > 0, history.returns


def moment(history: History, classes: int, schedule: Schedule) -> Moment:
    """What is drawn of a run by now.

    Args:
        history: of the run.
        classes: of its dataset, background included.
        schedule: see :meth:`Schedule.of`.
    """
    curves = dict(history.curves)
    for class_id, scope, metric in product(range(1, classes), ("pixel", "object"), ("recall", "precision")):
        curves[score_curve(class_id, scope, metric)] = history.scores(class_id, scope, metric)
    steps = {name: {"xaxis.range": [0, history.most_steps]} for name in (TRAINED, SCORES, OTHERS, RATES)}
    layout: dict[str, dict[str, Any]] = {**steps, SCHEDULE: {}}
    layout[OTHERS] |= {f"xaxis{place}.range": [0, history.most_steps] for place in range(2, len(history.losses) + 1)}
    layout[RATES] |= {"xaxis2.range": [0, history.most_steps]}
    for place, span in enumerate(history.spans):
        for name in (TRAINED, SCORES):
            layout[name][f"shapes.{place}.x1"] = span.end
    losses = curve_values(history, *(loss_curve(place) for place in range(len(history.spans))))
    layout[TRAINED] |= _axis("yaxis", losses)
    layout[RATES] |= _axis("yaxis", curve_values(history, NORM)) | _axis("yaxis2", curve_values(history, RATE))
    if history.last_step:
        marker = len(history.course)  # after the bands
        layout[SCHEDULE] = {f"shapes.{marker}.{end}": history.last_step for end in ("x0", "x1")}
    return Moment(curves, layout, schedule)


def _axis(name: str, values: Column) -> dict[str, Any]:
    return {f"{name}.{key}": value for key, value in log_axis(values).items()}


def changes(before: Moment | None, now: Moment) -> dict[str, Any]:
    """What turns the figures of one moment into those of another, as JSON.

    Args:
        before: what there is; None: nothing.
        now: what there is to be.

    Returns:
        ``curves``: by name ``[kept, x, y]``: after so many of the points that there are follow these; ``layout``: the
        values that are new, by figure and path; ``figures``: those that are replaced.
    """
    curves = {}
    for name, (x, y) in now.curves.items():
        old = before.curves.get(name) if before is not None else None
        kept = 0 if old is None else _equal_at_first(old, (x, y))
        if old is None or kept < max(len(x), len(old[0])):
            curves[name] = [kept, _numbers(x[kept:]), _numbers(y[kept:])]
    layout: dict[str, dict[str, Any]] = {}
    for figure, values in now.layout.items():
        known = before.layout.get(figure, {}) if before is not None else {}
        new = {path: value for path, value in values.items() if path not in known or known[path] != value}
        if new:
            layout[figure] = new
    replaced = before is not None and before.schedule is not now.schedule
    return {"curves": curves, "layout": layout, "figures": {SCHEDULE: now.schedule.figure} if replaced else {}}


def _equal_at_first(one: tuple[Column, Column], other: tuple[Column, Column]) -> int:
    """How many points are equal from the left on."""
    length = min(len(one[0]), len(other[0]))
    same = np.ones(length, dtype=np.bool_)
    for a, b in zip(one, other, strict=True):
        same &= (a[:length] == b[:length]) | (np.isnan(a[:length]) & np.isnan(b[:length]))
    return length if same.all() else int(same.argmin())


def _numbers(column: Column) -> list[float | None]:
    """Whole numbers as they are, others with the digits that a picture shows; None where a value is undefined."""
    return [_number(value) for value in column.tolist()]


def _number(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else float(f"{value:.{_DIGITS}g}")
