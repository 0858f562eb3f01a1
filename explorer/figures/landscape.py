"""Figures of slices: surfaces, contours, agreement, interpolation error and lines, with the path of the run.

Dots mark measured points, all others are interpolated; undefined values are left empty. A caption under every figure
names the run, the checkpoint and the plane.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.figures.colours import INK
from explorer.landscape.fields import Field, agreement
from explorer.landscape.plane_kinds import plane_kind
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import PathPoint
from explorer.losses.registry import LOSSES
from explorer.training.plan import Plan

MOST_FIELDS = 4
_SCALE = "Cividis"
_COLUMN_GAP = 0.18  # share of the width; holds a colour bar and its numbers
_AXIS_TITLE_LETTERS = 32  # per line: a column of a narrow page holds no more
_TITLE_SIZE, _AXIS_TITLE_SIZE, _TICK_SIZE = 13, 11, 10  # pixels
_AXIS_SPACE = 78  # pixels under a plot, for tick labels and an axis title of up to three lines
_CAMERA_DISTANCE = {1: 2.1, 2: 2.6}  # by columns: far enough that a narrow scene clips no label


def surface_figure(
    slice_: Slice, names: Sequence[str], logarithmic: bool = True, plan: Plan | None = None
) -> go.Figure:
    """Up to four fields as surfaces, side by side.

    Args:
        slice_: over a plane.
        names: of the fields.
        logarithmic: losses as their logarithm to base 10.
        plan: of the run, whose phases colour its path; None: the path has one colour.
    """
    rows, columns = arrangement(len(names))
    infos = [_info(slice_, name) for name in names]
    figure = make_subplots(
        rows=rows,
        cols=columns,
        specs=[[{"type": "surface"}] * columns for _ in range(rows)],
        subplot_titles=[_title(info, logarithmic) for info in infos],
        horizontal_spacing=0.02,
        vertical_spacing=0.08,
    )
    distance = _CAMERA_DISTANCE[columns]
    axis = {"nticks": 4, "tickfont": {"size": _TICK_SIZE}}
    for i, info in enumerate(infos):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        z = _shown(slice_.fields[info.name], info, logarithmic)
        figure.add_surface(
            x=slice_.alpha,
            y=slice_.beta,
            z=z,
            colorscale=_SCALE,
            reversescale=info.group != "loss",
            showscale=False,
            hovertemplate="α %{x:.3f}<br>β %{y:.3f}<br>%{z:.4g}<extra></extra>",
            **place,
        )
        for trace in _path_on_surface(slice_, info, logarithmic, plan):
            figure.add_trace(trace, **place)
        figure.update_scenes(
            xaxis={"title": {"text": "α"}, "range": _span(slice_.alpha), **axis},
            yaxis={"title": {"text": "β"}, "range": _span(slice_.beta), **axis},
            zaxis={"title": {"text": ""}, **axis},  # the title above names the values
            camera={  # off the middle: the labels of z are on the left, those of α and β below
                "eye": {"x": 0.64 * distance, "y": -0.64 * distance, "z": 0.43 * distance},
                "center": {
                    "x": -0.06,
                    "y": -0.06,
                    "z": -0.14,
                },
            },
            aspectmode="manual",
            aspectratio={"x": 1, "y": 1, "z": 0.8},
            **place,
        )
    _frame(figure, slice_, below=4)
    figure.update_layout(margin={"l": 4, "r": 4})
    return figure


def contour_figure(
    slice_: Slice, names: Sequence[str], logarithmic: bool = True, plan: Plan | None = None
) -> go.Figure:
    """Up to four fields as contours on the same axes, with the run's path. See ``surface_figure``."""
    rows, columns = arrangement(len(names))
    infos = [_info(slice_, name) for name in names]
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[_title(info, logarithmic) for info in infos],
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=_COLUMN_GAP,
        vertical_spacing=0.12,
    )
    for i, info in enumerate(infos):
        row, column = i // columns + 1, i % columns + 1
        z = _shown(slice_.fields[info.name], info, logarithmic)
        _map(figure, slice_, z, _SCALE, row, column, columns, rows, reversed_=info.group != "loss")
        _measured(figure, slice_, row, column)
        for trace in _path(slice_, plan):
            figure.add_trace(trace, row=row, col=column)
    _label_axes(figure, slice_, rows, columns, len(infos))
    return _frame(figure, slice_, below=_AXIS_SPACE)


def agreement_figure(slice_: Slice, loss: str, metric: str, plan: Plan | None = None) -> go.Figure:
    """``agreement`` of a loss and a metric: blue where descending the loss raises the metric, orange where it lowers
    the metric."""
    z = _shown(slice_.fields[loss], _info(slice_, loss), True)
    figure = make_subplots(rows=1, cols=1)
    values = agreement(z, slice_.fields[metric], slice_.alpha, slice_.beta)
    _map(figure, slice_, values, [[0, "#E69F00"], [0.5, "#F7F7F7"], [1, "#0072B2"]], 1, 1, 1, 1, limits=(-1.0, 1.0))
    for trace in _path(slice_, plan):
        figure.add_trace(trace, row=1, col=1)
    _label_axes(figure, slice_, 1, 1, 1)
    return _frame(figure, slice_, below=_AXIS_SPACE)


def error_figure(slice_: Slice, name: str) -> go.Figure:
    """The estimated error of the interpolation, in percent of the field's range."""
    figure = make_subplots(rows=1, cols=1)
    _map(figure, slice_, 100 * slice_.error[name], "Cividis", 1, 1, 1, 1, suffix=" %")
    _measured(figure, slice_, 1, 1)
    _label_axes(figure, slice_, 1, 1, 1)
    return _frame(figure, slice_, below=_AXIS_SPACE)


def line_figure(slice_: Slice, names: Sequence[str]) -> go.Figure:
    """Fields along a line (of a plane, the row nearest to β = 0), each scaled to its own range."""
    figure = go.Figure()
    row = int(np.abs(slice_.beta).argmin())
    for name in names:
        info = _info(slice_, name)
        values = slice_.fields[name][row]
        low, high = (float(f(values)) if np.isfinite(values).any() else np.nan for f in (np.nanmin, np.nanmax))
        scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
        colour = LOSSES[name].color if name in LOSSES else None
        measured = slice_.measured[row]
        figure.add_scatter(
            x=slice_.alpha,
            y=scaled,
            mode="lines",
            name=f"{info.label} ({low:.3g} to {high:.3g})",
            line={"color": colour, "width": 2, "dash": "solid" if info.group == "loss" else "dot"},
            customdata=values,
            hovertemplate=f"{info.label} %{{customdata:.4g}}<extra>α %{{x:.3f}}</extra>",
        )
        figure.add_scatter(
            x=slice_.alpha[measured],
            y=scaled[measured],
            mode="markers",
            marker={"color": colour or INK, "size": 4},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.update_xaxes(title_text=f"α: {slice_.meta.report.labels[0]}", title_font_size=_AXIS_TITLE_SIZE)
    figure.update_yaxes(
        title_text="scaled to each field's range", title_font_size=_AXIS_TITLE_SIZE, range=[-0.03, 1.03]
    )
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"size": 11}})
    return _frame(figure, slice_, below=_AXIS_SPACE)


def _info(slice_: Slice, name: str) -> Field:
    return next(field for field in slice_.meta.fields if field.name == name)


def _is_log(info: Field, logarithmic: bool) -> bool:
    return logarithmic and info.logarithmic


def _title(info: Field, logarithmic: bool) -> str:
    return f"{info.label} (log₁₀)" if _is_log(info, logarithmic) else info.label


def _shown(values: NDArray[np.float64], info: Field, logarithmic: bool) -> NDArray[np.float64]:
    """The values to draw, with NaN where a value or its logarithm is undefined."""
    if not _is_log(info, logarithmic):
        return np.where(np.isfinite(values), values, np.nan)
    shown = np.full(values.shape, np.nan)
    np.log10(values, out=shown, where=np.isfinite(values) & (values > 0))
    return shown


def arrangement(count: int) -> tuple[int, int]:
    """Rows and columns for this number of fields."""
    return (1, count) if count <= 2 else (2, 2)


def _map(
    figure: go.Figure,
    slice_: Slice,
    z: NDArray[np.float64],
    scale: object,
    row: int,
    column: int,
    columns: int,
    rows: int,
    limits: tuple[float, float] | None = None,
    reversed_: bool = False,
    suffix: str = "",
) -> None:
    """A heatmap with contour lines; its colour bar is at its right edge."""
    width = (1 - _COLUMN_GAP * (columns - 1)) / columns
    right = (column - 1) * (width + _COLUMN_GAP) + width
    low, high = limits or (None, None)
    known = np.unique(z[np.isfinite(z)])
    figure.add_heatmap(
        x=slice_.alpha,
        y=slice_.beta,
        z=z,
        colorscale=scale,
        reversescale=reversed_,
        zmin=low,
        zmax=high,
        zsmooth=False,
        colorbar={
            "x": right + 0.005,
            "y": 1 - (row - 0.5) / rows,
            "len": 0.85 / rows,
            "thickness": 8,
            "ticksuffix": suffix,
            "tickvals": known if len(known) == 1 else None,  # of a constant, not of the range around it
            "tickfont": {"size": _TICK_SIZE},
        },
        hovertemplate="α %{x:.3f}<br>β %{y:.3f}<br>%{z:.4g}" + suffix + "<extra></extra>",
        row=row,
        col=column,
    )
    if limits is None and np.isfinite(z).any():
        figure.add_contour(
            x=slice_.alpha,
            y=slice_.beta,
            z=z,
            ncontours=14,
            contours={"coloring": "none"},
            line={"color": "rgba(255,255,255,0.55)", "width": 1},
            showscale=False,
            hoverinfo="skip",
            row=row,
            col=column,
        )


def _measured(figure: go.Figure, slice_: Slice, row: int, column: int) -> None:
    beta, alpha = np.nonzero(slice_.measured)
    figure.add_scatter(
        x=slice_.alpha[alpha],
        y=slice_.beta[beta],
        mode="markers",
        marker={"size": 2.5, "color": "rgba(255,255,255,0.8)"},
        showlegend=False,
        hoverinfo="skip",
        row=row,
        col=column,
    )


def _path(slice_: Slice, plan: Plan | None) -> list[go.Scatter]:
    """The checkpoints, projected, in the colour of the loss that they were trained with; smaller: further off it."""
    points = slice_.meta.path
    if not points:
        return []
    furthest = max((point.distance for point in points), default=0.0) or 1.0
    return [
        go.Scatter(
            x=[point.alpha for point in points],
            y=[point.beta for point in points],
            mode="lines+markers",
            line={"color": "#FFFFFF", "width": 1.5},
            marker={
                "color": [_colour(point, plan) for point in points],
                "size": [10 - 5 * point.distance / furthest for point in points],
                "line": {"color": "#FFFFFF", "width": 1},
            },
            text=[_hover_text(point) for point in points],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    ]


def _path_on_surface(slice_: Slice, info: Field, logarithmic: bool, plan: Plan | None) -> list[go.Scatter3d]:
    (left, right), (low, high) = _span(slice_.alpha), _span(slice_.beta)
    points = [
        point
        for point in slice_.meta.path
        if info.name in point.on_plane and left <= point.alpha <= right and low <= point.beta <= high
    ]
    if not points:
        return []
    heights = _shown(np.array([point.on_plane[info.name] for point in points]), info, logarithmic)
    return [
        go.Scatter3d(
            x=[point.alpha for point in points],
            y=[point.beta for point in points],
            z=heights,
            mode="lines+markers",
            line={"color": "#FFFFFF", "width": 4},
            marker={"color": [_colour(point, plan) for point in points], "size": 4},
            text=[_hover_text(point) for point in points],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    ]


def _colour(point: PathPoint, plan: Plan | None) -> str:
    if plan is None:
        return INK
    return LOSSES[plan.phases[point.phase].loss.kind].color


def _hover_text(point: PathPoint) -> str:
    return f"step {point.step}, distance from the plane {point.distance:.3g}"


def _label_axes(figure: go.Figure, slice_: Slice, rows: int, columns: int, count: int) -> None:
    """Titles of the outer axes of this number of pictures, and the range that all share."""
    alpha, beta = (
        "<br>".join(textwrap.wrap(f"{axis}: {label}".replace(" = ", "\u00a0=\u00a0"), _AXIS_TITLE_LETTERS))
        for axis, label in zip("αβ", slice_.meta.report.labels, strict=True)
    )
    for column in range(1, columns + 1):
        lowest = rows if (rows - 1) * columns + column <= count else rows - 1  # the last row may end early
        figure.update_xaxes(
            title_text=alpha, title_font_size=_AXIS_TITLE_SIZE, showticklabels=True, row=lowest, col=column
        )
    for row in range(1, rows + 1):
        figure.update_yaxes(title_text=beta, title_font_size=_AXIS_TITLE_SIZE, row=row, col=1)
    figure.update_yaxes(scaleanchor="x", constrain="domain", range=_span(slice_.beta))
    figure.update_xaxes(constrain="domain", range=_span(slice_.alpha))  # the path may come from far away


def _span(axis: NDArray[np.float64]) -> tuple[float, float]:
    return float(axis[0]), float(axis[-1])


def _frame(figure: go.Figure, slice_: Slice, below: int) -> go.Figure:
    """Titles, margins and the caption, which is this many pixels under the plot."""
    meta = slice_.meta
    figure.update_annotations(font_size=_TITLE_SIZE)
    count = f"{int(slice_.measured.sum())} of {slice_.measured.size} points measured"
    text = f"Run {meta.run}, {meta.checkpoint}<br>{plane_kind(meta.request.plane.kind).title}, {count}"
    figure.add_annotation(
        text=text,
        x=0,
        y=0,
        yshift=-below,
        xref="paper",
        yref="paper",
        showarrow=False,
        xanchor="left",
        yanchor="top",
        align="left",
        font={"size": _TICK_SIZE},
    )
    figure.update_layout(margin={"l": 84, "r": 50, "t": 32, "b": below + 34}, hovermode="closest")
    if figure.layout.legend.orientation is None:  # only the lines need one
        figure.update_layout(showlegend=False)
    return figure


def path_table(slice_: Slice, most_losses: int = 3) -> pd.DataFrame:
    """One row per checkpoint: step, coordinates, distance off the plane, and losses there and on the plane beneath."""
    path = slice_.meta.path
    kinds = [name for name in path[-1].true if name in LOSSES][:most_losses] if path else []
    rows = []
    for point in path:
        row: dict[str, float] = {"step": point.step, "alpha": point.alpha, "beta": point.beta}
        row["off the plane"] = point.distance
        for kind in kinds:
            row[f"{LOSSES[kind].name}, true"] = point.true[kind]
            row[f"{LOSSES[kind].name}, on the plane"] = point.on_plane[kind]
        rows.append(row)
    return pd.DataFrame(rows)
