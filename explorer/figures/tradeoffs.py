"""Recall against precision: curves of runs, the path of a run through training, recall by object size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.figures.colours import INK, run_colours
from explorer.figures.imagery import plain_text
from explorer.losses.registry import LOSSES
from explorer.metrics.curves import Curve
from explorer.metrics.objects import ObjectRecord, SizeBin
from explorer.metrics.operating_point import OperatingPoint, iso_f1, operating_point
from explorer.runs.history import History

ISO_F1 = (0.2, 0.4, 0.6, 0.8, 0.9)
"""The values of F1 whose lines are drawn behind the curves."""


def precision_recall_figure(
    curves: Mapping[str, Curve],
    at: Mapping[str, OperatingPoint],
    at_words: str,
    chosen: str | None,
    best: Mapping[str, OperatingPoint],
    scope: str,
    colours: Mapping[str, str],
) -> go.Figure:
    """Precision over recall of several runs, with lines of equal F1.

    Args:
        curves: by the run's name.
        at: by the run's name, the point at one threshold, a filled dot.
        at_words: which threshold that is: "at the slider".
        chosen: the run whose point is large; None: all are.
        best: by the run's name, the point that costs least, drawn as a star.
        scope: of what: "pixel", "object", or "relaxed": within a tolerance.
        colours: by the run's name, of all runs that are compared, also of those without a curve.
    """
    figure = iso_f1_lines()
    for name, curve in curves.items():
        colour = colours[name]
        figure.add_scatter(
            x=curve.recall,
            y=curve.precision,
            mode="lines",
            name=plain_text(name),
            line={"color": colour, "width": 2},
            customdata=curve.thresholds,
            hovertemplate="threshold %{customdata:.3f}<br>recall %{x:.3f}<br>precision %{y:.3f}<extra></extra>",
        )
        points = [(at[name], "circle", 14 if chosen in (name, None) else 8, at_words)]
        if name in best:
            points.append((best[name], "star", 15, "least cost"))
        for point, symbol, size, what in points:
            figure.add_scatter(
                x=[point.recall],
                y=[point.precision],
                mode="markers",
                name=f"{plain_text(name)}, {what}",
                showlegend=False,
                marker={"color": colour, "size": size, "symbol": symbol, "line": {"color": INK, "width": 1}},
                hovertemplate=f"{what}: threshold {point.threshold:.3f}"
                "<br>recall %{x:.3f}<br>precision %{y:.3f}<extra></extra>",
            )
    return recall_precision_axes(figure, f"{scope} recall", f"{scope} precision")


AT_SLIDER = "at the slider"
"""What the points that move with a threshold are called: a page moves the traces whose ``meta`` begins so."""


def threshold_figure(
    curves: Mapping[str, Curve], own: Mapping[str, float | None], scope: str, drawn: Mapping[str, tuple[int, str]]
) -> go.Figure:
    """Precision over recall of several runs, each with its own threshold and a point that a page can move.

    Args:
        curves: by the run's name.
        own: the threshold of each run, a diamond; None: it has none, and the diamond is at ½.
        scope: of what: "pixel", "object", or "relaxed": within a tolerance.
        drawn: of each run, the number by which the page knows it, and its colour, for which the page has the legend.
    """
    figure = iso_f1_lines()
    for name, curve in curves.items():
        number, colour = drawn[name]
        figure.add_scatter(
            x=curve.recall,
            y=curve.precision,
            mode="lines",
            name=name,
            line={"color": colour, "width": 2},
            customdata=curve.thresholds,
            hovertemplate="threshold %{customdata:.3f}<br>recall %{x:.3f}<br>precision %{y:.3f}<extra></extra>",
        )
        chosen = own[name]
        point = operating_point(curve, 0.5 if chosen is None else chosen)
        for what, symbol, size, meta in (
            ("½" if chosen is None else "own threshold", "diamond", 11, None),
            (AT_SLIDER, "circle", 13, f"{AT_SLIDER} {number}"),
        ):
            figure.add_scatter(
                x=[point.recall],
                y=[point.precision],
                mode="markers",
                name=f"{name}, {what}",
                meta=meta,
                showlegend=False,
                marker={"color": colour, "size": size, "symbol": symbol, "line": {"color": INK, "width": 1.5}},
                hovertemplate=f"{what}<br>recall %{{x:.3f}}<br>precision %{{y:.3f}}<extra></extra>",
            )
    figure = recall_precision_axes(figure, f"{scope} recall", f"{scope} precision")
    return figure.update_layout(showlegend=False)


def path_figure(history: History, class_id: int, scope: str) -> go.Figure:
    """Recall and precision through training: one dot per validation, in the colour of the loss that was trained."""
    figure = iso_f1_lines()
    steps, recall = history.scores(class_id, scope, "recall")
    _, precision = history.scores(class_id, scope, "precision")
    figure.add_scatter(
        x=recall, y=precision, mode="lines", line={"color": "#9AA5B1", "width": 1}, showlegend=False, hoverinfo="skip"
    )
    named: set[str] = set()
    for span in history.spans:
        inside = (steps > span.start) & (steps <= span.end)
        info = LOSSES[span.loss.kind]
        figure.add_scatter(
            x=recall[inside],
            y=precision[inside],
            mode="markers",
            name=info.name,
            legendgroup=info.name,
            showlegend=info.name not in named,
            marker={"color": info.color, "size": 8 + 4 * (np.arange(inside.sum()) == inside.sum() - 1)},
            customdata=steps[inside],
            hovertemplate="step %{customdata}<br>recall %{x:.3f}<br>precision %{y:.3f}<extra></extra>",
        )
        named.add(info.name)
    return recall_precision_axes(figure, f"{scope} recall", f"{scope} precision")


def size_figure(bins_of: Mapping[str, Sequence[SizeBin]]) -> go.Figure:
    """Object recall by size, the runs side by side; each bar is labelled with found and all objects."""
    figure = go.Figure()
    for colour, (name, bins) in zip(run_colours(len(bins_of)), bins_of.items(), strict=True):
        figure.add_bar(
            x=[_range(each) for each in bins],
            y=[np.nan if each.recall is None else each.recall for each in bins],
            name=plain_text(name),
            marker={"color": colour},
            text=[f"{each.found}/{each.objects}" for each in bins],
            hovertemplate="%{x}: found %{text}<extra></extra>",
        )
    figure.update_xaxes(title_text="size of the object, pixels", type="category")
    figure.update_yaxes(title_text="object recall", range=[0, 1.05])
    figure.update_layout(
        barmode="group",
        margin={"l": 56, "r": 12, "t": 12, "b": 48},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    return figure


def thresholds_table(points: Mapping[str, Mapping[str, OperatingPoint]]) -> pd.DataFrame:
    """Runs at several thresholds each, one row for a run and a threshold.

    Args:
        points: by the run's name, then by what the threshold is: "own", "½".
    """
    return pd.DataFrame(
        [
            {
                "run": name,
                "at": which,
                "threshold": point.threshold,
                "recall": point.recall,
                "precision": point.precision,
                "F1": point.f1,
                "found": point.true_positives,
                "missed": point.false_negatives,
                "false alarms": point.false_positives,
            }
            for name, of_run in points.items()
            for which, point in of_run.items()
        ]
    )


def objects_table(records: Sequence[ObjectRecord]) -> pd.DataFrame:
    """One row per object, the ones that went wrong first, large before small."""
    order = {"missed": 0, "false": 1, "found": 2}
    rows = sorted(records, key=lambda each: (order[each.outcome], -each.area))
    return pd.DataFrame(
        {
            "outcome": ["false alarm" if each.outcome == "false" else each.outcome for each in rows],
            "pixels": [each.area for each in rows],
            "row": [round(each.row, 1) for each in rows],
            "column": [round(each.column, 1) for each in rows],
            "IoU": [each.iou for each in rows],
        }
    )


def curves_table(curves: Mapping[str, Mapping[str, Curve]]) -> pd.DataFrame:
    """All numbers behind the curves.

    Args:
        curves: by the run's name, then by scope.
    """
    parts = [
        pd.DataFrame(
            {
                "run": name,
                "scope": scope,
                "threshold": curve.thresholds,
                "true_positives": curve.true_positives,
                "false_positives": curve.false_positives,
                "false_negatives": curve.false_negatives,
                "precision": curve.precision,
                "recall": curve.recall,
                "f1": curve.f1,
            }
        )
        for name, scopes in curves.items()
        for scope, curve in scopes.items()
    ]
    return pd.concat(parts, ignore_index=True)


def iso_f1_lines() -> go.Figure:
    """A figure with the lines on which F1 is the same."""
    figure = go.Figure()
    for value in ISO_F1:
        recall, precision = iso_f1(value)
        figure.add_scatter(
            x=recall,
            y=precision,
            mode="lines",
            line={"color": "#9AA5B1", "width": 1, "dash": "dot"},
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_annotation(
            x=1.0, y=value / (2 - value), text=f"F1 {value:g}", showarrow=False, xanchor="right", font={"size": 10}
        )
    return figure


def recall_precision_axes(figure: go.Figure, x: str, y: str) -> go.Figure:
    """The figure with axes from 0 to 1 of these titles, and a legend above."""
    figure.update_xaxes(title_text=x, range=[-0.02, 1.03])
    figure.update_yaxes(title_text=y, range=[-0.02, 1.03])
    figure.update_layout(
        margin={"l": 56, "r": 12, "t": 12, "b": 48},
        hovermode="closest",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"size": 11}},
        showlegend=True,
    )
    return figure


def _range(each: SizeBin) -> str:
    return f"{each.smallest}" if each.smallest == each.largest else f"{each.smallest}–{each.largest}"
