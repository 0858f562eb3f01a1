"""Figures of a run while it trains: losses, scores, learning rate and the schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.figures.colours import INK
from explorer.losses.registry import LOSSES
from explorer.runs.history import NORM, RATE, History, PhaseSpan, logged_curve, loss_curve, score_curve
from explorer.runs.thinning import Column
from explorer.training.plan import Plan
from explorer.training.schedule import PlannedPhase, course, effective_learning_rate

COLUMNS = 3  # of small multiples, which have room beside the controls in a window of 1280 pixels
BENDS = 25  # points of a learning rate that falls along a cosine
NAME_FITS = 55  # letters that fit along the schedule in a window of 400 pixels
RECALL, PRECISION = "#0072B2", "#009E73"
_EMPTY = (np.empty(0), np.empty(0))


def trained_loss_figure(history: History, steps: int) -> go.Figure:
    """The training loss, phase by phase; a phase is a band in the colour of its loss.

    The line breaks where the loss changes: values of two losses are not comparable.
    """
    names = [loss_curve(place) for place in range(len(history.spans))]
    infos = [LOSSES[span.loss.kind] for span in history.spans]
    figure = go.Figure([_line(history, name, info.name, info.color) for name, info in zip(names, infos, strict=True)])
    _bands(figure, history.spans)
    figure.update_xaxes(title_text="step", range=[0, steps])
    figure.update_yaxes(title_text="training loss", **log_axis(curve_values(history, *names)))
    return _framed(figure)


def other_losses_figure(history: History, steps: int) -> go.Figure:
    """Every loss of the registry on the training batches, each on its own axis.

    Described as a whole: through ``make_subplots`` and its axes, a page would wait a tenth of a second for it.
    """
    kinds = list(history.losses)
    rows, gap = max(1, -(-len(kinds) // COLUMNS)), 0.07
    width, height = (1 - gap * (COLUMNS - 1)) / COLUMNS, (1 - 0.33 * (rows - 1) / rows) / rows
    traces: list[dict[str, Any]] = []
    titles: list[dict[str, Any]] = []
    axes: dict[str, dict[str, Any]] = {}
    for i, kind in enumerate(kinds):
        row, column = divmod(i, COLUMNS)
        left, top = column * (width + gap), 1 - row * (height + 0.33 / rows)
        number, lowest = "" if i == 0 else str(i + 1), i + COLUMNS >= len(kinds)
        info = LOSSES[kind]
        traces.append(_line(history, logged_curve(kind), info.name, info.color, number))
        across, down = [left, left + width], [max(0.0, top - height), top]
        axes[f"xaxis{number}"] = {
            "anchor": f"y{number}",
            "domain": across,
            "range": [0, steps],
            "nticks": 3,
            "showticklabels": lowest,
        }
        axes[f"yaxis{number}"] = {"anchor": f"x{number}", "domain": down, "rangemode": "tozero", "nticks": 4}
        titles.append(
            {
                "text": info.name,
                "font": {"size": 11},
                "showarrow": False,
                "x": left + width / 2,
                "xanchor": "center",
                "xref": "paper",
                "y": top,
                "yanchor": "bottom",
                "yref": "paper",
            }
        )
    return _framed(go.Figure(traces, {**axes, "annotations": titles}), top=28)


def scores_figure(history: History, class_id: int, class_name: str, steps: int) -> go.Figure:
    """Recall and precision of one class on the validation scenes: solid by pixels, dotted by objects."""
    figure = go.Figure()
    for metric, color in (("recall", RECALL), ("precision", PRECISION)):
        for scope, dash in (("pixel", "solid"), ("object", "dot")):
            curve = score_curve(class_id, scope, metric)
            x, y = history.curves.get(curve, _EMPTY)
            figure.add_scatter(
                x=x,
                y=y,
                meta=curve,
                mode="lines+markers",
                name=f"{scope} {metric}",
                line={"color": color, "dash": dash, "width": 2},
                marker={"size": 6, "symbol": "circle" if scope == "pixel" else "diamond"},
                hovertemplate=f"{scope} {metric} %{{y:.3f}}<extra>step %{{x}}</extra>",
            )
    _bands(figure, history.spans)
    figure.update_xaxes(title_text="step", range=[0, steps])
    figure.update_yaxes(title_text=f"score of “{class_name}”", range=[-0.02, 1.02])
    figure.update_layout(
        showlegend=True,
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "entrywidth": 0.48,
            "entrywidthmode": "fraction",
            "font": {"size": 10},
        },
    )
    return _framed(figure, top=50)


def rates_figure(history: History, steps: int) -> go.Figure:
    """Gradient norm above, learning rate below."""
    traces, layout = [], {}
    for number, name, title, color, domain in (
        ("", NORM, "gradient norm", "#7F7F7F", [0.56, 1]),
        ("2", RATE, "learning rate", INK, [0, 0.44]),
    ):
        traces.append(_line(history, name, title, color, number))
        values = log_axis(curve_values(history, name))
        layout[f"yaxis{number}"] = {"anchor": f"x{number}", "domain": domain, "title": {"text": title}, **values}
        layout[f"xaxis{number}"] = {"anchor": f"y{number}", "domain": [0, 1], "range": [0, steps]}
    layout["xaxis"] |= {"matches": "x2", "showticklabels": False}
    layout["xaxis2"] |= {"title": {"text": "step"}}
    return _framed(go.Figure(traces, layout))


def schedule_figure(plan: Plan, history: History | None = None) -> go.Figure:
    """The plan at its full length: phases as bands, the learning rate as a line.

    Args:
        plan: with or without triggers, which may end phases earlier.
        history: of its run, which is where the marker is: the phases that have begun end where they did, what follows
            moves with them, and a marker shows where a trigger fired. None: nothing has been run.
    """
    phases = course(plan) if history is None else history.course
    run, step = ((), None) if history is None else (history.spans, history.last_step or None)
    steps = phases[-1].end
    spans = [_planned_span(plan, phase) for phase in phases]
    figure = go.Figure()
    x, y = (np.concatenate(columns) for columns in zip(*(_rates(plan, phase) for phase in phases), strict=True))
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": INK, "width": 2},
        hovertemplate="step %{x}: learning rate %{y:.3g}<extra></extra>",
    )
    _bands(figure, spans, opacity=0.35)
    for span in spans:
        lines = LOSSES[span.loss.kind].name.rsplit(" ", 1)
        if (span.end - span.start) / steps > max(map(len, lines)) / NAME_FITS:
            figure.add_annotation(
                x=(span.start + span.end) / 2,
                y=1,
                yref="paper",
                yanchor="bottom",
                showarrow=False,
                text="<br>".join(lines),
                font={"size": 11},
            )
    fired = [each for each in zip(run, phases, strict=False) if each[0].ended_by.startswith("trigger")]
    if fired:
        rates = [effective_learning_rate(plan, phase.position, phase.end) for _, phase in fired]
        figure.add_scatter(
            x=[span.end for span, _ in fired],
            y=rates,
            mode="markers+text",
            marker={"symbol": "diamond", "size": 10, "color": INK},
            text=["trigger"] * len(fired),
            textposition=["top left" if rate < y.max() / 2 else "bottom left" for rate in rates],  # inside the axes
            cliponaxis=False,
            hovertext=[f"step {span.end}: {span.ended_by}" for span, _ in fired],
            hoverinfo="text",
        )
    if step is not None:
        figure.add_vline(x=step, line={"width": 2, "dash": "dot"})
    figure.update_xaxes(title_text="step", range=[0, steps])
    falls = any(phase.decay == "cosine" for phase in plan.phases)  # to zero, which a logarithmic axis cannot show
    figure.update_yaxes(title_text="learning rate", **({"rangemode": "tozero"} if falls else log_axis(y, most=4)))
    return _framed(figure, top=36)


def _planned_span(plan: Plan, phase: PlannedPhase) -> PhaseSpan:
    position, planned = phase.position, plan.phases[phase.position.phase]
    return PhaseSpan(position.phase, position.cycle, phase.start, phase.end, planned.loss, planned.learning_rate)


def _rates(plan: Plan, phase: PlannedPhase) -> tuple[Column, Column]:
    """Steps, and the planned learning rate after them, at the places where its line bends."""
    position, planned = phase.position, plan.phases[phase.position.phase]
    peak = min(phase.start + position.warmup(plan), phase.end)
    after = np.linspace(peak, phase.end, 2 if planned.decay == "none" else BENDS).round()
    steps = np.unique([phase.start, *after])
    return steps, np.array([effective_learning_rate(plan, position, int(step)) for step in steps])


def log_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Ticks of a logarithmic axis: round numbers, as many as there is room for.

    Args:
        low: smallest value, above 0.
        high: largest value.
        most: number of ticks, at most.

    Returns:
        Values between ``low`` and ``high``; one near both where no round number is.
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)))
    for digits in _DIGITS:
        ticks = [
            tick for tick in (float(f"{digit}e{power}") for power in powers for digit in digits) if low <= tick <= high
        ]
        if 0 < len(ticks) <= most:
            return ticks
    return ticks[:: -(-len(ticks) // most)] if ticks else [float(f"{math.sqrt(low * high):.2e}")]


_DIGITS = (range(10, 100), range(10, 100, 2), range(10, 100, 5), range(10, 100, 10), (10, 20, 50), (10, 50), (10,))
"""First two digits of ticks, from fine to coarse."""


def log_axis(values: Column, most: int = 5) -> dict[str, Any]:
    """A logarithmic axis for these values; those that it cannot show are left out."""
    shown = values[np.isfinite(values) & (values > 0)]
    if not len(shown):
        return {"type": "log"}
    ticks = log_ticks(float(shown.min()), float(shown.max()), most)
    return {
        "type": "log",
        "tickvals": ticks,
        "ticktext": [np.format_float_positional(tick, trim="-") for tick in ticks],
    }


def curve_values(history: History, *curves: str) -> Column:
    """All values of these curves."""
    return np.concatenate([history.curves.get(name, _EMPTY)[1] for name in curves] or [_EMPTY[1]])


def _line(history: History, curve: str, name: str, color: str, number: str = "") -> dict[str, Any]:
    """A curve of the history as a trace, which tells its name, so that only its new points need to be sent later.

    Args:
        number: of its axes; "": the first.
    """
    x, y = history.curves.get(curve, _EMPTY)
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "meta": curve,
        "mode": "lines",
        "name": name,
        "line": {"color": color, "width": 1.6},
        "hovertemplate": f"{name} %{{y:.4g}}<extra>step %{{x}}</extra>",
    }


def _bands(figure: go.Figure, spans: Sequence[PhaseSpan], opacity: float = 0.14) -> None:
    shapes = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": span.start,
            "x1": span.end,
            "y0": 0,
            "y1": 1,
            "fillcolor": LOSSES[span.loss.kind].color,
            "opacity": opacity,
            "line": {"width": 0},
            "layer": "below",
        }
        for span in spans
    ]
    figure.update_layout(shapes=shapes)


def _framed(figure: go.Figure, top: int = 12) -> go.Figure:
    figure.update_layout(margin={"l": 64, "r": 12, "t": top, "b": 40}, hovermode="closest")
    if figure.layout.showlegend is None:
        figure.update_layout(showlegend=False)
    return figure
