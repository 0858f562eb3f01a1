"""Pictures of imagery: scenes with their labels laid over them, class balance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.colours import IGNORED_COLOUR, default_colours, swatch
from explorer.imagery.balance import ClassShare
from explorer.imagery.bands import Bands, natural_bands
from explorer.imagery.pictures import Picture, as_bytes
from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.imagery.stretch import stretched

LONGEST_SIDE = 1100  # pixels of a picture on screen: larger scenes are thinned out, small ones enlarged
_SMALLEST_SIDE = 900


def scene_picture(
    scene: Scene,
    stretch: Stretch,
    bands: Bands | None = None,
    opacity: float = 0.0,
    longest: int = LONGEST_SIDE,
    colours: Sequence[str] | None = None,
) -> Picture:
    """A scene as the segmenter sees it, with its label over it.

    Args:
        scene: any size; more than ``longest`` pixels a side are thinned out evenly.
        stretch: of its dataset.
        bands: positions of the bands shown as red, green and blue; by their names if not given.
        opacity: of the label, 0 (no label at all) to 1; outlines stay clear down to 0.05.
        longest: pixels of the longer side, at most.
        colours: "#rrggbb" by class id; the default ones if not given.

    Returns:
        uint8 (H, W, 3).
    """
    step = -(-max(scene.size) // longest)
    shown = plain_picture(scene, stretch, bands, step)
    if opacity > 0:
        shown = overlaid(shown, scene.label[::step, ::step], opacity, colours)
    factor = max(1, min(longest, _SMALLEST_SIDE) // max(shown.shape[:2]))
    return as_bytes(shown).repeat(factor, axis=0).repeat(factor, axis=1)


def balance_table(shares: Sequence[ClassShare], colours: Sequence[str] | None = None) -> pd.DataFrame:
    """A row for each class, with its colour as a picture; it is the legend of ``scene_picture``, too.

    Where any object is smaller than the minimum area, another column says how many are.
    """
    colours = colours or default_colours(len(shares))
    table = pd.DataFrame(
        {
            "colour": [swatch(colour) for colour in colours],
            "class": [share.name for share in shares],
            "share": [None if share.share is None else 100 * share.share for share in shares],
            "pixels": [share.pixels for share in shares],
            "objects": pd.array([share.objects for share in shares], dtype="Int64"),
        }
    )
    if any(share.below_minimum for share in shares):
        below = [None if share.objects is None else share.below_minimum for share in shares]
        table["below minimum area"] = pd.array(below, dtype="Int64")
    return table


def balance_figure(shares: Sequence[ClassShare], colours: Sequence[str] | None = None) -> go.Figure:
    """A dot for each class that has pixels: its share of them, on a logarithmic axis, which has no zero for bars."""
    colours = colours or default_colours(len(shares))
    names = [plain_text(share.name) for share in shares]
    percent = [100 * share.share if share.share else None for share in shares]
    figure = go.Figure(
        go.Scatter(
            x=percent,
            y=list(range(len(shares))),
            mode="markers+text",
            marker={
                "size": 15,
                "color": [IGNORED_COLOUR, *colours[1:]],
                "line": {"width": 1, "color": "#404040"},
            },
            text=["" if value is None else f"{value:.3g} %" for value in percent],
            textposition=["middle left" if value and value > 10 else "middle right" for value in percent],
            hoverinfo="skip",
        )
    )
    smallest = min((value for value in percent if value), default=1.0)
    figure.update_xaxes(
        type="log",
        range=[np.floor(np.log10(smallest)) - 0.1, 2.15],
        tickvals=[0.001, 0.01, 0.1, 1, 10, 100],
        title_text="% of labelled pixels, logarithmic",
    )
    figure.update_yaxes(tickvals=list(range(len(shares))), ticktext=names, autorange="reversed")
    figure.update_layout(
        height=90 + 34 * len(shares),
        margin={"l": 10, "r": 10, "t": 10, "b": 40},
        showlegend=False,
    )
    return figure


def plain_picture(scene: Scene, stretch: Stretch, bands: Bands | None, step: int) -> NDArray[np.float32]:
    """Every ``step``-th row and column of a scene without its label, (H, W, 3), 0 to 1."""
    chosen = list(bands or natural_bands(scene.bands))
    thinned = scene.image[chosen, ::step, ::step]
    limits = Stretch(tuple(stretch.low[b] for b in chosen), tuple(stretch.high[b] for b in chosen))
    return stretched(thinned, limits).transpose(1, 2, 0)


def overlaid(
    shown: NDArray[np.float32],
    label: NDArray[np.uint8],
    opacity: float,
    colours: Sequence[str] | None = None,
    outlines: bool = True,
) -> NDArray[np.float32]:
    """A picture with a label over it.

    Args:
        shown: (H, W, 3), 0 to 1.
        label: (H, W), class ids, 255 = ignore: grey.
        opacity: of the label, 0 to 1.
        colours: "#rrggbb" by class id; the default ones if not given.
        outlines: whether the pixels at a border between classes are more opaque than the others.
    """
    foreground = (colours or default_colours(IGNORE))[1:]
    table = np.zeros((IGNORE + 1, 3), np.float32)
    for class_id, colour in enumerate(foreground, 1):
        table[class_id] = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    table[IGNORE] = 0.5
    weight = np.where(label == 0, np.float32(0), np.float32(opacity))
    if outlines:
        weight[_edges(label) & (label > 0) & (label < IGNORE)] = max(opacity, min(1.0, 4 * opacity))
    laid: NDArray[np.float32] = shown + weight[..., None] * (table[label] - shown)
    return laid


def _edges(label: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with a neighbour of another class."""
    edge = np.zeros(label.shape, bool)
    across, down = label[:, 1:] != label[:, :-1], label[1:] != label[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def plain_text(name: str) -> str:
    """A user's text without the marks that Plotly reads as markup."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
