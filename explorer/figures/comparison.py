"""Several runs in one figure: scores and losses through training, each run in its own colour.

Names of runs can be long, and six of them leave no room: the page has the legend.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.figures.panels import Panel, across
from explorer.losses.registry import LOSSES
from explorer.runs.history import History, logged_curve

_COLUMNS, _GAP = 4, 0.07  # of small multiples; share of the width
_ROW_GAP = 0.3  # of a row's height, for the title of the next one


def compared_scores_figure(
    histories: Mapping[str, History], colours: Mapping[str, str], class_id: int, scope: str
) -> go.Figure:
    """Recall and precision of one class at every validation, side by side.

    Args:
        histories: by the run's name, as it is shown.
        colours: likewise.
        class_id: 1 or more.
        scope: "pixel" or "object".
    """
    figure = go.Figure()
    for number, metric in enumerate(("recall", "precision"), start=1):
        panel = Panel(number, *across(number - 1, 2, 0.12), 0.0, 1.0)
        for name, history in histories.items():
            steps, values = history.scores(class_id, scope, metric)
            figure.add_scatter(
                x=steps,
                y=values,
                mode="lines+markers",
                name=name,
                line={"color": colours[name], "width": 2},
                marker={"size": 5},
                hovertemplate=f"{metric} %{{y:.3f}}<extra>step %{{x}}</extra>",
                **panel.axes,
            )
        y = {"title": {"text": f"{scope} {metric}"}, "range": [-0.02, 1.02]}
        figure.update_layout(panel.layout({"title": {"text": "step"}, "rangemode": "tozero"}, y))
    figure.update_layout(margin={"l": 60, "r": 12, "t": 12, "b": 44}, hovermode="closest", showlegend=False)
    return figure


def compared_losses_figure(histories: Mapping[str, History], colours: Mapping[str, str]) -> go.Figure:
    """Every loss that all runs that have begun logged on their training batches, each on its own axis.

    Args:
        histories: by the run's name, as it is shown.
        colours: likewise.
    """
    logged = [set(history.losses) for history in histories.values() if history.losses]
    kinds = [kind for kind in LOSSES if logged and all(kind in of_run for of_run in logged)]
    rows = max(1, -(-len(kinds) // _COLUMNS))
    traces: list[dict[str, Any]] = []
    titles: list[dict[str, Any]] = []
    layout: dict[str, Any] = {}
    for place, kind in enumerate(kinds):
        row, column = divmod(place, _COLUMNS)
        top = 1 - row / rows
        panel = Panel(place + 1, *across(column, _COLUMNS, _GAP), top - (1 - _ROW_GAP) / rows, top)
        titles.append(panel.title(LOSSES[kind].name, 11))
        lowest = place + _COLUMNS >= len(kinds)
        layout |= panel.layout({"nticks": 3, "showticklabels": lowest}, {"rangemode": "tozero", "nticks": 4})
        for name, history in histories.items():
            x, y = history.curves.get(logged_curve(kind), (np.empty(0), np.empty(0)))
            traces.append(
                {
                    "type": "scatter",
                    "x": x,
                    "y": y,
                    "mode": "lines",
                    "name": name,
                    "line": {"color": colours[name], "width": 1.5},
                    "hovertemplate": f"{LOSSES[kind].name} %{{y:.4g}}<extra>step %{{x}}</extra>",
                    **panel.axes,
                }
            )
    return go.Figure(
        traces,
        {
            **layout,
            "annotations": titles,
            "showlegend": False,
            "margin": {"l": 48, "r": 12, "t": 24, "b": 28},
            "hovermode": "closest",
        },
    )
