"""A prediction on the page: its thresholds and cuts, the picture with the objects, their table, and downloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import get_args

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.figures.colours import default_colours
from explorer.figures.prediction import (
    MOST_ROWS,
    Box,
    Shown,
    View,
    found_table,
    overlay_picture,
    png_bytes,
    prediction_figure,
)
from explorer.jobs.registry import PackPrediction
from explorer.metrics.found_objects import FoundObjects, areas_on_ground, find_objects
from explorer.metrics.splitting_predictions import ObjectCut
from explorer.runs.class_thresholds import AppliedThresholds
from explorer.runs.object_files import coordinates_of
from explorer.runs.prediction import Prediction, cuts_for
from explorer.runs.prediction_names import PredictionFile
from explorer.ui import address, services
from explorer.ui.frame import stacking_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.messages import escaped

VIEWS: tuple[View, ...] = get_args(View)
_DOWNLOADS: dict[PredictionFile, tuple[str, str, str, str]] = {
    "mask": ("Mask (GeoTIFF)", "tif", "image/tiff", "Cloud-optimised: class ids, 255 where there is no data."),
    "geopackage": ("Objects (GeoPackage)", "gpkg", "application/geopackage+sqlite3", ""),
    "geojson": ("Objects (GeoJSON)", "geojson", "application/geo+json", ""),
}
_HIGHEST, _LOWEST, _USUAL_WIDTH, _AROUND = 760, 360, 700, 110  # of the figure, on screen; its axes and legend
_KEPT = 6


@dataclass(frozen=True)
class Choice:
    """The thresholds and cuts that a mask is made with."""

    thresholds: tuple[float, ...] | None  # see ``Prediction.mask``
    cuts: tuple[ObjectCut, ...]


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def masked(path: Path, written: int, choice: Choice) -> tuple[NDArray[np.uint8], FoundObjects]:
    """The mask at thresholds, and its objects without their ids, for all reruns with these thresholds.

    Args:
        path: of the prediction.
        written: see ``services.prediction``.
        choice: thresholds and cuts.
    """
    prediction = services.prediction(path, written)
    with services.alone_if_pixels(prediction.valid.size):
        mask = prediction.mask(choice.thresholds, choice.cuts)
        found = find_objects(mask, prediction.values)
    return mask, replace(found, ids=np.zeros((0, 0), np.int32))


def show_prediction(path: Path, name: str, prediction: Prediction, applied: AppliedThresholds) -> None:
    """All of a prediction.

    Args:
        path: its file.
        name: its name.
        prediction: itself.
        applied: the run's own thresholds at its checkpoint, and how objects are cut out at them.
    """
    picture, controls = stacking_columns("prediction", [5, 2])
    with controls:
        choice = _pick_choice(name, prediction, applied)
    mask, found = masked(path, path.stat().st_mtime_ns, choice)
    with controls:
        _show_numbers(prediction, found)
        view = _pick_view()
    classes = prediction.meta.classes
    shown = Shown(prediction.picture, prediction.meta.step, mask, default_colours(len(classes)), classes)
    drawn = picture.container()
    ticked = _show_table(name, prediction, found, picture)
    height, width = prediction.size
    tall = min(_HIGHEST, max(_LOWEST, round(_USUAL_WIDTH * height / width) + _AROUND))
    with drawn:
        live_figure(prediction_figure(shown, view, ticked), f"prediction-{name}", tall, zooms=True)
        st.caption(
            f"**{escaped(prediction.meta.image)}**: {view.lower() if view != 'None' else 'nothing'} over the image. "
            "Scroll to zoom, drag to move, double-click to see all of it."
        )
    with controls:
        _offer_downloads(path, prediction, choice, shown, view)


def _pick_choice(name: str, prediction: Prediction, applied: AppliedThresholds) -> Choice:
    """Thresholds, splitting and the smallest object; at first those of the run."""
    classes, key = prediction.meta.classes[1:], name[:6]
    most_probable = False
    if len(classes) > 1:
        most_probable = st.toggle(
            "Most probable class",
            applied.values is None,
            key=f"most-{key}",
            bind="query-params",
            help="Gives each pixel its most probable class, whatever the thresholds.",
        )
    own = applied.values or (0.5,) * len(classes)
    chosen = []
    for number, (class_name, value) in enumerate(zip(classes, own, strict=True), start=1):
        label = "Threshold" if len(classes) == 1 else f"Threshold of {escaped(class_name)}"
        usual = min(0.99, max(0.01, round(value, 2)))
        moved = st.slider(
            label, 0.01, 0.99, usual, 0.01, key=f"t{number}-{key}", bind="query-params", disabled=most_probable,
            help="A pixel is of the class from this probability on.",
        )  # fmt: skip
        chosen.append(value if moved == usual else moved)
    thresholds = None if most_probable else tuple(chosen)
    st.caption(_where_from(thresholds, own, applied))
    return Choice(thresholds, _pick_cuts(prediction, applied.cuts_at(thresholds), applied, key))


def _pick_cuts(
    prediction: Prediction, usual: tuple[ObjectCut, ...], applied: AppliedThresholds, key: str
) -> tuple[ObjectCut, ...]:
    """Splitting and the smallest object; at first as is usual at the thresholds."""
    can_split = len(prediction.lines) > 0
    usual_split = any(cut.diameter is not None for cut in usual)
    split = st.toggle(
        "Split objects that touch",
        usual_split and can_split,
        # each way to begin has its own state
        key=f"split-{key}" if usual == applied.cuts else f"split-{'on' if usual_split else 'off'}-{key}",
        bind="query-params",
        disabled=not can_split,
        help="By a watershed; at first as the run chose with its own threshold, and not at another one."
        if can_split
        else "The run knew no size of its objects when this was made: it had not ended, or its labels hold none.",
    )
    smallest = st.number_input(
        "Smallest object (px)",
        1,
        value=None,
        placeholder=_smallest_words(usual),
        key=f"smallest-{key}",
        bind="query-params",
        help="Smaller objects are left out. Clear it to take the run's, which belongs to its own threshold; at another "
        "one, none is left out.",
    )
    by_hand = None if split == usual_split else split
    return cuts_for(usual, prediction.meta, by_hand, None if smallest is None else int(smallest))


def _smallest_words(cuts: Sequence[ObjectCut]) -> str:
    sizes = sorted({cut.smallest for cut in cuts})
    return f"{' to '.join(map(str, dict.fromkeys((sizes[0], sizes[-1]))))}, the run's" if sizes else "1"


def _where_from(thresholds: tuple[float, ...] | None, own: tuple[float, ...], applied: AppliedThresholds) -> str:
    """Where the thresholds come from, in a sentence."""
    if thresholds is None:
        return "Each pixel has its most probable class."
    what, _, why = applied.source.partition(": ")
    source = f"No own threshold: {escaped(why)}" if what == "none" else f"The run's own: {escaped(why)}"
    numbers = ", ".join(f"{value:g}" for value in own)
    if thresholds == own:
        return f"{numbers}. {source}."
    return f"Chosen here, instead of {numbers}. {source}."


def _pick_view() -> View:
    address.named("over", "view", VIEWS, VIEWS[0])
    view: View = st.segmented_control(
        "Over the image", VIEWS, default=VIEWS[0], required=True, key="drawn", bind="query-params"
    )
    return view


def _show_numbers(prediction: Prediction, found: FoundObjects) -> None:
    """How many objects there are, and how large they are together."""
    areas = areas_on_ground(found, prediction.georeference) if len(found) else None
    ground = "n/a" if areas is None else f"{areas.sum():,.0f} m²"
    if not len(found) and prediction.meta.crs is not None:
        ground = "0 m²"
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.metric("objects", f"{len(found):,}", width="content")
        st.metric("area", f"{int(found.areas.sum()):,} px", width="content")
        st.metric("on the ground", ground, width="content")
    if ground == "n/a":
        st.caption("No area in m²: the image does not say where on the earth it lies.")
    if not len(found):
        st.info("No object at this threshold. Lower it, or the smallest object.", icon=":material/search_off:")


def _show_table(name: str, prediction: Prediction, found: FoundObjects, where: DeltaGenerator) -> Box | None:
    """The table of objects; gives the box of the one that is ticked."""
    if not len(found):
        return None
    table = found_table(found, prediction.meta.classes, prediction.georeference)
    known = table.dropna(axis="columns", how="all")
    event = where.dataframe(
        known,
        hide_index=True,
        height=min(300, 38 + 35 * len(known)),
        on_select="rerun",
        selection_mode="single-row",
        key=f"objects-of-{name}-{len(found)}-{int(found.areas.sum())}",
        column_config={
            "score": st.column_config.NumberColumn(format="%.2f", help="Mean probability of its class inside it."),
            "area (m²)": st.column_config.NumberColumn(format="localized", help="On the ellipsoid."),
            "column": st.column_config.NumberColumn(format="%.1f", help="Of its centre, in pixels."),
            "row": st.column_config.NumberColumn(format="%.1f", help="Of its centre, in pixels."),
            "longitude": st.column_config.NumberColumn(format="%.6f", help="Of its centre, in degrees of WGS 84."),
            "latitude": st.column_config.NumberColumn(format="%.6f", help="Of its centre, in degrees of WGS 84."),
        },
    )
    if len(found) > MOST_ROWS:
        where.caption(f"The {MOST_ROWS:,} largest of {len(found):,} objects; downloads have all of them.")
    rows: Sequence[int] = event.selection.rows
    if not rows or rows[0] >= len(table):
        where.caption("Tick the box of an object to zoom to it.")
        return None
    top, left, bottom, right = found.boxes[int(table.index[rows[0]])].tolist()
    return top, left, bottom, right


def _offer_downloads(path: Path, prediction: Prediction, choice: Choice, shown: Shown, view: View) -> None:
    """The mask, the objects and the picture as files, made when somebody asks."""
    stem = PurePosixPath(prediction.meta.image).stem or "prediction"
    with st.popover("Download", icon=":material/download:", width="stretch"):
        for kind, (label, ending, media, about) in _DOWNLOADS.items():
            refused = False
            if kind != "mask":
                try:
                    about = f"Coordinates: {coordinates_of(prediction.georeference, kind == 'geojson')}."
                except InputError as problem:
                    about, refused = f"{problem}.", True
            st.download_button(
                label,
                lambda kind=kind: services.engine().ask(  # type: ignore[misc]
                    PackPrediction(path.resolve(), kind, choice.thresholds, choice.cuts)
                ),
                f"{stem}.{ending}",
                media,
                help=about,
                disabled=refused,
                on_click="ignore",
                width="stretch",
                key=f"download-{kind}",
            )
        st.download_button(
            "Picture (PNG)",
            lambda: png_bytes(overlay_picture(shown, view)),
            f"{stem}.png",
            "image/png",
            help="The image as it is shown here, with what lies over it.",
            on_click="ignore",
            width="stretch",
            key="download-picture",
        )
