"""A prediction over its image: as a figure to zoom into, as a picture, and its objects as a table."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image, ImageColor

from explorer.figures.imagery import overlaid, plain_text
from explorer.figures.outlines import LONGEST_SIDE, MOST_SEGMENTS, ordinal, outline
from explorer.imagery.ground import longitude_latitude
from explorer.imagery.pictures import Picture, as_bytes, data_uri
from explorer.imagery.scene import IGNORE, GeoReference
from explorer.metrics.found_objects import FoundObjects, areas_on_ground

View = Literal["Outlines", "Mask", "None"]
"""What is laid over the image."""

MOST_ROWS = 2_000
"""Of a table of objects: a browser gets all of them."""

_MOST_EXACT = 250_000  # pixels of a photo that is sent as PNG: it travels again with each threshold
_OPACITY = 0.6  # of a mask
_AROUND, _LEAST_AROUND = 3, 48  # what is shown around an object: in its sizes, and at least in pixels

Box = tuple[int, int, int, int]
"""First row, first column, and the row and column behind the last ones."""


@dataclass(frozen=True, eq=False)
class Shown:
    """What is drawn.

    Attributes:
        picture: (h, w, 3), every ``step``-th row and column of the image.
        step: see ``picture``.
        mask: (H, W), class ids, 255 = no data.
        colours: "#rrggbb" by class id.
        classes: names by id.
    """

    picture: Picture
    step: int
    mask: NDArray[np.uint8]
    colours: Sequence[str]
    classes: Sequence[str]


def prediction_figure(shown: Shown, view: View, ticked: Box | None = None) -> go.Figure:
    """The image with the mask or the outlines of its objects, in pixels of the image.

    Large images are thinned out; around an object that is ticked, every pixel that is kept is shown.

    Args:
        shown: what is drawn.
        view: what is laid over the image.
        ticked: box of the object that is zoomed to.
    """
    height, width = shown.mask.shape
    thinning = -(-max(height, width) // LONGEST_SIDE)
    thinning = -(-thinning // shown.step) * shown.step  # a whole multiple of the picture's
    window = None if ticked is None else _around(ticked, (height, width))
    figure = go.Figure(_image(shown.picture[:: thinning // shown.step, :: thinning // shown.step], thinning))
    parts = [(shown.mask[::thinning, ::thinning], thinning, 0, 0)]
    if window is not None and thinning > 1:
        top, left, bottom, right = window
        coarse = parts[0][0].copy()
        coarse[top // thinning : -(-bottom // thinning), left // thinning : -(-right // thinning)] = 0
        parts = [(coarse, thinning, 0, 0), (shown.mask[top:bottom, left:right], 1, top, left)]
        first, step = (top // shown.step, left // shown.step), shown.step
        part = shown.picture[first[0] : -(-bottom // step), first[1] : -(-right // step)]
        figure.add_trace(_image(part, step, first[0] * step, first[1] * step))
    lines = _outlines(parts, shown) if view == "Outlines" else None
    if lines is not None:
        figure.add_traces(lines)
    elif view != "None":
        figure.add_traces(_legend(shown))
        for mask, step, top, left in parts:
            figure.add_trace(_layer(mask, shown.colours, step, top, left, filled=view == "Mask"))
    if ticked is not None:
        _frame(figure, ticked)
    _lay_out(figure, window or (0, 0, height, width), thinning, view == "Outlines" and lines is None)
    return figure


def overlay_picture(shown: Shown, view: View) -> Picture:
    """The picture with the mask or the outlines drawn into it."""
    mask = shown.mask[:: shown.step, :: shown.step]
    plain = shown.picture.astype(np.float32) / np.float32(255)
    if view == "None":
        return shown.picture
    label = mask if view == "Mask" else np.where(_inner_edge(mask), mask, 0).astype(np.uint8)
    opacity = _OPACITY if view == "Mask" else 1.0
    return as_bytes(overlaid(plain, np.where(label == IGNORE, 0, label), opacity, shown.colours, outlines=False))


def png_bytes(picture: Picture) -> bytes:
    """A picture as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def found_table(found: FoundObjects, classes: Sequence[str], georeference: GeoReference | None) -> pd.DataFrame:
    """A row for each of the ``MOST_ROWS`` largest objects, the largest first; the index is its position in ``found``.

    Columns that nothing is known for, such as areas in m² without a georeference, are there and empty.

    Args:
        found: the objects.
        classes: names by id.
        georeference: of the image.
    """
    largest = np.argsort(-found.areas, kind="stable")[:MOST_ROWS]
    found = replace(found, class_ids=found.class_ids[largest], scores=found.scores[largest], areas=found.areas[largest],
                    centres=found.centres[largest], boxes=found.boxes[largest])  # fmt: skip
    areas, places = areas_on_ground(found, georeference), longitude_latitude(georeference, found.centres)
    empty = np.full(len(found), np.nan)
    return pd.DataFrame(
        {
            "class": [classes[number] for number in found.class_ids],
            "score": found.scores,
            "area (px)": found.areas,
            "area (m²)": empty if areas is None else areas.round(1),
            "column": found.centres[:, 1],
            "row": found.centres[:, 0],
            "longitude": empty if places is None else places[:, 0],
            "latitude": empty if places is None else places[:, 1],
        },
        index=largest,
    )


def _image(picture: Picture, step: int, top: int = 0, left: int = 0) -> go.Image:
    return go.Image(
        source=data_uri(picture, _MOST_EXACT), x0=left + step / 2, y0=top + step / 2, dx=step, dy=step, hoverinfo="skip"
    )


def _layer(mask: NDArray[np.uint8], colours: Sequence[str], step: int, top: int, left: int, filled: bool) -> go.Image:
    """Class ids as a small transparent picture in the colours of the classes, their areas or their edges."""
    seen = mask if filled else np.where(_inner_edge(mask), mask, 0).astype(np.uint8)
    layer = Image.fromarray(np.where(seen == IGNORE, 0, seen).astype(np.uint8), "P")
    table = [ImageColor.getrgb(colour)[:3] for colour in colours]
    layer.putpalette([value for colour in table for value in colour])
    buffer = io.BytesIO()
    opaque = round(255 * _OPACITY) if filled else 255
    layer.save(buffer, "PNG", compress_level=3, transparency=bytes([0, *[opaque] * (len(colours) - 1)]))
    source = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return go.Image(source=source, x0=left + step / 2, y0=top + step / 2, dx=step, dy=step, hoverinfo="skip")


def _outlines(parts: Sequence[tuple[NDArray[np.uint8], int, int, int]], shown: Shown) -> list[go.Scatter] | None:
    """The outlines of each class as lines; None if a browser could not move so many."""
    lines, pieces = [], 0
    for class_id in range(1, len(shown.classes)):
        columns, rows = [], []
        for mask, step, top, left in parts:
            x, y = outline(mask == class_id)
            columns.append(x * step + left)
            rows.append(y * step + top)
        x, y = np.concatenate(columns), np.concatenate(rows)
        pieces += x.size
        if pieces > 3 * MOST_SEGMENTS:
            return None
        if x.size:
            lines.append(
                go.Scatter(
                    x=x,
                    y=y,
                    mode="lines",
                    line={"color": shown.colours[class_id], "width": 2, "simplify": False},
                    name=plain_text(shown.classes[class_id]),
                    hoverinfo="skip",
                )
            )
    return lines


def _legend(shown: Shown) -> list[go.Scatter]:
    """Entries of the legend for classes that are drawn as pictures."""
    return [
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": "square", "size": 11, "color": colour},
            name=plain_text(name),
        )
        for colour, name in list(zip(shown.colours, shown.classes, strict=True))[1:]
    ]


def _inner_edge(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of a class with a pixel of another one at a side."""
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1]
    beside = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    edge: NDArray[np.bool_] = np.logical_or.reduce([inner != other for other in beside])
    return edge


def _around(box: Box, size: tuple[int, int]) -> Box:
    """What is shown around an object: a square as far as the image reaches."""
    top, left, bottom, right = box
    half = max(_LEAST_AROUND, _AROUND * max(bottom - top, right - left)) // 2
    row, column = (top + bottom) // 2, (left + right) // 2
    return max(0, row - half), max(0, column - half), min(size[0], row + half), min(size[1], column + half)


def _frame(figure: go.Figure, box: Box) -> None:
    """A frame round an object, light on dark, so that it is seen on any ground."""
    top, left, bottom, right = box
    for colour, line in (("#000000", 4), ("#FFFF00", 2)):
        figure.add_shape(
            type="rect", x0=left - 1, x1=right + 1, y0=top - 1, y1=bottom + 1, line={"color": colour, "width": line}
        )


def _lay_out(figure: go.Figure, seen: Box, thinning: int, drawn_in: bool) -> None:
    top, left, bottom, right = seen
    notes = [f"every {ordinal(thinning)} pixel is shown"] if thinning > 1 else []
    notes += ["many outlines: drawn into the picture"] if drawn_in else []
    figure.update_xaxes(
        range=[left, right],
        constrain="domain",
        showgrid=False,
        zeroline=False,
        tickformat="d",
        title_text=f"column ({'; '.join(notes)})" if notes else "column",
    )
    figure.update_yaxes(
        range=[bottom, top],
        tickformat="d",
        scaleanchor="x",
        constrain="domain",
        showgrid=False,
        zeroline=False,
        title_text="row",
    )
    figure.update_layout(
        margin={"l": 55, "r": 10, "t": 10, "b": 45},
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        dragmode="pan",
        uirevision=str(seen),  # another object is zoomed to, whatever the visitor has zoomed to before
    )
