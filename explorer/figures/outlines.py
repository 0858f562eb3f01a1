"""Outlines of labels over pictures, exact to the pixel, and thumbnails of the values of a mask."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from explorer.errors import InputError
from explorer.figures.colours import default_colours
from explorer.figures.imagery import Picture, as_bytes, overlaid, plain_picture, plain_text, raster_picture
from explorer.imagery.bands import Bands
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.scene import IGNORE, Scene, Stretch

LONGEST_SIDE = 2048
"""Pixels of a picture in a figure; larger scenes are thinned out."""

MOST_SEGMENTS = 30_000
"""Straight pieces of outline that a browser still moves smoothly; beyond, the outline is drawn into the picture."""

_MOST_EXACT = 1_100_000  # pixels of a picture that is sent as PNG; larger ones as JPEG, a tenth of the size

THUMBNAIL_SIDE = 96
_MARGIN = 0.25  # of the area's size, on each side of a thumbnail


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
            source=_data_uri(as_bytes(shown)),
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
    notes = [f"every {_ordinal(step)} pixel is shown"] if step > 1 else []
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


def value_thumbnail(picture: Picture, where: NDArray[np.bool_]) -> str:
    """The surroundings of the largest area of a value of a mask, with the area's outline, as a data URI.

    Args:
        picture: uint8 (H, W, 3), the image.
        where: (H, W), the pixels that have the value; if there are none, the whole image is shown.

    Returns:
        A PNG of at most ``THUMBNAIL_SIDE`` pixels a side, for ``st.column_config.ImageColumn``.
    """
    top, left, bottom, right = _largest_area(where)
    side = max(bottom - top, right - left)
    margin = max(4, round(_MARGIN * side))
    height, width = where.shape
    rows = slice(max(0, top - margin), min(height, bottom + margin))
    columns = slice(max(0, left - margin), min(width, right + margin))
    part, area = picture[rows, columns], where[rows, columns]
    factor = THUMBNAIL_SIDE / max(area.shape)
    size = max(1, round(area.shape[1] * factor)), max(1, round(area.shape[0] * factor))
    smooth = Image.Resampling.BOX if factor < 1 else Image.Resampling.NEAREST
    small = np.array(Image.fromarray(part).resize(size, smooth))
    inner = np.asarray(Image.fromarray(area).convert("L").resize(size, smooth)) >= 128
    rim = inner & ~ndimage.binary_erosion(inner, border_value=1)
    small[ndimage.binary_dilation(rim) & ~rim & ~inner] = 0  # dark beside light: seen on any ground
    small[rim] = (255, 255, 0)
    return _data_uri(small)


def file_thumbnail(source: Path | bytes, name: str) -> str:
    """A small picture of a file as a data URI; "" if it is no image.

    Args:
        source: a path, or the content of a file.
        name: of the file.
    """
    try:
        picture = raster_picture(read_raster(source, name))
    except InputError:
        return ""
    small = Image.fromarray(picture)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return _data_uri(np.asarray(small))


def _runs(edge: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Line, start and end of each run of True along the last axis."""
    change = np.diff(np.pad(edge, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lines, starts = np.nonzero(change == 1)
    return lines, starts, np.nonzero(change == -1)[1]


def _largest_area(where: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of the largest connected area; of everything if there is none."""
    step = -(-max(where.shape) // 2048)  # large masks are looked at more coarsely, if that leaves anything
    coarse = where[::step, ::step]
    if not coarse.any():
        step, coarse = 1, where
    areas, count = ndimage.label(coarse, np.ones((3, 3)))
    if not count:
        return 0, 0, *where.shape
    largest = int(np.bincount(areas.ravel())[1:].argmax()) + 1
    rows, columns = ndimage.find_objects(areas, largest)[largest - 1]
    height, width = where.shape
    return rows.start * step, columns.start * step, min(height, rows.stop * step), min(width, columns.stop * step)


def _data_uri(picture: Picture) -> str:
    buffer = io.BytesIO()
    if picture.shape[0] * picture.shape[1] <= _MOST_EXACT:
        kind = "png"
        Image.fromarray(picture).save(buffer, "PNG", compress_level=3)
    else:
        kind = "jpeg"
        Image.fromarray(picture).save(buffer, "JPEG", quality=92, subsampling=0)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
