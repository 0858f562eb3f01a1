"""Outlines of labels over pictures, exact to the pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.colours import default_colours
from explorer.figures.imagery import overlaid, plain_picture, plain_text
from explorer.imagery.bands import Bands
from explorer.imagery.pictures import as_bytes, data_uri
from explorer.imagery.scene import IGNORE, Scene, Stretch

LONGEST_SIDE = 2048
"""Pixels of a picture in a figure; larger scenes are thinned out."""

MOST_SEGMENTS = 30_000
"""Straight pieces of outline that a browser still moves smoothly; beyond, the outline is drawn into the picture."""


def outline_figure(
    scene: Scene,
    stretch: Stretch,
    bands: Bands | None = None,
    opacity: float = 0.0,
    colours: Sequence[str] | None = None,
    classes: Sequence[str] = (),
) -> go.Figure:
    """A scene with the outline of its label along the edges of the pixels, to be zoomed to single pixels.

    The axes are in pixels: the pixel in row r and column c covers r to r + 1 and c to c + 1, as in
    :data:`explorer.imagery.choices.Polygon`. Objects that touch are outlined one by one where the scene keeps them
    apart. With ``st.plotly_chart(figure, on_select="rerun", selection_mode=("box", "lasso"))``, boxes and lassos that
    are drawn come back as ``selection.box`` and ``selection.lasso``, each with "x" and "y" in pixels.

    Args:
        scene: any size; the picture of one with more than ``LONGEST_SIDE`` pixels a side is thinned out.
        stretch: of its dataset, or its own.
        bands: positions of the bands shown as red, green and blue; by their names if not given.
        opacity: of the label's areas, 0 (outline only) to 1.
        colours: "#rrggbb" by class id; the default ones if not given.
        classes: names by class id, for the legend; no legend if not given.
    """
    height, width = scene.size
    step = -(-max(scene.size) // LONGEST_SIDE)
    present = [int(k) for k in np.flatnonzero(scene.pixel_counts(IGNORE)) if k > 0]
    colours = colours or default_colours(max(present, default=0) + 1)
    lines = {class_id: outline(scene.label == class_id, scene.objects) for class_id in present}
    drawn = sum(x.size for x, _ in lines.values()) <= 3 * MOST_SEGMENTS
    shown = plain_picture(scene, stretch, bands, step)
    if opacity > 0 or not drawn:
        label = scene.label[::step, ::step]
        shown = overlaid(shown, label, opacity if drawn else max(opacity, 0.3), colours, outlines=not drawn)
    figure = go.Figure(
        go.Image(
            source=data_uri(as_bytes(shown)),
            x0=step / 2,
            y0=step / 2,
            dx=step,
            dy=step,
            hoverinfo="skip",
            name="image",
        )
    )
    if drawn:
        for class_id, (x, y) in lines.items():
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": colours[class_id], "width": 2, "simplify": False},
                name=plain_text(classes[class_id]) if classes else f"class {class_id}",
                hoverinfo="skip",
            )
    figure.add_scatter(  # Plotly offers box and lasso only where some trace has markers
        x=[0, width],
        y=[0, height],
        mode="markers",
        marker={"opacity": 0, "size": 1},
        hoverinfo="skip",
        showlegend=False,
        name="selectable",
    )
    notes = [f"every {ordinal(step)} pixel is shown"] if step > 1 else []
    notes += [] if drawn else ["many outlines: drawn into the picture"]
    title = f"column ({'; '.join(notes)})" if notes else "column"
    figure.update_xaxes(range=[0, width], constrain="domain", showgrid=False, zeroline=False, title_text=title)
    figure.update_yaxes(
        range=[height, 0],
        scaleanchor="x",
        constrain="domain",
        showgrid=False,
        zeroline=False,
        title_text="row",
    )
    figure.update_layout(
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        showlegend=bool(classes) and drawn,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        dragmode="pan",
        newselection={"line": {"color": "#FFFF00", "width": 2, "dash": "solid"}},  # seen on any ground
        selectdirection="d",  # else, a flat box would reach over the whole height
    )
    return figure


def outline(
    inside: NDArray[np.bool_], objects: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The edges of pixels between an area and what is around it, as x and y of straight pieces with NaN between them.

    Args:
        inside: (H, W), the area. It ends at the borders of the array.
        objects: (H, W), an id per object; borders between objects within the area are outlined, too.

    Returns:
        x, y: three values for each piece: start, end, NaN.
    """
    values = inside.astype(np.int32) if objects is None else np.where(inside, objects + 1, 0)
    padded = np.pad(values, 1)
    rows, starts, ends = _runs(padded[1:, 1:-1] != padded[:-1, 1:-1])  # along x, between rows
    columns, tops, bottoms = _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)  # along y, between columns
    gap = np.full(rows.size + columns.size, np.nan)
    x = np.column_stack([np.concatenate([starts, columns]), np.concatenate([ends, columns]), gap])
    y = np.column_stack([np.concatenate([rows, tops]), np.concatenate([rows, bottoms]), gap])
    return x.ravel().astype(np.float32), y.ravel().astype(np.float32)


def _runs(edge: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Line, start and end of each run of True along the last axis."""
    change = np.diff(np.pad(edge, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lines, starts = np.nonzero(change == 1)
    return lines, starts, np.nonzero(change == -1)[1]


def ordinal(number: int) -> str:
    """A number above 1 as it is read in a row: 2nd, 3rd, 4th."""
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
