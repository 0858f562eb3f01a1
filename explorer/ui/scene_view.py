"""A scene with its label: a picture, or its pixels to zoom into, where an area of interest can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from explorer.errors import InputError
from explorer.figures.colours import class_colours
from explorer.figures.imagery import scene_picture
from explorer.figures.outlines import outline_figure
from explorer.imagery.bands import Bands, natural_bands
from explorer.imagery.choices import Polygon, ReadingChoices
from explorer.imagery.scene import Dataset, Scene
from explorer.ui import address
from explorer.ui.messages import escaped, show_problem, without_options
from explorer.ui.unique_labels import position_labels, unique_labels

_PICTURE, _PIXELS = "Picture", "Pixels"
_VIEWS = (_PICTURE, _PIXELS)
_HIGHEST, _LOWEST, _USUAL_WIDTH, _AROUND = 800, 320, 450, 110  # of the figure, on screen; its axes and legend
_SMALLEST_AREA = 2.0  # pixels along x and y: less is a click


def pick_scene(dataset: Dataset) -> Scene:
    """A selectbox of scenes; validation scenes are marked. The address names the chosen one."""
    held_out = {scene.name for scene in dataset.validation}
    marked = {name: f"{name} · validation" if name in held_out else name for name in _names(dataset)}
    labels = unique_labels(marked)
    first = next(iter(labels))
    shown = address.named("scene", "scene", labels, first) or first
    address.select("Scene", list(labels), shown, labels.__getitem__, _show)
    return next(scene for scene in dataset.scenes if scene.name == shown)


def pick_view() -> str:
    """Picture or pixels."""
    address.named("scene-view", "view", _VIEWS, _PICTURE)
    view: str = st.segmented_control(
        "View", _VIEWS, default=_PICTURE, required=True, key="scene-view", bind="query-params",
        help="Pixels: zoom until single pixels are seen, and draw an area of interest.",
    )  # fmt: skip
    return view


def pick_bands(scene: Scene) -> Bands:
    """Which bands are shown as red, green and blue; to choose where there are more than three."""
    bands = natural_bands(scene.bands)
    if len(scene.bands) <= 3:
        return bands
    names = position_labels(scene.bands)
    red, green, blue = (
        column.selectbox(colour, list(names), band, names.__getitem__, key=f"{colour} band")
        for column, colour, band in zip(st.columns(3), ("Red", "Green", "Blue"), bands, strict=True)
    )
    return red, green, blue


def show_view(dataset: Dataset, scene: Scene, view: str, bands: Bands, opacity: float) -> tuple[Polygon, ...]:
    """The scene with its label.

    Returns:
        The boxes and polygons that are drawn on it.
    """
    colours = class_colours(dataset)
    if view == _PICTURE:
        picture = scene_picture(scene, dataset.stretch, bands, opacity, colours=colours)
        st.image(picture, width="stretch", alt="scene with its label")
        return ()
    figure = outline_figure(scene, dataset.stretch, bands, opacity / 2, colours, dataset.classes)
    height, width = scene.size
    figure.update_layout(height=min(_HIGHEST, max(_LOWEST, round(_USUAL_WIDTH * height / width) + _AROUND)))
    st.caption("Scroll to zoom, down to single pixels. The toolbar has box and lasso, to draw an area of interest.")
    drawn: Any = st.plotly_chart(
        figure,
        key=f"pixels-{scene.name}",
        on_select="rerun",
        selection_mode=("box", "lasso"),
        config={"scrollZoom": True, "displaylogo": False, "displayModeBar": True},
    )
    return _polygons(drawn.selection)


def edit_area(
    scene: Scene,
    drawn: Sequence[Polygon],
    areas_in: Callable[[bytes, str], dict[str, tuple[Polygon, ...]]],
    choices: ReadingChoices,
    choose: Callable[[ReadingChoices], None],
) -> bool:
    """Buttons that make what is drawn the scene's area of interest, and an uploader for one in a vector file.

    Args:
        scene: that is shown.
        drawn: on it.
        areas_in: gives the areas of all scenes in a vector file, by its content and name.
        choices: so far.
        choose: takes the choices.

    Returns:
        Whether the area has changed, so that the page must be drawn again.
    """
    own = choices.areas.get(scene.name, ())
    use, clear = st.columns(2)
    changed = use.button(
        "Use the drawn area" if drawn else "Draw a box or a lasso first",
        disabled=not drawn,
        icon=":material/crop:",
        key="use-area",
        on_click=choose,
        args=(choices.model_copy(update={"areas": choices.areas | {scene.name: (*own, *drawn)}}),),
        width="stretch",
        help="Outside the area of interest, pixels are ignored: they count in no loss and in no score.",
    )
    rest = {name: areas for name, areas in choices.areas.items() if name != scene.name}
    changed |= clear.button(
        "Remove the area", key="remove-area", disabled=not own, icon=":material/close:", on_click=choose,
        args=(choices.model_copy(update={"areas": rest}),), width="stretch",
    )  # fmt: skip
    with st.popover("Area from a vector file", icon=":material/upload_file:"):
        file = st.file_uploader(
            "Polygons of the area of interest of all scenes", ["geojson", "json", "gpkg", "kml", "fgb"], key="area-file"
        )
        if file is not None:
            try:
                areas = areas_in(file.getvalue(), file.name)
            except InputError as problem:
                show_problem(problem)
                return changed
            changed |= st.button(
                f"Use it in {len(areas)} scene{'s' if len(areas) != 1 else ''}", on_click=choose,
                args=(choices.model_copy(update={"areas": areas}),),
            )  # fmt: skip
    return changed


def describe(dataset: Dataset, scene: Scene) -> None:
    """Size, kind and side of the scene, and the notes on it."""
    height, width = scene.size
    held_out = any(scene is other for other in dataset.validation)
    bands = f"{len(scene.bands)} band{'s' if len(scene.bands) > 1 else ''}"
    st.caption(
        f"{width} × {height} pixels, {bands}, {scene.image.dtype}. Grey: ignored. "
        + ("This is a validation scene." if held_out else "This is a training scene.")
    )
    said = {note.code for note in dataset.notes}
    for note in scene.notes:
        if note.code not in said:
            st.caption(f":material/info: {escaped(without_options(note.text))}")


def _polygons(selection: Any) -> tuple[Polygon, ...]:
    boxes = [tuple(zip(box["x"], box["y"], strict=True)) for box in selection.get("box", [])]
    lassos = [tuple(zip(lasso["x"], lasso["y"], strict=True)) for lasso in selection.get("lasso", [])]
    return tuple(
        polygon
        for polygon in (*boxes, *lassos)
        if all(max(axis) - min(axis) >= _SMALLEST_AREA for axis in zip(*polygon, strict=True))
    )


def _names(dataset: Dataset) -> list[str]:
    return [scene.name for scene in dataset.scenes]


def _show(name: str) -> None:
    st.query_params["scene"] = name
