"""Pictures of imagery: scenes with their labels laid over them, class balance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.colours import CLASS_COLOURS, IGNORED_COLOUR, class_colour, swatch
from explorer.imagery.balance import ClassShare
from explorer.imagery.datasets import Upload
from explorer.imagery.scene import IGNORE, Scene, Stretch
from explorer.imagery.stretch import stretched

Picture = NDArray[np.uint8]  # (H, W, 3), red, green, blue
Bands = tuple[int, int, int]

LONGEST_SIDE = 1100  # pixels of a picture on screen: larger scenes are thinned out, small ones enlarged
_SMALLEST_SIDE = 900


def natural_bands(names: Sequence[str]) -> Bands:
    """Positions of the bands that are called red, green and blue; else the first three, or the only one."""
    lower = [name.lower() for name in names]
    for wanted in (("red", "green", "blue"), ("r", "g", "b"), ("b04", "b03", "b02"), ("b4", "b3", "b2")):
        if set(wanted) <= set(lower):
            red, green, blue = (lower.index(name) for name in wanted)
            return red, green, blue
    return (0, 1, 2) if len(names) >= 3 else (0, 0, 0)


def scene_picture(
    scene: Scene,
    stretch: Stretch,
    bands: Bands | None = None,
    opacity: float = 0.0,
    longest: int = LONGEST_SIDE,
) -> Picture:
    """A scene as the segmenter sees it, with its label over it.

    Args:
        scene: any size; more than ``longest`` pixels a side are thinned out evenly.
        stretch: of its dataset.
        bands: positions of the bands shown as red, green and blue; by their names if not given.
        opacity: of the label, 0 (no label at all) to 1; outlines stay clear down to 0.05.
        longest: pixels of the longer side, at most.

    Returns:
        uint8 (H, W, 3).
    """
    step = -(-max(scene.size) // longest)
    chosen = list(bands or natural_bands(scene.bands))
    thinned = scene.image[chosen, ::step, ::step]
    limits = Stretch(tuple(stretch.low[b] for b in chosen), tuple(stretch.high[b] for b in chosen))
    shown = stretched(thinned, limits).transpose(1, 2, 0)  # (H, W, 3), 0 to 1
    if opacity > 0:
        shown = _overlaid(shown, scene.label[::step, ::step], opacity)
    factor = max(1, min(longest, _SMALLEST_SIDE) // max(shown.shape[:2]))
    return _bytes(shown).repeat(factor, axis=0).repeat(factor, axis=1)


def balance_table(shares: Sequence[ClassShare]) -> pd.DataFrame:
    """A row for each class, with its colour as a picture; it is the legend of ``scene_picture``, too.

    Where any object is smaller than the minimum area, another column says how many are.
    """
    colours = ["#00000000", *(class_colour(k) for k in range(1, len(shares)))]  # the background is clear
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


def pairing_table(upload: Upload) -> pd.DataFrame:
    """A row for each file or pair of an upload: what is used, what is not, and why."""
    rows = [(pair.used, pair.image, pair.mask, pair.reason) for pair in upload.table]
    rows += [(False, file.name, None, file.reason) for file in upload.skipped if not file.expected]
    return pd.DataFrame(rows, columns=["used", "image", "mask", "why not"]).sort_values("used", kind="stable")


def balance_figure(shares: Sequence[ClassShare]) -> go.Figure:
    """A dot for each class that has pixels: its share of them, on a logarithmic axis, which has no zero for bars."""
    names = [_plain(share.name) for share in shares]
    percent = [100 * share.share if share.share else None for share in shares]
    figure = go.Figure(
        go.Scatter(
            x=percent,
            y=list(range(len(shares))),
            mode="markers+text",
            marker={
                "size": 15,
                "color": [IGNORED_COLOUR, *(class_colour(k) for k in range(1, len(shares)))],
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


def _overlaid(shown: NDArray[np.float32], label: NDArray[np.uint8], opacity: float) -> NDArray[np.float32]:
    colours = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in CLASS_COLOURS], np.float32) / 255
    table = np.zeros((IGNORE + 1, 3), np.float32)
    table[1:IGNORE] = colours[np.arange(IGNORE - 1) % len(colours)]
    table[IGNORE] = 0.5
    weight = np.where(label == 0, np.float32(0), np.float32(opacity))
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


def _bytes(shown: NDArray[np.float32]) -> Picture:
    picture: Picture = (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)
    return picture


def _plain(name: str) -> str:
    """A user's text without the marks that Plotly reads as markup."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
