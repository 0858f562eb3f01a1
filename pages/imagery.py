"""Imagery: choose built-in scenes or upload your own, check labels and split, and use them for training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from explorer.errors import InputError
from explorer.figures.colours import class_colours
from explorer.figures.imagery import balance_figure, balance_table
from explorer.imagery.archive import archived_bytes
from explorer.imagery.balance import ClassShare, class_balance
from explorer.imagery.builtin import BUILTIN
from explorer.imagery.checks import LeaveOut, Mend, SetMinimumArea, SplitAgain, StretchPerScene
from explorer.imagery.offers import made_so_far
from explorer.imagery.readings import Reading
from explorer.imagery.scene import Dataset, Scene
from explorer.lessons.glossary import explained
from explorer.runs.class_state import Control
from explorer.settings import settings
from explorer.ui import address, services
from explorer.ui.data_checks import show_checks
from explorer.ui.datasets import builtin_cards, choose, dataset_labels, resolve
from explorer.ui.deleted import say_deleted
from explorer.ui.drafts import Draft, area_key, revised, rule_key, take_match_rule, take_minimum_area
from explorer.ui.frame import frame, shown_alone, stacking_columns
from explorer.ui.identity import listed_datasets, visitor
from explorer.ui.locks import is_locked, require_unlocked, say_locked
from explorer.ui.match_rules import pick_match_rule
from explorer.ui.mending import edit_values, pick_property, show_notes, show_options, show_pairs
from explorer.ui.messages import escaped, show_problem, without_options
from explorer.ui.reading import (
    areas_in,
    choices,
    choose_reading,
    forget_choices,
    labels_version,
    read_upload,
    shown_of_files,
    version,
)
from explorer.ui.scene_view import describe, edit_area, pick_bands, pick_scene, pick_view, show_view
from explorer.ui.sharing import show_sharing
from explorer.ui.unique_labels import unique_labels
from explorer.ui.uploads import Files, forget_used, is_kept, kept_bytes, pick_files

EXPLANATION = """
**Share.** The rarer a class, the harder it is to learn: where 99 % of the pixels are background, a prediction without
objects is right on 99 % of them. **Objects** are those that the label draws one by one (polygons, a number per object);
elsewhere they are connected pixels of one class, diagonals included. Object recall and object precision count those
that are not smaller than the minimum area.

**Validation scenes** are never trained on; all scores come from them. A quarter of the scenes is a good start. A
single scene is cut into blocks with a margin between them, so that no pixel is on both sides.

**Masks** can be index images (0, 1, 2 …), 0 and 255, one colour per class, a number per object, or files of polygons
and annotations. A mask with a georeference is laid on its image by it. 255 beside other values, nodata and transparent
pixels are ignored: they count in no loss and in no score. Every guess is noted above, with what mends it; the command
`python -m explorer inspect` shows the same.
"""

JUST_SAVED = "just-saved"  # in the session: what was shown, and the id that it is saved under
MOST_NOTES = 3  # of one kind, before the others are hidden


def pick_builtin() -> Draft:
    """Three cards; the address names the chosen one."""
    chosen = address.named("builtin", "built-in dataset", BUILTIN, BUILTIN["car_park"].name) or "car_park"
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
    """The visitor's own files, and a table of how they were used."""
    files = pick_files()
    if files is None:
        st.info(
            "Choose images and their masks, in any order and as many uploads as you like, or one zip with the folders "
            "images and masks. The built-in scenes show what such a dataset looks like.",
            icon=":material/arrow_upward:",
        )
        return None
    if not files.images and files.masks:
        st.info("The masks are kept. Now add their images.", icon=":material/arrow_upward:")
        return None
    reading = read_upload(files)
    if isinstance(reading, InputError):
        show_problem(reading)
        if made_so_far(choices(files)):  # one of them may name a file that is gone
            st.button("Take all choices back", icon=":material/undo:", on_click=forget_choices, args=(files,))
        return None
    if not files.masks and has_images_only(reading):
        st.info(
            "The images are kept. Now add their masks. If masks are among them already: put these into a folder named "
            "masks, or end their names with \\_mask.",
            icon=":material/arrow_upward:",
        )
        return None
    if not is_kept(files):  # they are saved as a dataset, and can no longer be read in another way
        return (
            None if reading.dataset is None else Draft(f"upload:{files.key}", reading.dataset, version(reading.choices))
        )
    mend_reading(files, reading)
    if reading.dataset is None:
        return None
    return Draft(f"upload:{files.key}", reading.dataset, version(reading.choices), files)


def has_images_only(reading: Reading) -> bool:
    """Whether nothing is wrong so far, but that no label has come."""
    rows = [report.row for report in reading.reports]
    told = {note.code for note in reading.notes} - {"cannot_train", "not_used"}
    return not told and not reading.skipped and all(row.pair.image and row.pair.mask is None for row in rows)


def mend_reading(files: Files, reading: Reading) -> None:
    """Which files were used, what was noticed while they were read, and what can be chosen about it."""
    take = partial(choose_reading, files)
    shown = shown_of_files()
    show_pairs(shown.looks, reading, take)
    if reading.problem is not None:
        show_problem(reading.problem)
    noticed = show_notes(reading, take) or reading.problem is not None or bool(made_so_far(reading.choices))
    if not reading.values:
        return
    with st.expander("What the masks hold", expanded=noticed, icon=":material/palette:"):
        pick_property(shown.properties, reading, take)
        edit_values(shown.examples, reading, take)


def pick_saved() -> Draft | None:
    """The datasets in the store."""
    records = {record.id: record for record in listed_datasets()}
    labels = dataset_labels(records.values())
    asked = st.query_params.get("saved", "")
    was_deleted = asked not in labels and say_deleted("dataset", [asked], "saved")
    if not labels:
        st.info(
            "Nothing is saved yet. Choose built-in scenes or upload your own, then press Use this dataset.",
            icon=":material/inventory_2:",
        )
        return None
    first = next(iter(labels))
    chosen = (None if was_deleted else address.named("saved", "saved dataset", labels, labels[first])) or first
    address.select("Saved dataset", list(labels), chosen, labels.__getitem__, show_saved)
    services.store().belongings.look_at("dataset", chosen)
    show_sharing("dataset", records[chosen])
    return Draft(f"saved:{chosen}", services.dataset(chosen))


def show_saved(dataset_id: str) -> None:
    """Puts a saved dataset into the address."""
    st.query_params["saved"] = dataset_id


def edit_dataset(draft: Draft) -> Dataset | None:
    """The dataset with the names, split and minimum area that the visitor chose; None while they are invalid."""
    dataset = draft.dataset
    classes_above = st.container()  # they are counted as the fields below say
    names = unique_labels({scene.name: scene.name for scene in dataset.scenes})
    validation = st.multiselect(
        "Validation scenes",
        list(names),
        default=[scene.name for scene in dataset.validation],
        format_func=names.__getitem__,
        key=f"validation-{draft.key}",
        help="Never trained on; all scores come from them.",
    )
    left_out = st.multiselect(
        "Scenes left out",
        list(names),
        format_func=names.__getitem__,
        key=f"left-out-{draft.key}",
        placeholder="none",
        help="Neither trained on nor scored.",
    )
    name_field, area_field = st.columns([3, 2], vertical_alignment="bottom")
    name = name_field.text_input("Name", dataset.name, key=f"name-{draft.key}", max_chars=60)
    smallest = area_field.number_input(
        "Minimum object area (px)",
        1,
        10_000,
        dataset.minimum_area,
        key=area_key(draft),
        on_change=take_minimum_area,
        args=(draft,),
        help=f"{explained('minimum_area')} The first value leaves at most 5 % of the objects below.",
    )
    rule = pick_match_rule(dataset.match_rule, rule_key(draft), partial(take_match_rule, draft))
    with classes_above:
        classes = edit_classes(draft, left_out, int(smallest))
    try:
        return revised(draft, name.strip() or dataset.name, classes, validation, left_out, int(smallest), rule)
    except InputError as problem:
        show_problem(problem)
        return None


def edit_classes(draft: Draft, left_out: Sequence[str], minimum_area: int) -> tuple[str, ...]:
    """A table of the classes of the scenes that are used, and their shares; gives their names, which can be changed."""
    dataset = draft.dataset
    scenes = [scene for scene in dataset.scenes if scene.name not in left_out]
    key = f"classes-{draft.key}-{draft.version}"
    named: dict[int, str] = st.session_state.setdefault(f"{key}-named", {})
    shares = balance(dataset, scenes, minimum_area, (key, *sorted(left_out), minimum_area))
    shares = tuple(replace(share, name=named.get(number, share.name)) for number, share in enumerate(shares))
    table = st.data_editor(
        balance_table(shares, class_colours(dataset)),
        key=key,
        hide_index=True,
        disabled=["colour", "share", "pixels", "objects", "below minimum area", *(["class"] if draft.files else [])],
        column_config={
            "colour": st.column_config.ImageColumn("", width=36),
            "class": st.column_config.TextColumn("class", required=True, max_chars=40, help="Click to rename."),
            "share": st.column_config.NumberColumn("share", format="%.3g %%"),
            "pixels": st.column_config.NumberColumn("pixels", format="localized"),
            "objects": st.column_config.NumberColumn(
                "objects", format="localized", help="Of any size: as drawn one by one, or else connected pixels."
            ),
            "below minimum area": st.column_config.NumberColumn(
                f"< {minimum_area} px", format="localized", help="Objects below the minimum area."
            ),
        },
        placeholder="n/a",
        on_change=take_class_names,
        args=(key,),
    )
    figure = balance_figure(shares, class_colours(dataset))
    st.plotly_chart(figure, config={"displayModeBar": False}, key=f"balance-{draft.key}-{draft.version}")
    return tuple(table["class"])


def take_class_names(key: str) -> None:
    """Keeps what was typed into the table of classes: its other columns change, and the table begins anew."""
    for row, changes in st.session_state[key]["edited_rows"].items():
        if changes.get("class"):
            st.session_state[f"{key}-named"][int(row)] = changes["class"]


def mend(draft: Draft, chosen: Mend) -> None:
    """Carries out what a button of the data checks says, through the widgets that the visitor could use as well."""
    state, key = st.session_state, draft.key
    match chosen:
        case SplitAgain(validation):
            state[f"validation-{key}"] = list(validation)
        case LeaveOut(scenes):
            state[f"left-out-{key}"] = sorted({*state[f"left-out-{key}"], *scenes})
        case SetMinimumArea(pixels):
            state[area_key(draft)] = pixels
            take_minimum_area(draft)
        case StretchPerScene():
            assert draft.files is not None  # else, there is no such button
            made = choices(draft.files)
            choose_reading(draft.files, made.model_copy(update={"stretch": "scene"}))


def check_key(draft: Draft, dataset: Dataset) -> str:
    """Changes with everything that the data checks depend on, but for the minimum area."""
    sides = [[scene.name for scene in side] for side in (dataset.training, dataset.validation)]
    return f"{draft.key}-{labels_version(draft.dataset.choices)}-{sides}-{dataset.classes}"


def balance(dataset: Dataset, scenes: Sequence[Scene], minimum_area: int, key: Hashable) -> tuple[ClassShare, ...]:
    """The class balance of some scenes of a dataset, computed once per key."""
    if st.session_state.get("balance-key") != key:
        st.session_state["balance-key"] = key
        with services.alone_if_large(dataset):
            st.session_state["balance"] = class_balance(scenes or dataset.scenes, dataset.classes, minimum_area)
    counted: tuple[ClassShare, ...] = st.session_state["balance"]
    return counted


def show_how_it_was_read(dataset: Dataset) -> None:
    """Notes and choices that are stored with a dataset."""
    by_code: dict[str, list[str]] = defaultdict(list)
    for note in dataset.notes:
        by_code[note.code].append(escaped(without_options(note.text)))
    for texts in by_code.values():
        st.info("  \n".join(texts[:MOST_NOTES]), icon=":material/info:")
        if len(texts) > MOST_NOTES:
            with st.expander(f"and {len(texts) - MOST_NOTES} more"):
                st.markdown("  \n".join(texts[MOST_NOTES:]))
    made = made_so_far(dataset.choices)
    if made:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Read with these choices: " + escaped("; ".join(offer.text for offer in made)), width="content")
            show_options(dataset.choices)


@st.fragment
def show_scene(draft: Draft) -> None:
    """A scene with its label over it, as a fragment: its controls rerun nothing else."""
    dataset = draft.dataset
    if st.session_state.get("scenes-of") not in (None, draft.key):  # the address names a scene of the dataset before
        st.query_params.pop("scene", None)
    st.session_state["scenes-of"] = draft.key
    chosen, opacity_field = st.columns([3, 2], vertical_alignment="bottom")
    with chosen:
        scene = pick_scene(dataset)
    opacity = opacity_field.slider("Label opacity", 0.0, 1.0, 0.4, 0.05, key="opacity", bind="query-params")
    view = pick_view()
    bands = pick_bands(scene)
    with shown_alone():
        drawn = show_view(dataset, scene, view, bands, opacity)
    if draft.files is not None and view == "Pixels":
        made = choices(draft.files)
        if edit_area(scene, drawn, partial(areas_in, draft.files), made, partial(choose_reading, draft.files)):
            st.rerun()
    describe(dataset, scene)


def save_and_continue(draft: Draft, dataset: Dataset) -> None:
    """Saves the dataset and links to training."""
    shown = (dataset.name, dataset.minimum_area, check_key(draft, dataset))
    locks: tuple[Control, ...] = ("dataset", "upload") if draft.files is not None else ("dataset",)
    say_locked(*locks)
    locked = any(is_locked(each) for each in locks)
    if st.button(
        "Use this dataset", type="primary", icon=":material/check:", width="stretch", disabled=locked, key="use-dataset"
    ):
        try:
            require_unlocked(*locks)
            more = archived_bytes(dataset) - (kept_bytes(draft.files) if draft.files is not None else 0)
            services.store().usage.require_room(visitor().id, dataset.name, settings(), max(0, more))
        except InputError as problem:
            show_problem(problem)
            return
        dataset_id = services.store().save_dataset(dataset, visitor().id)
        choose(dataset_id)
        st.session_state[JUST_SAVED] = shown, dataset_id
        if draft.files is not None:
            forget_used(draft.files)
            st.rerun()  # what could be chosen about the files is no longer there
    saved_as, dataset_id = st.session_state.get(JUST_SAVED, (None, ""))
    if saved_as == shown:
        name = services.store().dataset_record(dataset_id).name  # with a number, if another dataset had it
        st.success(f"{escaped(name)} is saved and chosen for training.", icon=":material/check:")
        st.page_link(
            "pages/train.py",
            label="Go on to Train",
            icon=":material/arrow_forward:",
            query_params={"dataset": dataset_id},
        )


SOURCES = {"Built-in": pick_builtin, "Upload": upload_own, "Saved": pick_saved}

frame("Imagery")
address.named("source", "source", SOURCES, next(iter(SOURCES)))
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
    st.header(escaped(found.dataset.name), anchor=False)
    if found.files is None:  # of an upload, all this stands above already
        show_how_it_was_read(found.dataset)
    picture, facts = stacking_columns("scene", [4, 3])
    with facts:
        edited = edit_dataset(found)
        if edited is not None:
            save_and_continue(found, edited)
    shown = edited or found.dataset
    with picture:
        show_scene(Draft(found.key, shown, found.version, found.files))
    show_checks(shown, check_key(found, shown), partial(mend, found), found.files is not None)
with st.expander("Shares, objects, validation and masks explained"):
    st.markdown(EXPLANATION)
