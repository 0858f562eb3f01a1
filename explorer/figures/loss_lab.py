"""Pictures of the Loss lab: curves, costs side by side, gradient maps, cosines between gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.losses.lab import Cost, LossCurve
from explorer.losses.registry import LOSSES, LossKind

GROUND, HIT, MISS = "#8A949E", "#0072B2", "#E69F00"
UNDER_TITLE = {"l": 0, "r": 0, "t": 34, "b": 0}
AWAY_TO_TOWARD = [(0.0, "#B35900"), (0.5, "#F7F7F7"), (1.0, "#00507E")]


def curves_figure(curves: Sequence[LossCurve]) -> go.Figure:
    """A column for each loss: its value above, its pull on pixels of objects and of the background below.

    Each panel has its own y axis: values of two losses are not comparable.
    """
    columns = len(curves)
    figure = make_subplots(
        rows=2,
        cols=columns,
        shared_xaxes=True,
        vertical_spacing=0.08,
        horizontal_spacing=0.24 / max(columns, 2),
        column_titles=[LOSSES[curve.spec.kind].name for curve in curves],
    )
    for column, curve in enumerate(curves, start=1):
        color = LOSSES[curve.spec.kind].color
        for row, name, y, dash in (
            (1, "loss", curve.loss, "solid"),
            (2, "pull on objects", curve.object_pull, "solid"),
            (2, "pull on background", curve.background_pull, "dot"),
        ):
            figure.add_scatter(
                x=curve.probability,
                y=y,
                name=name,
                row=row,
                col=column,
                showlegend=column == 1 and row == 2,
                line={"color": color, "dash": dash},
                hovertemplate="p = %{x:.3f}<br>" + name + " = %{y:.4g}",
            )
        figure.update_xaxes(title_text="p of the true class", range=[0, 1], row=2, col=column)
    figure.update_yaxes(title_text="loss", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title_text="pull of one pixel", row=2, col=1)
    figure.update_layout(margin={"l": 60, "r": 10, "t": 40, "b": 50}, legend={"orientation": "h", "y": -0.18})
    return figure


def field_figure(objects: NDArray[np.int64], wrong: NDArray[np.bool_], title: str) -> go.Figure:
    """Objects on their field, (H, W) ids, with the missed pixels in the colour of misses."""
    state = np.where(wrong, 2, np.where(objects > 0, 1, 0))
    figure = go.Figure(
        go.Heatmap(
            z=state,
            zmin=0,
            zmax=2,
            showscale=False,
            hoverinfo="skip",
            colorscale=[
                (0.0, "#8A949E"),
                (0.33, "#8A949E"),
                (0.34, HIT),
                (0.66, HIT),
                (0.67, MISS),
                (1.0, MISS),
            ],
        )
    )
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x")
    figure.update_layout(title={"text": title, "font": {"size": 14}}, margin={"l": 0, "r": 0, "t": 34, "b": 0})
    return figure


def costs_figure(costs: Sequence[Cost], first: str, second: str) -> go.Figure:
    """How many times more each loss charges for the first mistake than for the second, on a log axis.

    A loss that charges nothing for one of them has no ratio: it is named in the axis, without a bar.
    """
    ratios = [cost.ratio if cost.first > 1e-12 else None for cost in costs]
    names = [
        LOSSES[cost.spec.kind].name + ("" if ratio is not None else " (n/a)")
        for cost, ratio in zip(costs, ratios, strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=[None if ratio is None else np.log10(ratio) for ratio in ratios],
            y=names,
            orientation="h",
            marker={"color": [LOSSES[cost.spec.kind].color for cost in costs]},
            customdata=[(cost.first, cost.second) for cost in costs],
            text=["n/a" if ratio is None else f"×{ratio:.3g}" for ratio in ratios],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"{first}: %{{customdata[0]:.4g}}<br>{second}: %{{customdata[1]:.4g}}<extra>%{{y}}</extra>",
        )
    )
    reach = max([1.0, *(abs(np.log10(ratio)) for ratio in ratios if ratio is not None)]) * 1.25
    ticks = np.arange(-np.ceil(reach), np.ceil(reach) + 1)
    figure.update_xaxes(
        title_text=f"← {second} costs more · {first} costs more →",
        range=[-reach, reach],
        tickvals=ticks,
        ticktext=[f"×{10.0**tick:g}" for tick in ticks],
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(margin={"l": 10, "r": 30, "t": 10, "b": 50}, showlegend=False, bargap=0.35)
    return figure


def gradient_figure(pulls: NDArray[np.float32], label: NDArray[np.uint8], name: str) -> go.Figure:
    """Which pixels a loss pushes toward the class (blue) and away from it (orange), and how hard.

    Args:
        pulls: (H, W), −N·∂L/∂z of the class's logit; its own symmetric scale: losses are not comparable.
        label: (H, W), True or 1 where the class is; its outline is drawn.
    """
    reach = float(np.nanquantile(np.abs(pulls), 0.999)) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=pulls,
            zmid=0,
            zmin=-reach,
            zmax=reach,
            colorscale=AWAY_TO_TOWARD,
            colorbar={"title": {"text": "pull"}, "thickness": 10},
            hovertemplate="row %{y}, column %{x}: %{z:.3g}<extra></extra>",
        )
    )
    figure.add_contour(
        z=label.astype(np.float32),
        showscale=False,
        hoverinfo="skip",
        line={"color": "#000000", "width": 1},
        contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
    )
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x")
    figure.update_layout(title={"text": name, "font": {"size": 14}}, margin=UNDER_TITLE)
    return figure


def cosines_figure(kinds: Sequence[LossKind], cosines: NDArray[np.float64]) -> go.Figure:
    """Cosine between the losses' gradients in weight space, (L, L): 1 same way, 0 unrelated, −1 opposed."""
    names = [LOSSES[kind].name for kind in kinds]
    figure = go.Figure(
        go.Heatmap(
            z=cosines,
            x=names,
            y=names,
            zmin=-1,
            zmax=1,
            zmid=0,
            colorscale=AWAY_TO_TOWARD,
            texttemplate="%{z:.2f}",
            colorbar={"title": {"text": "cosine"}, "thickness": 10},
            hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return figure
