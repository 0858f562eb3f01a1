"""Pictures of slices: surfaces and contours side by side, the path of the optimiser, one dimension, disagreement.

Interpolated and measured points can be told apart (dots are measured), undefined ones are holes, and every picture
says in a line under it what it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.figures.ink import INK
from explorer.landscape.fields import Field, disagreement
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import PathPoint
from explorer.losses.registry import LOSSES
from explorer.training.plan import Plan

MOST_FIELDS = 4
_SCALE = "Cividis"
_CAMERA = {"eye": {"x": 1.5, "y": -1.5, "z": 1.0}}


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
    rows, columns = _arrangement(len(names))
    infos = [_info(slice_, name) for name in names]
    figure = make_subplots(
        rows=rows,
        cols=columns,
        specs=[[{"type": "surface"}] * columns for _ in range(rows)],
        subplot_titles=[_title(info, logarithmic) for info in infos],
        horizontal_spacing=0.02,
        vertical_spacing=0.06,
    )
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
            hovertemplate="alpha %{x:.3f}<br>beta %{y:.3f}<br>%{z:.4g}<extra></extra>",
            **place,
        )
        for trace in _path_on_surface(slice_, info, logarithmic, plan):
            figure.add_trace(trace, **place)
        figure.update_scenes(
            xaxis_title="alpha",
            yaxis_title="beta",
            zaxis_title="log₁₀" if _is_log(info, logarithmic) else "",
            xaxis_range=_span(slice_.alpha),
            yaxis_range=_span(slice_.beta),
            camera=_CAMERA,
            aspectmode="cube",
            **place,
        )
    return _framed(figure, slice_)


def contour_figure(
    slice_: Slice, names: Sequence[str], logarithmic: bool = True, plan: Plan | None = None
) -> go.Figure:
    """Up to four fields as contours on the same axes, with the measured points as dots and the run's path."""
    rows, columns = _arrangement(len(names))
    infos = [_info(slice_, name) for name in names]
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[_title(info, logarithmic) for info in infos],
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.12,
        vertical_spacing=0.12,
    )
    for i, info in enumerate(infos):
        row, column = i // columns + 1, i % columns + 1
        z = _shown(slice_.fields[info.name], info, logarithmic)
        _map(figure, slice_, z, _SCALE, row, column, columns, rows, reversed_=info.group != "loss")
        _measured(figure, slice_, row, column)
        for trace in _path(slice_, plan):
            figure.add_trace(trace, row=row, col=column)
    _label_axes(figure, slice_, rows, columns)
    return _framed(figure, slice_)


def disagreement_figure(slice_: Slice, loss: str, metric: str, plan: Plan | None = None) -> go.Figure:
    """Where the loss falls while the metric falls: orange; where downhill is good for the metric: blue."""
    z = _shown(slice_.fields[loss], _info(slice_, loss), True)
    figure = make_subplots(rows=1, cols=1)
    values = disagreement(z, slice_.fields[metric], slice_.alpha, slice_.beta)
    _map(figure, slice_, values, [[0, "#E69F00"], [0.5, "#F7F7F7"], [1, "#0072B2"]], 1, 1, 1, 1, limits=(-1.0, 1.0))
    for trace in _path(slice_, plan):
        figure.add_trace(trace, row=1, col=1)
    _label_axes(figure, slice_, 1, 1)
    return _framed(figure, slice_)


def error_figure(slice_: Slice, name: str) -> go.Figure:
    """The estimated error of the interpolation, in percent of the field's range; dots are measured."""
    figure = make_subplots(rows=1, cols=1)
    _map(figure, slice_, 100 * slice_.error[name], "Cividis", 1, 1, 1, 1, suffix=" %")
    _measured(figure, slice_, 1, 1)
    _label_axes(figure, slice_, 1, 1)
    return _framed(figure, slice_)


def line_figure(slice_: Slice, names: Sequence[str]) -> go.Figure:
    """Fields along a line (the row nearest beta 0 of a plane), each drawn from its own lowest to its own highest."""
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
            hovertemplate=f"{info.label} %{{customdata:.4g}}<extra>alpha %{{x:.3f}}</extra>",
        )
        figure.add_scatter(
            x=slice_.alpha[measured],
            y=scaled[measured],
            mode="markers",
            marker={"color": colour or INK, "size": 4},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.update_xaxes(title_text=slice_.meta.report.labels[0])
    figure.update_yaxes(title_text="each from its lowest to its highest", range=[-0.03, 1.03])
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"size": 11}})
    return _framed(figure, slice_)


def fields_by_group(slice_: Slice) -> Mapping[str, Field]:
    """The fields of a slice by name, losses first."""
    return {info.name: info for info in slice_.meta.fields}


def _info(slice_: Slice, name: str) -> Field:
    return fields_by_group(slice_)[name]


def _is_log(info: Field, logarithmic: bool) -> bool:
    return logarithmic and info.logarithmic


def _title(info: Field, logarithmic: bool) -> str:
    return f"{info.label} (log₁₀)" if _is_log(info, logarithmic) else info.label


def _shown(values: NDArray[np.float64], info: Field, logarithmic: bool) -> NDArray[np.float64]:
    """What is drawn: the logarithm where asked for; a value that has none is a hole."""
    if not _is_log(info, logarithmic):
        return np.where(np.isfinite(values), values, np.nan)
    shown = np.full(values.shape, np.nan)
    np.log10(values, out=shown, where=np.isfinite(values) & (values > 0))
    return shown


def _arrangement(count: int) -> tuple[int, int]:
    """Rows and columns of so many pictures."""
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
    """A heatmap with contour lines over it; its scale stands at its right edge."""
    right = column / columns - (0.1 if column < columns else 0.0) / columns
    low, high = limits or (None, None)
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
            "tickfont": {"size": 9},
        },
        hovertemplate="alpha %{x:.3f}<br>beta %{y:.3f}<br>%{z:.4g}" + suffix + "<extra></extra>",
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
    """The checkpoints as they lie over the plane, in the colour of the loss that was trained; size: on or off it."""
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
            text=[_words(point) for point in points],
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
            text=[_words(point) for point in points],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    ]


def _colour(point: PathPoint, plan: Plan | None) -> str:
    if plan is None:
        return INK
    return LOSSES[plan.phases[point.phase].loss.kind].color


def _words(point: PathPoint) -> str:
    return f"step {point.step}, {point.distance:.3g} off the plane"


def _label_axes(figure: go.Figure, slice_: Slice, rows: int, columns: int) -> None:
    alpha, beta = slice_.meta.report.labels
    for column in range(1, columns + 1):
        figure.update_xaxes(title_text=f"alpha: {alpha}", title_font_size=11, row=rows, col=column)
    for row in range(1, rows + 1):
        figure.update_yaxes(title_text=f"beta: {beta}", title_font_size=11, row=row, col=1)
    figure.update_yaxes(scaleanchor="x", constrain="domain", range=_span(slice_.beta))
    figure.update_xaxes(constrain="domain", range=_span(slice_.alpha))  # the path may come from far away


def _span(axis: NDArray[np.float64]) -> tuple[float, float]:
    return float(axis[0]), float(axis[-1])


def _framed(figure: go.Figure, slice_: Slice) -> go.Figure:
    meta = slice_.meta
    count = int(slice_.measured.sum())
    text = f"run {meta.run}, {meta.checkpoint}, {meta.request.plane.kind}, {count} of {slice_.measured.size} measured"
    figure.add_annotation(
        text=text,
        x=0,
        y=0,
        yshift=-52,
        xref="paper",
        yref="paper",
        showarrow=False,
        xanchor="left",
        yanchor="top",
        font={"size": 9},
    )
    figure.update_layout(margin={"l": 60, "r": 30, "t": 36, "b": 76}, hovermode="closest")
    if figure.layout.legend.orientation is None:  # only the lines need one
        figure.update_layout(showlegend=False)
    return figure
