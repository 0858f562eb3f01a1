"""Curves of several runs: a panel for each quantity, all on one x axis, since two losses never share a y axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.figures.colours import INK
from explorer.figures.imagery import plain_text
from explorer.figures.panels import Panel, across
from explorer.figures.training import log_axis
from explorer.runs.compared_curves import Band, Line
from explorer.runs.thinning import Column

COLUMNS = 3
_ROW, _TOP, _BOTTOM = 210, 48, 44  # pixels
_GAP, _ROW_GAP = 0.06, 0.2
_PALE = 0.3


@dataclass(frozen=True)
class Quantity:
    """One panel: a score or a loss of all runs."""

    title: str
    lines: tuple[Line, ...]
    is_score: bool  # from 0 to 1, and the highest is best; else a loss


@dataclass(frozen=True)
class RunLook:
    """How a run, or the group that it stands for, is drawn."""

    name: str
    colour: str


def curves_figure(
    quantities: Sequence[Quantity], looks: Mapping[tuple[str, ...], RunLook], x_title: str, end: float, log: bool
) -> go.Figure:
    """The panels, three in a row; ``figure.layout.height`` is theirs.

    Args:
        quantities: at least one.
        looks: by the ids of a line's runs.
        x_title: what the x axis is.
        end: where it ends.
        log: whether losses are on logarithmic axes.
    """
    rows = -(-len(quantities) // COLUMNS)
    height = curves_height(len(quantities))
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"annotations": []}
    named: set[tuple[str, ...]] = set()
    for place, quantity in enumerate(quantities):
        row, column = divmod(place, COLUMNS)
        left, right = across(column, COLUMNS, _GAP)
        bottom, top = across(rows - 1 - row, rows, _ROW_GAP / rows)
        panel = Panel(place + 1, left, right, bottom, top - 0.04 / rows)
        for line in quantity.lines:
            traces += _traces(line, looks[line.runs], panel, shown=line.runs not in named)
            named.add(line.runs)
        is_lowest = place + COLUMNS >= len(quantities)
        x = {"range": [0, 1.02 * end], "nticks": 5, "title": {"text": x_title if is_lowest else ""}}
        layout |= panel.layout(x, _y_axis(quantity, log))
        layout["annotations"].append(panel.title(quantity.title, 12))
    for name in ("xaxis1", "yaxis1"):  # Plotly knows the first ones without their number
        layout[name[:-1]] = layout.pop(name)
    figure = go.Figure(traces, layout)
    figure.update_layout(
        height=height,
        margin={"l": 44, "r": 12, "t": _TOP, "b": _BOTTOM},
        hovermode="closest",
        showlegend=True,
        legend={"orientation": "h", "y": 1 + 24 / (height - _TOP - _BOTTOM), "yanchor": "bottom", "font": {"size": 11}},
    )
    return figure


def curves_height(quantities: int) -> int:
    """Pixels of a figure with this many panels."""
    return _TOP + _BOTTOM + _ROW * -(-quantities // COLUMNS)


def _y_axis(quantity: Quantity, log: bool) -> dict[str, Any]:
    if quantity.is_score:
        return {"range": [-0.02, 1.04], "nticks": 5}
    if not log:
        return {"rangemode": "tozero", "nticks": 5}
    parts = [np.empty(0), *(_values(line) for line in quantity.lines)]
    return log_axis(np.concatenate(parts), most=4)


def _values(line: Line) -> Column:
    return line.measured[1] if line.measured is not None else line.smooth[1]


def _traces(line: Line, look: RunLook, panel: Panel, shown: bool) -> list[dict[str, Any]]:
    """What is pale first: the band, or what was measured; then the line, then the star of the best value."""
    name = plain_text(look.name)
    pale: list[dict[str, Any]] = []
    if line.band is not None:
        pale = _band_traces(line.band, look.colour)
    elif line.measured is not None and line.smooth[1] is not line.measured[1]:
        pale = [
            {
                "x": line.measured[0],
                "y": line.measured[1],
                "mode": "lines",
                "opacity": _PALE,
                "line": {"color": look.colour, "width": 1},
                "hoverinfo": "skip",
            }
        ]
    x, y = line.smooth
    whole = {
        "x": x,
        "y": y,
        "mode": "lines+markers" if 0 < len(x) <= 40 else "lines",
        "marker": {"size": 4},
        "line": {"color": look.colour, "width": 2},
        "hovertemplate": f"{name}<br>%{{y:.4g}} at %{{x:.4g}}<extra></extra>",
    }
    star = [] if line.best is None else [
        {
            "x": [line.best[0]],
            "y": [line.best[1]],
            "mode": "markers",
                "cliponaxis": False,
            "marker": {"symbol": "star", "size": 11, "color": look.colour, "line": {"color": INK, "width": 1}},
            "hovertemplate": f"{name}<br>best: %{{y:.4g}} at %{{x:.4g}}<extra></extra>",
        }
    ]  # fmt: skip
    around = {"type": "scatter", "name": name, "legendgroup": " ".join(line.runs), **panel.axes}
    hidden = [around | each | {"showlegend": False} for each in (*pale, *star)]
    return [*hidden[: len(pale)], around | whole | {"showlegend": shown}, *hidden[len(pale) :]]


def _band_traces(band: Band, colour: str) -> list[dict[str, Any]]:
    edge = {"x": band.x, "mode": "lines", "line": {"width": 0, "color": colour}, "hoverinfo": "skip"}
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    fill = f"rgba({red},{green},{blue},{_PALE})"
    return [edge | {"y": band.low}, edge | {"y": band.high, "fill": "tonexty", "fillcolor": fill}]
