"""Figures of the losses' gradients: by pixel, by outcome, and their agreement in weight space."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from explorer.figures.colours import OUTCOMES
from explorer.figures.panels import Panel, across
from explorer.imagery.pictures import Picture
from explorer.imagery.scene import IGNORE
from explorer.losses.lab import GradientMaps
from explorer.losses.registry import LOSSES

MAPS_ACROSS, MAPS_HEIGHT = 3, 270  # maps in a row, pixels of a row

_DOWN_TO_UP = [(0.0, "#B35900"), (0.5, "#F7F7F7"), (1.0, "#00507E")]
_QUIET = "#8A949E"


def maps_height(losses: int) -> int:
    """Pixels that ``gradient_maps_figure`` takes for this number of losses."""
    return MAPS_HEIGHT * -(-(losses + 2) // MAPS_ACROSS)


def agreement_height(losses: int) -> int:
    """Pixels that ``gradient_shares_figure`` and ``cosines_figure`` take for this number of losses."""
    return 150 + 34 * losses


def gradient_maps_figure(
    maps: GradientMaps, class_id: int, picture: Picture, pixel: tuple[int, int] | None = None
) -> go.Figure:
    """The crop, the probability of a class, and for each loss where it raises and lowers the logit of the class.

    Blue is up, orange down. Each map has its own symmetric scale, whose end is in its title: two losses are not
    comparable. The outline of the label is drawn in all maps; zooming one zooms all.

    Args:
        maps: of the crop (H, W).
        class_id: the class whose logit is shown.
        picture: the crop as shown, (H, W, 3).
        pixel: row and column of the marked pixel.
    """
    gradients = maps.gradients[:, class_id]  # (L, H, W)
    reaches = [_reach(each) for each in gradients]
    names = [LOSSES[spec.kind].name for spec in maps.specs]
    titles = [
        "The crop",
        "Probability of the class",
        *(f"{name}, ±{reach:.2g}" for name, reach in zip(names, reaches, strict=True)),
    ]
    height, width = maps.label.shape
    panels = _map_panels(len(titles))
    data: list[dict[str, Any]] = [{"type": "image", "source": _source(picture), "hoverinfo": "skip"} | panels[0].axes]
    data.append(_heatmap(maps.probability[class_id], "p", 0.0, 1.0, "Cividis") | panels[1].axes)
    for gradient, reach, panel in zip(gradients, reaches, panels[2:], strict=True):
        data.append(_heatmap(gradient, "gradient", -reach, reach, _DOWN_TO_UP) | panel.axes)
    x, y = outline(maps.label == class_id)
    for panel in panels:
        line = {"color": "#FFFFFF" if panel.number <= 2 else "#444444", "width": 1}
        data.append(
            {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "hoverinfo": "skip"} | panel.axes
        )
        if pixel is not None:
            data.append(_ring(pixel) | panel.axes)
    layout: dict[str, Any] = {
        "margin": {"l": 0, "r": 0, "t": 24, "b": 0},
        "showlegend": False,
        "annotations": [panel.title(text, 12) for panel, text in zip(panels, titles, strict=True)],
    }
    for panel in panels:
        first = panel.number == 1
        layout |= panel.layout(
            {"visible": False, "constrain": "domain", "range": [-0.5, width - 0.5]}
            | ({} if first else {"matches": "x"}),
            {"visible": False, "range": [height - 0.5, -0.5], "constrain": "domain", "constraintoward": "top"}
            | ({"scaleanchor": "x"} if first else {"matches": "y"}),
        )
    return go.Figure({"data": data, "layout": layout})


def _map_panels(count: int) -> list[Panel]:
    """Panels of the maps, row by row, with room for a title above each."""
    rows = -(-count // MAPS_ACROSS)
    panels = []
    for number in range(count):
        row, column = divmod(number, MAPS_ACROSS)
        below, above = across(row, rows, 0.1 / rows)
        panels.append(Panel(number + 1, *across(column, MAPS_ACROSS, 0.02), 1 - above, 1 - below))
    return panels


def _heatmap(
    values: NDArray[np.float32], name: str, low: float, high: float, scale: str | list[tuple[float, str]]
) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "z": values.astype(np.float32),
        "zmin": low,
        "zmax": high,
        "colorscale": scale,
        "showscale": False,
        "hovertemplate": f"row %{{y}}, column %{{x}}<br>{name} = %{{z:.3g}}<extra></extra>",
    }


def _ring(pixel: tuple[int, int]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [pixel[1]],
        "y": [pixel[0]],
        "hoverinfo": "skip",
        "marker": {"symbol": "circle-open", "size": 14, "color": "#F0E442", "line": {"width": 3}},
    }


def outline(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y of the edges between the pixels (H, W) in the mask and the others, NaN after each edge."""
    rows, columns = np.nonzero(mask[:, 1:] != mask[:, :-1])  # vertical edges, right of these pixels
    vertical = _edges(columns + 0.5, columns + 0.5, rows - 0.5, rows + 0.5)
    rows, columns = np.nonzero(mask[1:] != mask[:-1])  # horizontal ones, below these pixels
    horizontal = _edges(columns - 0.5, columns + 0.5, rows + 0.5, rows + 0.5)
    x, y = np.concatenate([vertical, horizontal], axis=1).astype(np.float32)
    return x, y


def _edges(*ends: NDArray[Any]) -> NDArray[Any]:
    """(2, 3·n), x and y of edges: from, to, NaN. Given are x from, x to, y from, y to, (n,) each."""
    gap = np.full_like(ends[0], np.nan)
    x_from, x_to, y_from, y_to = ends
    return np.stack([np.stack([x_from, x_to, gap], 1).ravel(), np.stack([y_from, y_to, gap], 1).ravel()])


def gradient_shares(maps: GradientMaps) -> NDArray[np.float64]:
    """(L, 5): shares of each loss's gradient magnitude, in percent: by outcome, then the background that is right.

    The magnitude at a pixel is the norm of its gradient over all classes. NaN where a loss has no gradient.
    """
    predicted, label = maps.probability.argmax(0), maps.label
    counted, there, seen = label != IGNORE, (label > 0) & (label != IGNORE), predicted > 0
    outcomes = (
        there & (predicted == label),
        there & ~seen,
        counted & ~there & seen,
        there & seen & (predicted != label),
        counted & ~there & ~seen,
    )
    magnitude = np.linalg.norm(maps.gradients.astype(np.float64), axis=1)  # (L, H, W)
    sums = np.stack([magnitude[:, where].sum(1) for where in outcomes], axis=1)
    total = sums.sum(1, keepdims=True)
    shares: NDArray[np.float64] = np.full_like(sums, np.nan)
    np.divide(100 * sums, total, out=shares, where=total > 0)
    return shares


def gradient_shares_figure(maps: GradientMaps) -> go.Figure:
    """A bar for each loss: the shares of its gradient magnitude on hits, misses, false alarms and right background."""
    shares, names = gradient_shares(maps), [LOSSES[spec.kind].name for spec in maps.specs]
    figure = go.Figure()
    for i, (outcome, colour) in enumerate({**OUTCOMES, "true background": _QUIET}.items()):
        if outcome == "wrong class" and len(maps.probability) == 2:
            continue
        figure.add_bar(
            x=shares[:, i],
            y=names,
            name=outcome,
            orientation="h",
            marker={"color": colour},
            hovertemplate=f"{outcome}: %{{x:.3g}} %<extra>%{{y}}</extra>",
        )
    figure.update_xaxes(title_text="share of the gradient magnitude, %", range=[0, 100])
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(
        barmode="stack",
        margin={"l": 10, "r": 16, "t": 10, "b": 44},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        bargap=0.35,
    )
    return figure


def cosines_figure(maps: GradientMaps) -> go.Figure:
    """Cosine between the losses' gradients in weight space: 1 same direction, 0 unrelated, −1 opposite."""
    names = [LOSSES[spec.kind].name for spec in maps.specs]
    figure = go.Figure(
        go.Heatmap(
            z=maps.cosines,
            x=names,
            y=names,
            zmin=-1,
            zmax=1,
            colorscale=_DOWN_TO_UP,
            texttemplate="%{z:.2f}",
            showscale=False,
            hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(tickangle=-35, automargin=True)
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return figure


def _reach(gradient: NDArray[np.float32]) -> float:
    """The end of a map's scale, exceeded by one pixel in a thousand."""
    size = np.abs(gradient)
    return float(np.quantile(size, 0.999)) or float(size.max()) or 1.0


def _source(picture: Picture) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
