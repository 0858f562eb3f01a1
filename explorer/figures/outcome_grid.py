"""Pictures of one part of a scene side by side, which are moved and zoomed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from explorer.figures.imagery import plain_text
from explorer.figures.panels import Panel, across
from explorer.imagery.pictures import Picture, data_uri

_GAP = 0.012
_TITLE = 24  # pixels above each picture
_BUTTONS = 30  # pixels above all of them, where zoom buttons are


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
    figure = go.Figure()
    for place, pane in enumerate(panes):
        row, column = divmod(place, columns)
        x0, x1 = across(column, columns, _GAP)
        y0, y1 = across(rows - 1 - row, rows, 0.08 / rows)
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
        plain = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "constrain": "domain"}
        x = plain | {"range": [left, left + width]} | ({} if first else {"matches": "x"})
        y = plain | {"range": [top + height, top]} | ({} if first else {"matches": "y"})
        y["scaleanchor"] = "x" if first else f"x{place + 1}"
        axes = panel.layout(x, y)
        figure.update_layout({name.removesuffix("1") if first else name: value for name, value in axes.items()})
        figure.add_annotation(panel.title(plain_text(pane.title), 12))
    figure.update_layout(
        margin={"l": 4, "r": 4, "t": _BUTTONS + _TITLE, "b": 4},
        dragmode="pan",
        showlegend=False,
        uirevision=f"{origin} {size} {columns}",  # another part is shown whole
    )
    return figure


def grid_height(panes: int, columns: int, size: tuple[int, int], width: int = 1000) -> int:
    """Pixels of the figure in a page of this width."""
    rows = -(-panes // columns)
    return int(rows * (width / columns * min(1.3, size[0] / size[1]) + _TITLE)) + _BUTTONS + 8
