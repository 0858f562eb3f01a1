"""Pictures of one part of a scene side by side, which are moved and zoomed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import plotly.graph_objects as go

from explorer.figures.imagery import plain_text
from explorer.figures.panels import Panel, across
from explorer.imagery.pictures import Picture, data_uri

_GAP = 0.012
_LINE, _LETTERS = 15, 24  # pixels of a line of a title; letters that it has at most
_STEEPEST = 3.0  # heights of a picture's place in its width, at most
_BUTTONS = 30  # pixels above all of them, where zoom buttons are

USUAL_WIDTH = 1000
"""Pixels of a figure's width, about."""

_AXIS = {"visible": False, "constrain": "domain"}


@dataclass(frozen=True, eq=False)
class Pane:
    """One picture with its title."""

    title: str
    picture: Picture  # all of one size


def grid_figure(panes: Sequence[Pane], columns: int, origin: tuple[int, int], size: tuple[int, int]) -> go.Figure:
    """The pictures in rows. To move or zoom one moves all: their axes match.

    Axes are in pixels of the scene: the pixel in row r and column c covers r to r + 1 and c to c + 1.

    Args:
        panes: at least one.
        columns: pictures in a row.
        origin: row and column of the part in its scene.
        size: height and width of the part in pixels of the scene; pictures may be enlarged or thinned out.
    """
    rows = -(-len(panes) // columns)
    (top, left), (height, width) = origin, size
    between = _title(panes) / (_title(panes) + USUAL_WIDTH / columns * _steepness(size)) / rows
    figure = go.Figure()
    for place, pane in enumerate(panes):
        row, column = divmod(place, columns)
        x0, x1 = across(column, columns, _GAP)
        y0, y1 = across(rows - 1 - row, rows, between)
        panel = Panel(place + 1, x0, x1, y0, y1)
        first = place == 0
        step = height / pane.picture.shape[0], width / pane.picture.shape[1]
        figure.add_trace(
            go.Image(
                source=data_uri(pane.picture),
                x0=left + step[1] / 2,
                y0=top + step[0] / 2,
                dx=step[1],
                dy=step[0],
                hoverinfo="skip",
                name=plain_text(pane.title),
                xaxis="x" if first else f"x{place + 1}",
                yaxis="y" if first else f"y{place + 1}",
            )
        )
        x = _AXIS | {"range": [left, left + width]} | ({} if first else {"matches": "x"})
        y = _AXIS | {"range": [top + height, top]} | ({} if first else {"matches": "y"})
        y |= {"scaleanchor": "x" if first else f"x{place + 1}", "constraintoward": "top"}
        axes = panel.layout(x, y)
        figure.update_layout({name.removesuffix("1") if first else name: value for name, value in axes.items()})
        figure.add_annotation(panel.title("<br>".join(map(plain_text, _lines(pane.title))), 11))
    figure.update_layout(
        margin={"l": 4, "r": 4, "t": _BUTTONS + _title(panes), "b": 4},
        dragmode="pan",
        showlegend=False,
        uirevision=f"{origin} {size} {columns}",  # another part is shown whole
    )
    return figure


def grid_height(panes: Sequence[Pane], columns: int, size: tuple[int, int]) -> tuple[int, float]:
    """Pixels of the figure's height, and what comes to them in widths of the figure.

    Args:
        panes, columns, size: see :func:`grid_figure`.
    """
    rows = -(-len(panes) // columns)
    return rows * _title(panes) + _BUTTONS + 8, rows / columns * _steepness(size)


def _steepness(size: tuple[int, int]) -> float:
    """Height of a picture's place in its width: a part of a few columns has room beside it, and no endless figure."""
    return min(size[0] / size[1], _STEEPEST)


def _title(panes: Sequence[Pane]) -> int:
    """Pixels above each picture."""
    return 4 + _LINE * max(len(_lines(pane.title)) for pane in panes)


def _lines(title: str) -> list[str]:
    return wrap(title, _LETTERS)[:3]
