"""A Plotly figure that is updated in place: zoom, camera and legend survive, and clicks come back.

``st.plotly_chart`` takes the figure down and draws a new one whenever its data changes. This component calls
``Plotly.react`` on the existing graph. Its script is a file that the browser loads once; Plotly itself is served
from the installed wheel, so that nothing comes from another host.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NewType

import plotly.graph_objects as go
import streamlit as st
from plotly.io.json import to_json_plotly

from explorer.figures.alternative import alternative
from explorer.ui.browser_script import script
from explorer.ui.plotly_library import plotly_address

_STYLE = """
.live-figure-room { overflow-x: auto; overflow-y: hidden; }
"""
_SHARED = 128  # figures that are kept


@dataclass(frozen=True)
class Click:
    """The point of a figure that was clicked."""

    curve: int  # number of the trace
    point: int | list[int] | None  # number of the point; row and column on a heatmap or surface
    x: float | str | None
    y: float | str | None
    z: float | None
    time: float  # milliseconds since 1970, tells one click from the next


@dataclass(frozen=True)
class Followed:
    """Where the browser gets what changes in a figure from now on, see :mod:`explorer.ui.live_feed`."""

    url: str
    figure: str  # its name there


EncodedFigure = NewType("EncodedFigure", str)
"""A figure as JSON, see ``shared_figure``."""


def shared_figure(draw: Callable[..., go.Figure], *content: Hashable) -> EncodedFigure:
    """A figure that is drawn once for all sessions: a class opens one page at one moment.

    Args:
        draw: makes it.
        content: what it is made of, which must not change.
    """
    with _turn:
        return _drawn(draw, *content)


_turn = threading.Lock()  # those who come at the same moment wait for the first, who draws for all


@lru_cache(maxsize=_SHARED)
def _drawn(draw: Callable[..., go.Figure], *content: Hashable) -> EncodedFigure:
    return _encoded(draw(*content))


def _encoded(figure: go.Figure) -> EncodedFigure:
    """With a text alternative, and without Streamlit's template, which holds placeholder colours.

    The script takes the real ones from the theme.
    """
    content = figure.to_plotly_json()
    content["layout"] = {name: value for name, value in content["layout"].items() if name != "template"}
    content["layout"]["meta"] = alternative(content)  # becomes the figure's label in the browser
    return EncodedFigure(to_json_plotly(content))


def live_figure(
    figure: go.Figure | EncodedFigure,
    key: str,
    height: int = 320,
    image: str | None = None,
    follow: Followed | None = None,
    zooms: bool = False,
    per_width: float = 0.0,
) -> Click | None:
    """Draws a figure, or updates the one with this key.

    Args:
        figure: what is drawn.
        key: unique on the page; a figure with another key is another graph.
        height: in pixels.
        image: name of the PNG that a button over the figure offers; None: no button.
        follow: where its changes come from; None: from the page alone.
        zooms: the wheel zooms, and buttons over the figure do; else a figure of curves, which is zoomed by a box.
        per_width: further height in widths of the figure, for pictures that keep their shape.

    Returns:
        The click that made the page run again; None if something else did.
    """
    followed = None if follow is None else asdict(follow)
    around = {
        "library": plotly_address(),
        "height": height,
        "image": image,
        "follow": followed,
        "zooms": zooms,
        "perWidth": per_width,
    }
    drawn = figure if isinstance(figure, str) else _encoded(figure)
    data = f'{json.dumps(around)[:-1]}, "figure": {drawn}}}'
    answer = _component()(key=key, data=data.encode(), on_click_change=_seen)
    clicked: dict[str, Any] | None = answer.click
    return Click(**clicked) if clicked else None


def _seen() -> None:
    """A click runs the page again; what it means is the page's business."""


def _component() -> Any:
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    return st.components.v2.component(
        "live_figure",
        html="<div class='live-figure-room'><div class='live-figure'></div></div>",
        css=_STYLE,
        js=script("live_feed.js", "plotly_library.js", "live_figure.js"),
        isolate_styles=False,
    )
