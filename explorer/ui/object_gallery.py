"""Objects as a gallery of small pictures, page by page; the one that is chosen is shown large, in every run.

The address names the chosen object (``?object=``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.figures.colours import FALSE_ALARM, HIT, MISS, class_colours
from explorer.figures.object_tiles import TILE_SIDE, part_pictures, surroundings, tile_picture
from explorer.figures.outcome import label_picture, window
from explorer.figures.outcome_grid import Pane, grid_figure, grid_height
from explorer.imagery.pictures import data_uri
from explorer.metrics.objects import Outcome
from explorer.runs.object_sets import PlacedObject
from explorer.ui import services
from explorer.ui.browser_script import script
from explorer.ui.live_figure import live_figure
from explorer.ui.messages import escaped
from explorer.ui.scene_outcome import show_outcome_legend

OBJECT = "object"
"""In the address: the object that is shown large."""

_A_PAGE = 12  # objects
_LARGE_SIDE, _LARGE_AROUND = 480, 4.0  # pixels; sides of a square of the object's area
_COLOURS: dict[Outcome | None, str] = {"found": HIT, "missed": MISS, "false": FALSE_ALARM, None: ""}
_WORDS: dict[Outcome | None, str] = {
    "found": "found", "missed": "missed", "false": "false alarm", None: "no false alarm here"
}  # fmt: skip
_HTML = '<div class="object-tiles"></div>'
_CSS = """
.object-tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); gap: 0.6rem; }
.object-tile { display: flex; flex-direction: column; gap: 0.1rem; padding: 0.4rem; cursor: pointer; text-align: left;
  color: var(--st-text-color); background: var(--st-background-color); font: 0.75rem var(--st-font);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
.object-tile:hover { border-color: var(--st-primary-color); }
.object-tile[aria-pressed=true] { box-shadow: 0 0 0 2px var(--st-primary-color); }
.object-tile img { width: 100%; height: 96px; object-fit: contain; image-rendering: pixelated; }
.object-tile span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 100%; }
.object-tile i { display: inline-block; width: 0.6rem; height: 0.6rem; margin-right: 0.3rem; }
"""


@dataclass(frozen=True)
class Source:
    """One prediction that is shown: the sweep's file as it was written then, and the threshold."""

    name: str  # of the run, short
    file: Path
    written: int  # nanoseconds, see ``services.threshold_sweep``
    threshold: float


def show_gallery(
    objects: Sequence[PlacedObject], sources: Sequence[Source], dataset_id: str, class_id: int, key: str
) -> None:
    """The objects, large before small, and one of them large.

    Args:
        objects: at least one; outcomes are those of the sources, in their order.
        sources: one or two predictions.
        dataset_id: whose validation scenes they are in.
        class_id: 1 or more.
        key: unique on the page; another one for other objects.
    """
    ordered = sorted(objects, key=lambda each: -each.object.area)
    places = {object_id(each): number for number, each in enumerate(ordered)}
    asked = st.query_params.get(OBJECT, "")
    first_page = places.get(asked, 0) // _A_PAGE + 1
    large = st.container()
    pages = -(-len(ordered) // _A_PAGE)
    page = st.pagination(pages, default=first_page, key=f"{key}-page") if pages > 1 else 1
    shown = ordered[(page - 1) * _A_PAGE : page * _A_PAGE]
    ids = [object_id(each) for each in shown]
    chosen = asked if asked in ids else ids[0]
    names = services.dataset(dataset_id).validation
    tiles = [
        _tile(each, names[each.scene].name, sources, _tile_source(each, tuple(sources), dataset_id, class_id))
        for each in shown
    ]
    component = st.components.v2.component(
        "object_tiles", html=_HTML, css=_CSS, js=script("object_tiles.js"), isolate_styles=False
    )
    clicked: str | None = component(
        key=f"{key}-tiles", data={"tiles": tiles, "chosen": chosen}, on_chosen_change=_chosen
    ).chosen
    if clicked in ids:
        chosen = clicked
        st.query_params[OBJECT] = clicked
    st.caption(f"{len(shown)} of {len(ordered):,} objects, large before small. Click one to see it above.")
    with large:
        _show_large(shown[ids.index(chosen)], sources, dataset_id, class_id, key)


def object_id(placed: PlacedObject) -> str:
    """The name of an object in the address: its scene's position, row, column and area, which tells a ring from what is
    inside it."""
    each = placed.object
    return f"{placed.scene}-{each.row:.0f}-{each.column:.0f}-{each.area}"


def _chosen() -> None:
    """A click runs the page again, which takes the object from what the gallery returns."""


def _tile(placed: PlacedObject, scene: str, sources: Sequence[Source], picture: str) -> dict[str, Any]:
    """What the browser shows of an object."""
    each = placed.object
    words = [outcome_words(outcome, iou) for outcome, iou in zip(each.outcomes, each.ious, strict=True)]
    if len(sources) > 1:
        words = [f"{letter}: {text}" for letter, text in zip("AB", words, strict=True)]
    return {
        "id": object_id(placed),
        "source": picture,
        "lines": [f"{scene}, {each.area:,} px", *words],
        "colours": ["", *(_COLOURS[outcome] for outcome in each.outcomes)],
        "says": f"{scene}, row {each.row:.0f}, column {each.column:.0f}, {each.area} pixels: {'; '.join(words)}",
    }


def outcome_words(outcome: Outcome | None, iou: float | None) -> str:
    """An outcome with its IoU, if it has one."""
    return _WORDS[outcome] + (f", IoU {iou:.2f}" if iou is not None else "")


@st.cache_data(show_spinner=False, max_entries=2048)
def _tile_source(placed: PlacedObject, sources: tuple[Source, ...], dataset_id: str, class_id: int) -> str:
    """The picture of a tile as a data URI."""
    dataset, each = services.dataset(dataset_id), placed.object
    scene = dataset.validation[placed.scene]
    part = surroundings(scene.size, each.row, each.column, each.area)
    masks = _masks(placed, sources, class_id, part)
    return data_uri(tile_picture(part_pictures(scene, dataset.stretch, masks, class_id, part, TILE_SIDE)))


def _masks(
    placed: PlacedObject, sources: Sequence[Source], class_id: int, part: tuple[int, int, int, int]
) -> list[NDArray[np.bool_]]:
    """Where each source predicts the class in a part of the object's scene."""
    return [
        services.threshold_sweep(source.file, source.written).predicted(placed.scene, class_id, source.threshold, part)
        for source in sources
    ]


def _show_large(placed: PlacedObject, sources: Sequence[Source], dataset_id: str, class_id: int, key: str) -> None:
    """The surroundings of an object: image, label, and the outcome in each prediction, which move together."""
    dataset, each = services.dataset(dataset_id), placed.object
    scene = dataset.validation[placed.scene]
    part = surroundings(scene.size, each.row, each.column, each.area, _LARGE_AROUND)
    masks = _masks(placed, sources, class_id, part)
    plain, *outcomes = part_pictures(scene, dataset.stretch, masks, class_id, part, _LARGE_SIDE)
    shown = window(scene, part[0], part[1], part[2:])
    label = label_picture(shown, dataset.stretch, max(_LARGE_SIDE, *part[2:]), class_colours(dataset))
    letters = [f"{letter}: " for letter in "AB"] if len(sources) > 1 else [""]
    panes = [Pane("image", plain), Pane("label", label)]
    panes += [Pane(f"{letter}{source.name}", picture) for letter, source, picture in zip(
        letters, sources, outcomes, strict=True)]  # fmt: skip
    figure = grid_figure(panes, len(panes), part[:2], part[2:])
    height, per_width = grid_height(panes, len(panes), part[2:])
    live_figure(figure, f"{key}-large", height=height, zooms=True, per_width=per_width)
    words = "; ".join(
        f"{letter}{outcome_words(outcome, iou)}"
        for letter, outcome, iou in zip(letters, each.outcomes, each.ious, strict=True)
    )
    st.markdown(
        f"Scene **{escaped(scene.name)}**, row {each.row:.0f}, column {each.column:.0f}, {each.area:,} pixels: {words}."
    )
    show_outcome_legend(wrong_class=False)
