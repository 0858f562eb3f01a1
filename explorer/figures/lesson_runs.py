"""Figures of finished runs in lessons: grids of runs, their paths, and slices side by side."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.figures.colours import INK
from explorer.figures.tradeoffs import iso_f1_lines, recall_precision_axes
from explorer.landscape.slice import Slice
from explorer.losses.registry import LOSSES, LossKind
from explorer.runs.grids import Cell, Grid

PATHS_HEIGHT, TABLE_HEIGHT, SLICES_HEIGHT = 440, 340, 420  # pixels
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
_SCALE = "Cividis"
_GREY = "#9AA5B1"


@dataclass(frozen=True)
class Path:
    """A run's validations, in their order; NaN where a score is undefined."""

    name: str
    steps: tuple[int, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    losses: tuple[LossKind, ...]  # that was trained before each


def paths_figure(paths: Sequence[Path], titles: tuple[str, str, str]) -> go.Figure:
    """Runs on the recall–precision plane: a symbol for each run, the colour of the trained loss for each validation.

    Args:
        paths: of the runs, at most six.
        titles: of the axes, and the word for a step.
    """
    figure = iso_f1_lines()
    shown = [(path.name, symbol, _GREY) for path, symbol in zip(paths, _SYMBOLS, strict=False)] if paths[1:] else []
    kinds = dict.fromkeys(kind for path in paths for kind in path.losses)
    for name, symbol, color in (*shown, *((LOSSES[kind].name, _SYMBOLS[0], LOSSES[kind].color) for kind in kinds)):
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=name, marker={"symbol": symbol, "size": 10, "color": color}
        )
    for path, symbol in zip(paths, _SYMBOLS, strict=False):
        last = np.arange(len(path.steps)) == len(path.steps) - 1
        figure.add_scatter(
            x=list(path.recall),
            y=list(path.precision),
            mode="lines+markers",
            name=path.name,
            showlegend=False,
            line={"color": _GREY, "width": 1},
            marker={
                "symbol": symbol,
                "size": 9 + 7 * last,
                "color": [LOSSES[kind].color for kind in path.losses],
                "line": {"color": INK, "width": 1},
            },
            customdata=[(step, LOSSES[kind].name) for step, kind in zip(path.steps, path.losses, strict=True)],
            hovertemplate=f"{titles[2]} %{{customdata[0]}}, %{{customdata[1]}}<br>{titles[0]} %{{x:.3f}}"
            f"<br>{titles[1]} %{{y:.3f}}<extra>{path.name}</extra>",
        )
    return recall_precision_axes(figure, titles[0], titles[1])


def weights_figure(grid: Grid, names: tuple[str, str], titles: tuple[str, str]) -> go.Figure:
    """Runs of a grid with one axis at threshold ½, beside the curve of the first one over all thresholds.

    Args:
        grid: with one axis.
        names: of the curve, with the value to insert, and of the points.
        titles: of the axes.
    """
    figure = iso_f1_lines()
    first = grid.cells[0]
    points = [(t, r, p) for t, r, p in first.curve if r is not None and p is not None]
    color = LOSSES["cross_entropy"].color
    figure.add_scatter(
        x=[r for _, r, _ in points],
        y=[p for _, _, p in points],
        mode="lines",
        name=names[0].format(f"{first.values[0]:g}"),
        line={"color": color, "width": 2},
        customdata=[t for t, _, _ in points],
        hovertemplate="t = %{customdata:.3f}<br>%{x:.3f}, %{y:.3f}<extra></extra>",
    )
    shown = [cell for cell in grid.cells if cell.recall is not None and cell.precision is not None]
    figure.add_scatter(
        x=[cell.recall for cell in shown],
        y=[cell.precision for cell in shown],
        mode="markers+text",
        name=names[1],
        text=[f"{cell.values[0]:g}" for cell in shown],
        textposition="top center",
        marker={"color": LOSSES["weighted_cross_entropy"].color, "size": 12},
        hovertemplate="%{text}<br>%{x:.3f}, %{y:.3f}<extra></extra>",
    )
    return recall_precision_axes(figure, *titles)


def cell_score(cell: Cell, name: str) -> float:
    """A score of a cell by pixels at threshold ½; NaN where it is undefined."""
    value = getattr(cell, name)
    return float("nan") if value is None else float(value)


def table_figure(
    grid: Grid,
    shows: str,
    titles: Sequence[str],
    diverged: str,
    marked: tuple[float, float] | None = None,
    only: Collection[float] | None = None,
) -> go.Figure:
    """A grid with two axes as a heatmap with its numbers.

    Args:
        grid: with two axes, the first one downwards.
        shows: name of the score.
        titles: of the axes.
        diverged: what a cell says whose run ended early.
        marked: values of a cell with a frame around it.
        only: values of the first axis whose rows are drawn, the others are left empty; None: all.
    """
    down, across = grid.axes
    rows = [[grid.cell(y, x) for x in across.values] for y in down.values]
    drawn = [only is None or y in only for y in down.values]
    text = [[_cell_text(cell, shows, diverged) if shown else "" for cell in row]
            for row, shown in zip(rows, drawn, strict=True)]  # fmt: skip
    figure = go.Figure(
        go.Heatmap(
            x=[f"{value:g}" for value in across.values],
            y=[f"{value:g}" for value in down.values],
            z=[
                [cell_score(cell, shows) if shown and not cell.diverged else np.nan for cell in row]
                for row, shown in zip(rows, drawn, strict=True)
            ],
            zmin=0,
            zmax=1,
            colorscale=_SCALE,
            text=text,
            texttemplate="%{text}",
            hoverongaps=False,
            showscale=False,
            hovertemplate=f"{titles[0]} %{{y}}<br>{titles[1]} %{{x}}<br>%{{text}}<extra></extra>",
        )
    )
    for i, row in enumerate(text):  # a hole shows no text of its own
        for j, each in enumerate(row):
            if each in (diverged, "n/a"):
                figure.add_annotation(x=j, y=i, text=each, showarrow=False)
    if marked is not None:
        i, j = down.values.index(marked[0]), across.values.index(marked[1])
        figure.add_shape(
            type="rect", x0=j - 0.48, x1=j + 0.48, y0=i - 0.48, y1=i + 0.48, line={"color": "#E69F00", "width": 4}
        )
    figure.update_xaxes(title_text=titles[1], type="category")
    figure.update_yaxes(title_text=titles[0], type="category", autorange="reversed")
    figure.update_layout(margin={"l": 60, "r": 12, "t": 12, "b": 48})
    return figure


def _cell_text(cell: Cell, shows: str, diverged: str) -> str:
    value = getattr(cell, shows)
    return diverged if cell.diverged else "n/a" if value is None else f"{value:.2f}"


def slices_figure(slices: Sequence[tuple[str, Slice]], field: str, is_loss: bool, smooth: bool = True) -> go.Figure:
    """One field on several planes, on one scale of colours; dots are measured points.

    Args:
        slices: title and slice of each plane.
        field: name of the field, which all of them have.
        is_loss: it is drawn as its logarithm to base 10, and low is good.
        smooth: it is interpolated between measured points; else these alone are drawn.
    """
    values = [_shown(slice_.fields[field], is_loss) for _, slice_ in slices]
    finite = np.concatenate([each[np.isfinite(each)] for each in values])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    figure = make_subplots(
        rows=1, cols=len(slices), subplot_titles=[title for title, _ in slices], horizontal_spacing=0.08
    )
    for column, ((_, slice_), z) in enumerate(zip(slices, values, strict=True), 1):
        beta, alpha = np.nonzero(slice_.measured)
        is_last = column == len(slices)
        colours = {"colorscale": _SCALE, "reversescale": not is_loss, "showscale": is_last}
        marker = {"size": 3, "color": "#FFFFFF", "opacity": 0.6}
        if smooth:
            figure.add_trace(
                go.Contour(
                    x=slice_.alpha, y=slice_.beta, z=z, zmin=low, zmax=high, contours={"showlines": False},
                    ncontours=24, hovertemplate="α %{x:.3f}<br>β %{y:.3f}<br>%{z:.4g}<extra></extra>", **colours,
                ),
                row=1,
                col=column,
            )  # fmt: skip
        else:  # between measured points nothing is known
            marker = {"size": 9, "color": z[beta, alpha], "cmin": low, "cmax": high, **colours}
        figure.add_scatter(
            x=slice_.alpha[alpha],
            y=slice_.beta[beta],
            mode="markers",
            marker=marker,
            text=[f"{value:.4g}" for value in z[beta, alpha]],
            hovertemplate="α %{x:.3f}<br>β %{y:.3f}<br>%{text}<extra></extra>",
            row=1,
            col=column,
        )
        figure.update_xaxes(title_text="α", row=1, col=column)
        figure.update_yaxes(title_text="β" if column == 1 else None, row=1, col=column)
    figure.update_layout(margin={"l": 48, "r": 12, "t": 36, "b": 48}, showlegend=False)
    return figure


def _shown(values: NDArray[np.float64], is_loss: bool) -> NDArray[np.float64]:
    if not is_loss:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        logs: NDArray[np.float64] = np.where(values > 0, np.log10(values), np.nan)
    return logs
