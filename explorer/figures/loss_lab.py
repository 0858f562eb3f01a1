"""Figures of the Loss lab: curves of losses and gradients, and losses of mistakes side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.colours import HIT, MISS
from explorer.figures.panels import Panel, across
from explorer.imagery.pictures import Picture
from explorer.losses.lab import AllBackgroundLoss, Cost, LossCurve, SyntheticLabel
from explorer.losses.registry import LOSSES

ACROSS = 4  # losses in a row, at most
CURVES_HEIGHT = 330  # pixels of a row of ``curves_figure``
_GROUND = (138, 148, 158)
_FIELD_SIDE = 480  # pixels of a field's picture on screen, at least


def in_rows(count: int) -> tuple[int, int]:
    """Rows and columns of small multiples, rows as even as they can be."""
    rows = -(-count // ACROSS)
    return rows, -(-count // rows)


def curves_height(count: int) -> int:
    """Pixels that ``curves_figure`` takes for this number of losses."""
    return CURVES_HEIGHT * in_rows(count)[0]


def bars_height(count: int) -> int:
    """Pixels that a figure with this number of horizontal bars takes."""
    return 90 + 34 * count


def is_of_background(trace: int) -> bool:
    """Whether the trace with this number in ``curves_figure`` is the gradient at a pixel of the background."""
    return trace % 3 == 2


def curves_figure(curves: Sequence[LossCurve]) -> go.Figure:
    """For each loss its value and, below it, its gradient at pixels of objects and of the background.

    Each panel has its own y axis: values of two losses are not comparable. Traces 3·i to 3·i + 2 belong to curve i.
    """
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "margin": {"l": 52, "r": 8, "t": 28, "b": 8},
        "showlegend": False,
        "hovermode": "closest",
        "hoverdistance": -1,  # a click anywhere in a panel selects the nearest curve
        "annotations": [],
    }
    rows, columns = in_rows(len(curves))
    for i, curve in enumerate(curves):
        info = LOSSES[curve.spec.kind]
        beside = min(columns, len(curves) - i // columns * columns)  # a last row with fewer panels has wider ones
        left, right = across(i % columns, beside, 0.28 / max(columns, 2))
        ground, height = 1 - (i // columns + 1) / rows, 1 / rows
        above = Panel(2 * i + 1, left, right, ground + 0.64 * height, ground + height)
        below = Panel(2 * i + 2, left, right, ground + 0.22 * height, ground + 0.57 * height)
        first = i % columns == 0
        x = {"range": [0, 1], "tickvals": [0, 0.5, 1]}
        y = {"rangemode": "tozero", "nticks": 4}
        layout |= above.layout(x | {"showticklabels": False}, y | _titled("loss" if first else ""))
        layout |= below.layout(x | _titled("p of the true class"), y | _titled("gradient" if first else ""))
        layout["annotations"].append(above.title(info.name, 13))
        for panel, name, values, dash in (
            (above, "loss", curve.loss, "solid"),
            (below, "gradient at a pixel of an object", curve.object_gradient, "solid"),
            (below, "gradient at a pixel of the background", curve.background_gradient, "dot"),
        ):
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": curve.probability,
                    "y": values,
                    "name": name,
                    "line": {"color": info.color, "dash": dash, "width": 2},
                    "hovertemplate": f"p = %{{x:.3f}}<br>{name} = %{{y:.4g}}<extra></extra>",
                }
                | panel.axes
            )
    return go.Figure({"data": data, "layout": layout})


def _titled(text: str) -> dict[str, Any]:
    return {"title": {"text": text, "standoff": 4}}


def synthetic_label_picture(field: SyntheticLabel, missed: NDArray[np.bool_]) -> Picture:
    """A synthetic label, enlarged by whole pixels, missed pixels in the colour of misses.

    Args:
        missed: (H, W).
    """
    colours = np.array([_GROUND, _rgb(HIT), _rgb(MISS)], dtype=np.uint8)
    state = np.where(missed, 2, field.label)
    factor = -(-_FIELD_SIDE // max(state.shape))
    picture: Picture = colours[state].repeat(factor, 0).repeat(factor, 1)
    return picture


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def excess_loss_figure(costs: Sequence[Cost], first: str, second: str) -> go.Figure:
    """The ratio of each loss's values for two mistakes, on a log axis.

    A loss that is zero for one of them has no ratio: it has a name on the axis, and no bar.
    """
    ratios = [cost.ratio for cost in costs]
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
        title_text=f"← {second} · larger loss · {first} →",
        title_font_size=11,  # has room in a window of 400 pixels
        range=[-reach, reach],
        tickvals=ticks,
        ticktext=[f"×{10.0**tick:g}" for tick in ticks],
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(margin={"l": 10, "r": 30, "t": 10, "b": 50}, showlegend=False, bargap=0.35)
    return figure


def all_background_figure(found: Sequence[AllBackgroundLoss], whole: bool = False) -> go.Figure:
    """Each loss of an all-background prediction, in percent of its value where every pixel is wrong.

    Args:
        found: the losses.
        whole: the axis reaches to 100 %.
    """
    specs = [each.against_false_alarms.spec for each in found]
    shares = [None if each.share is None else 100 * each.share for each in found]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=[LOSSES[spec.kind].name for spec in specs],
            orientation="h",
            marker={"color": [LOSSES[spec.kind].color for spec in specs]},
            text=["n/a" if share is None else f"{share:.3g} %" for share in shares],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x:.4g} %<extra>%{y}</extra>",
        )
    )
    reach = max([100.0 / 1.2 if whole else 1.0, *(share for share in shares if share is not None)])
    figure.update_xaxes(title_text="% of the loss where every pixel is wrong", range=[0, 1.2 * reach])
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(margin={"l": 10, "r": 30, "t": 10, "b": 50}, showlegend=False, bargap=0.35)
    return figure
