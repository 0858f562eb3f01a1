"""What changes in the figures of a run from one moment to the next, so that only that is sent.

A figure is made once, by a function of :mod:`explorer.figures.training`. As long as its :func:`structure` is the same,
it differs from a later one in the ends of its curves, which name themselves in their traces' ``meta``, and in a few
places of its layout. Both are cheap to compute, and :func:`changes` tells what of them is new. The schedule, which is
small, is sent whole where a run has become shorter or longer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.io.json import to_json_plotly

from explorer.figures.training import curve_values, log_axis, schedule_figure
from explorer.runs.history import DRAWN_SCORES, NORM, RATE, History, logged_curve, loss_curve, score_curve
from explorer.runs.thinning import Column
from explorer.training.plan import Plan
from explorer.training.schedule import PlannedPhase

TRAINED, SCORES, OTHERS, RATES, SCHEDULE = "trained", "scores", "others", "rates", "schedule"
FIGURES = (TRAINED, SCORES, OTHERS, RATES, SCHEDULE)
"""Names of the figures."""

_DIGITS = 5  # significant digits of what is sent


@dataclass(frozen=True, eq=False)
class Moving:
    """All that moves in one figure, at one moment."""

    curves: Mapping[str, tuple[Column, Column]]  # x and y, by the curve's name
    layout: Mapping[str, Any]  # values by their path, such as "shapes.0.x1"


@dataclass(frozen=True, eq=False)
class Moment:
    """All that moves in the figures of a run, at one moment."""

    figures: Mapping[str, Moving]
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
    of_loss = [loss_curve(place) for place in range(len(history.spans))]
    of_scores = [score_curve(k, scope, metric) for k in range(1, classes) for scope, metric in DRAWN_SCORES]
    steps, ends = [0, history.most_steps], {f"shapes.{i}.x1": span.end for i, span in enumerate(history.spans)}
    axes = ["xaxis", *(f"xaxis{place}" for place in range(2, len(history.losses) + 1))]
    trained = {"xaxis.range": steps} | ends | _axis("yaxis", curve_values(history, *of_loss))
    rates = {"xaxis.range": steps, "xaxis2.range": steps}
    rates |= _axis("yaxis", curve_values(history, NORM)) | _axis("yaxis2", curve_values(history, RATE))
    marker = len(history.course)  # after the bands
    there = {f"shapes.{marker}.{end}": history.last_step for end in ("x0", "x1")} if history.last_step else {}
    figures = {
        TRAINED: Moving(_curves(history, of_loss), trained),
        SCORES: Moving(_curves(history, of_scores), {"xaxis.range": steps} | ends),
        OTHERS: Moving(_curves(history, map(logged_curve, history.losses)), {f"{axis}.range": steps for axis in axes}),
        RATES: Moving(_curves(history, (NORM, RATE)), rates),
        SCHEDULE: Moving({}, there),
    }
    return Moment(figures, schedule)


def _curves(history: History, names: Iterable[str]) -> dict[str, tuple[Column, Column]]:
    return {name: history.curves[name] for name in names if name in history.curves}


def _axis(name: str, values: Column) -> dict[str, Any]:
    return {f"{name}.{key}": value for key, value in log_axis(values).items()}


def changes(before: Moment | None, now: Moment, figure: str) -> dict[str, Any]:
    """What turns a figure of one moment into that of another, as JSON.

    Args:
        before: what there is; None: the figure of a moment that is not known.
        now: what there is to be.
        figure: its name.

    Returns:
        Those that there is something of: ``curves``: by name ``[kept, x, y]``: after so many of the points that there
        are follow these; ``layout``: the values that are new, by path; ``figure``: what replaces the whole of it.
    """
    curves = {}
    old, new = before.figures[figure] if before is not None else Moving({}, {}), now.figures[figure]
    for name, (x, y) in new.curves.items():
        known = old.curves.get(name)
        kept = 0 if known is None else _equal_at_first(known, (x, y))
        if known is None or kept < max(len(x), len(known[0])):
            curves[name] = [kept, _numbers(x[kept:]), _numbers(y[kept:])]
    layout = {path: value for path, value in new.layout.items() if path not in old.layout or old.layout[path] != value}
    replaced = figure == SCHEDULE and (before is None or before.schedule is not now.schedule)
    parts = {"curves": curves, "layout": layout, "figure": now.schedule.figure if replaced else {}}
    return {name: part for name, part in parts.items() if part}


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
