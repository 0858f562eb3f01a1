"""Imagery: choose built-in scenes or upload your own, check labels and split, and use them for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from explorer.errors import InputError
from explorer.figures.imagery import (
    balance_figure,
    balance_table,
    natural_bands,
    scene_picture,
)
from explorer.imagery.balance import ClassShare, class_balance
from explorer.imagery.builtin import BUILTIN
from explorer.imagery.datasets import make_dataset
from explorer.imagery.scene import Dataset
from explorer.settings import MEBI, settings
from explorer.ui import services
from explorer.ui.datasets import builtin_cards, choose, resolve
from explorer.ui.frame import frame, stacking_columns
from explorer.ui.messages import escaped, show_problem
from explorer.ui.uploads import read_upload, show_upload

KINDS = ["png", "jpg", "jpeg", "tif", "tiff", "geojson", "json", "zip"]
EXPLANATION = """
**Share.** The rarer a class, the harder it is to learn: where 99 % of the pixels are background, a prediction without
objects is right on 99 % of them. **Objects** are those that were drawn one by one, or else connected pixels of one
class, diagonals included. Object recall and object precision on the other pages count those of at least the minimum
area.

**Validation scenes** are never trained on; all scores come from them. A quarter of the scenes is a good start. A
single scene is cut into blocks with a margin between them, so that no pixel is on both sides.

**Masks** can be index images (0, 1, 2 …), 0 and 255, one colour per class, or GeoJSON polygons for a GeoTIFF. The
value 255 in an index image, nodata and transparent pixels are ignored: they count in no loss and in no score.
"""


@dataclass(frozen=True)
class Draft:
    """The imagery shown, before its names and split are confirmed."""

    key: str  # identifies the draft, so that edits of one do not reach another
    dataset: Dataset


def pick_builtin() -> Draft:
    """Three cards; the address names the chosen one."""
    chosen = st.query_params.get("builtin", "car_park")
    if chosen not in BUILTIN:
        st.caption(f"There is no built-in dataset {escaped(chosen)}; another one is shown.")
        chosen = "car_park"
    for key, card in builtin_cards().items():
        card.button(
            "Shown below" if key == chosen else "Show",
            key=f"card-{key}",
            disabled=key == chosen,
            on_click=st.query_params.update,
            kwargs={"builtin": key},
            width="stretch",
        )
    return Draft(f"builtin:{chosen}", services.dataset(resolve(f"builtin:{chosen}")))


def upload_own() -> Draft | None:
    """Two uploaders and a table of their files."""
    left, right = st.columns(2)
    limit = f"At most {settings().max_file_bytes // MEBI} MiB per file, {settings().max_files} files."
    images = left.file_uploader(
        "Images, or a zip of images and masks",
        KINDS,
        accept_multiple_files=True,
        key="images",
        help=f"PNG, JPEG, TIFF or GeoTIFF, 1 to 16 bands. {limit}",
    )
    masks = right.file_uploader(
        "Masks, if they are separate",
        KINDS,
        accept_multiple_files=True,
        key="masks",
        help=f"One per image, with the same name: harbour.tif and harbour_mask.png. {limit}",
    )
    upload = read_upload(images, masks)
    if upload is None:
        st.info(
            "Choose images and their masks, or one zip with the folders images and masks. "
            "The built-in scenes show what such a dataset looks like.",
            icon=":material/arrow_upward:",
        )
        return None
    if isinstance(upload, InputError):
        show_problem(upload)
        return None
    show_upload(upload)
    if upload.dataset is None:
        return None
    return Draft(f"upload:{st.session_state['read-ids']}", upload.dataset)


def pick_saved() -> Draft | None:
    """The datasets in the store."""
    records = {record.id: record.name for record in services.store().datasets()}
    if not records:
        st.info(
            "Nothing is saved yet. Choose built-in scenes or upload your own, then press Use this dataset.",
            icon=":material/inventory_2:",
        )
        return None
    chosen = st.selectbox(
        "Saved dataset",
        list(records),
        format_func=lambda dataset_id: f"{records[dataset_id]} · {dataset_id[:8]}",
        key="saved",
        bind="query-params",
    )
    return Draft(f"saved:{chosen}", services.dataset(chosen))


def edit_dataset(draft: Draft) -> Dataset | None:
    """The dataset with the names and validation scenes that the visitor chose; None while they are invalid."""
    dataset = draft.dataset
    shares = balance(dataset, draft.key)
    table = st.data_editor(
        balance_table(shares),
        key=f"classes-{draft.key}",
        hide_index=True,
        disabled=["colour", "share", "pixels", "objects", "below minimum area"],
        column_config={
            "colour": st.column_config.ImageColumn("", width=36),
            "class": st.column_config.TextColumn("class", required=True, max_chars=40, help="Click to rename."),
            "share": st.column_config.NumberColumn("share", format="%.3g %%"),
            "pixels": st.column_config.NumberColumn("pixels", format="localized"),
            "objects": st.column_config.NumberColumn(
                "objects", help="Of any size: as drawn one by one, or else connected pixels."
            ),
        },
        placeholder="n/a",
    )
    st.plotly_chart(balance_figure(shares), config={"displayModeBar": False}, key=f"balance-{draft.key}")
    names = [scene.name for scene in dataset.scenes]
    validation = st.multiselect(
        "Validation scenes",
        names,
        default=[scene.name for scene in dataset.validation],
        key=f"validation-{draft.key}",
        help="Never trained on; all scores come from them.",
    )
    name = st.text_input("Name", dataset.name, key=f"name-{draft.key}", max_chars=60)
    try:
        return revised(dataset, name.strip() or dataset.name, tuple(table["class"]), validation)
    except InputError as problem:
        show_problem(problem)
        return None


def revised(dataset: Dataset, name: str, classes: tuple[str, ...], validation: Sequence[str]) -> Dataset:
    """The dataset with another name, class names or split; itself if nothing differs."""
    same_split = set(validation) == {scene.name for scene in dataset.validation}
    if same_split and (name, classes) == (dataset.name, dataset.classes):
        return dataset
    return make_dataset(name, dataset.scenes, classes, validation)


def balance(dataset: Dataset, key: str) -> tuple[ClassShare, ...]:
    """The class balance, computed once per draft."""
    if st.session_state.get("balance-key") != key:
        st.session_state["balance-key"] = key
        st.session_state["balance"] = class_balance(dataset.scenes, dataset.classes, dataset.minimum_area)
    counted: tuple[ClassShare, ...] = st.session_state["balance"]
    return counted


@st.fragment
def show_scene(draft: Draft) -> None:
    """A scene with its label over it, as a fragment: its controls rerun nothing else."""
    dataset = draft.dataset
    held_out = {scene.name for scene in dataset.validation}
    left, right = st.columns(2, vertical_alignment="bottom")
    number = left.selectbox(
        "Scene",
        range(len(dataset.scenes)),
        format_func=lambda index: scene_label(dataset.scenes[index].name, held_out),
        key="scene",
        bind="query-params",
    )
    opacity = right.slider("Label opacity", 0.0, 1.0, 0.4, 0.05, key="opacity", bind="query-params")
    scene = dataset.scenes[number]
    bands = natural_bands(scene.bands)
    if len(scene.bands) > 3:
        red, green, blue = (
            column.selectbox(colour, range(len(scene.bands)), band, lambda b: scene.bands[b], key=f"{colour} band")
            for column, colour, band in zip(st.columns(3), ("Red", "Green", "Blue"), bands, strict=True)
        )
        bands = red, green, blue
    st.image(scene_picture(scene, dataset.stretch, bands, opacity), width="stretch", alt="scene with its label")
    height, width = scene.size
    st.caption(
        f"{width} × {height} pixels, {len(scene.bands)} bands, {scene.image.dtype}. Grey: ignored. "
        + ("This is a validation scene." if scene.name in held_out else "This is a training scene.")
    )


def scene_label(name: str, held_out: set[str]) -> str:
    """A scene in a list; validation scenes are marked."""
    return f"{name} · validation" if name in held_out else name


def save_and_continue(dataset: Dataset) -> None:
    """Saves the dataset and links to training."""
    if st.button("Use this dataset", type="primary", icon=":material/check:", width="stretch"):
        dataset_id = services.store().save_dataset(dataset)
        choose(dataset_id)
        st.success(f"{escaped(dataset.name)} is saved and chosen for training.", icon=":material/check:")
        st.page_link(
            "pages/train.py",
            label="Go on to Train",
            icon=":material/arrow_forward:",
            query_params={"dataset": dataset_id},
        )


SOURCES = {"Built-in": pick_builtin, "Upload": upload_own, "Saved": pick_saved}

frame("Imagery")
source = st.segmented_control(
    "Source",
    list(SOURCES),
    default="Built-in",
    required=True,
    key="source",
    bind="query-params",
    label_visibility="collapsed",
)
found = SOURCES[source]()
if found is not None:
    st.subheader(escaped(found.dataset.name), anchor=False)
    for note in found.dataset.notes:
        st.info(escaped(note.text), icon=":material/info:")
    picture, facts = stacking_columns("scene", [4, 3])
    with facts:
        edited = edit_dataset(found)
        if edited is not None:
            save_and_continue(edited)
    with picture:
        show_scene(Draft(found.key, edited or found.dataset))
with st.expander("Shares, objects, validation and masks explained"):
    st.markdown(EXPLANATION)
