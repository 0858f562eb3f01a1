"""Counts of objects as buttons: a click shows exactly the objects that were counted, in a dialog of any page.

The address names them (``?objects=``, see :class:`explorer.runs.object_sets.ObjectSet`), so that a reload and a link
show the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from explorer.errors import InputError
from explorer.metrics.objects import Outcome
from explorer.metrics.operating_point import OperatingPoint
from explorer.runs.object_sets import ObjectSet, PlacedObject, objects_of
from explorer.runs.records import RunRecord
from explorer.runs.sweep_words import about_sweeps, cut_of
from explorer.ui import address, services
from explorer.ui.file_jobs import all_done
from explorer.ui.identity import may_look_at
from explorer.ui.messages import escaped
from explorer.ui.object_gallery import OBJECT, Source, show_gallery
from explorer.ui.pickers import step_of
from explorer.ui.sweeps import own_thresholds_of, sweep_job

if TYPE_CHECKING:
    import pandas as pd

_OBJECTS = "objects"  # in the address
_NOUNS: Mapping[Outcome, str] = {"found": "found", "missed": "missed", "false": "false alarms"}
_COLUMNS: Mapping[str, Outcome] = {"found": "found", "missed": "missed", "false alarms": "false"}
_ICONS: Mapping[Outcome, str] = {"found": "check_circle", "missed": "search_off", "false": "report"}


def show_count_buttons(counts: Mapping[Outcome, int], objects: ObjectSet, key: str) -> None:
    """Found, missed and false alarms, each a button that shows the objects behind the number.

    Args:
        counts: of objects, by outcome.
        objects: what was counted, with any outcome.
        key: unique on the page.
    """
    with st.container(horizontal=True):
        for outcome, count in counts.items():
            clicked = st.button(
                f"{count:,} {_NOUNS[outcome] if count != 1 else _NOUNS[outcome].removesuffix('s')}",
                icon=f":material/{_ICONS[outcome]}:",
                disabled=not count,
                key=f"{key}-{outcome}",
                help="Shows these objects.",
                on_click=open_objects,
                args=(replace(objects, outcome=outcome),),
            )
            if clicked:
                st.rerun()  # the whole page, whose end draws the dialog, also where the button is in a part of it


def counts_of(point: OperatingPoint) -> dict[Outcome, int]:
    """The objects of a point of an object curve, by outcome."""
    return {"found": point.true_positives, "missed": point.false_negatives, "false": point.false_positives}


def show_counts_table(
    table: pd.DataFrame, objects: Sequence[ObjectSet | None], key: str, column_config: Mapping[str, Any]
) -> None:
    """A table whose counts of objects can be clicked.

    Args:
        table: with the columns "found", "missed" and "false alarms".
        objects: what each row counts, with any outcome; None: no objects, but pixels.
        key: unique on the page.
        column_config: of the other columns.
    """
    turn = f"{key}-turn"  # another widget after each click: the cell can be clicked again
    widget = f"{key}-{st.session_state.setdefault(turn, 0)}"
    if not any(objects):
        st.dataframe(table, hide_index=True, placeholder="n/a", column_config=column_config, key=widget)
        return
    st.dataframe(
        table,
        hide_index=True,
        placeholder="n/a",
        column_config=column_config,
        key=widget,
        selection_mode="single-cell",
        on_select=lambda: _open_cell(objects, widget, turn),
    )
    st.caption("Click a count to see its objects.")


def _open_cell(objects: Sequence[ObjectSet | None], widget: str, turn: str) -> None:
    for row, column in st.session_state[widget].selection.cells:
        counted = objects[row]
        if counted is not None and column in _COLUMNS:
            open_objects(replace(counted, outcome=_COLUMNS[column]))
            st.session_state[turn] += 1


def open_objects(objects: ObjectSet) -> None:
    """Puts objects into the address, from where the page shows them; for a callback."""
    st.query_params[_OBJECTS] = str(objects)
    st.query_params.pop(OBJECT, None)


def show_asked_objects() -> None:
    """The objects that the address names, in a dialog; the last call of a page with counts."""
    text = st.query_params.get(_OBJECTS)
    if not text:
        return
    asked = _known(text)
    if asked is None:
        st.query_params.pop(_OBJECTS, None)
        return
    objects, record = asked
    name = services.dataset(record.dataset_id).classes[objects.class_id]
    st.dialog(f"{_NOUNS[objects.outcome].capitalize()}: {escaped(name)}", width="large", on_dismiss=_close)(_show)(
        objects, record
    )


def _close() -> None:
    for parameter in (_OBJECTS, OBJECT):
        st.query_params.pop(parameter, None)


def _known(text: str) -> tuple[ObjectSet, RunRecord] | None:
    """What the address names, if there is such a run and the visitor may look at it; else the page says so."""
    try:
        objects = ObjectSet.parse(text)
        record = services.store().run(objects.run)
        is_known = record.deleted is None and may_look_at(record)
        classes = len(services.store().dataset_record(record.dataset_id).classes) if is_known else 0
        if not objects.class_id < classes or _checkpoint(objects) is None:
            raise InputError("there are no such objects", text, "open them from a count on a page")
    except InputError:
        address.say_unknown([text], "object", "open them from a count on a page")
        return None
    return objects, record


def _checkpoint(objects: ObjectSet) -> str | None:
    """The name of the checkpoint, if there still is one of this step."""
    files = services.store().folder(objects.run).checkpoint_files()
    return next((file.name for file in files if step_of(file.name) == objects.step), None)


def _show(objects: ObjectSet, record: RunRecord) -> None:
    checkpoint = _checkpoint(objects)
    if checkpoint is None:
        st.caption("The checkpoint is gone.")
        return
    job = sweep_job(record, checkpoint, objects.rule, objects.split)
    done = all_done([job])
    cut = cut_of(own_thresholds_of(record, checkpoint), objects.class_id, objects.split)
    st.caption(
        f"{escaped(record.name)} on {escaped(record.dataset_name)}, checkpoint at step {objects.step}, threshold "
        f"{objects.threshold:g}. Match rule: {objects.rule.words}, objects from {objects.minimum_area} pixels on."
        + (f" {about_sweeps({record.name: cut}, len(services.dataset(record.dataset_id).classes))}" if done else "")
    )
    if not done:
        return
    source = Source(record.name, job.file, job.file.stat().st_mtime_ns, objects.threshold)
    every = placed_objects((source,), record.dataset_id, objects.class_id, objects.minimum_area)
    chosen = [each for each in every if each.object.outcomes == (objects.outcome,)]
    if not chosen:
        st.info("There are none.", icon=":material/check:")
        return
    show_gallery(chosen, [source], record.dataset_id, objects.class_id, f"asked-{objects}")
    st.page_link(
        "pages/compare.py",
        label="Compare this run with others, object by object",
        icon=":material/compare:",
        query_params={"runs": record.id, "show": "Objects"},
    )


@st.cache_resource(show_spinner="Matching objects …", max_entries=32)
def placed_objects(
    sources: tuple[Source, ...], dataset_id: str, class_id: int, minimum_area: int
) -> tuple[PlacedObject, ...]:
    """The objects of all validation scenes as these predictions have them, matched once for all sessions.

    Args:
        sources: sweeps under one match rule.
        dataset_id: whose validation scenes they are of.
        class_id: 1 or more.
        minimum_area: in pixels.
    """
    sweeps = [(services.threshold_sweep(each.file, each.written), each.threshold) for each in sources]
    dataset = services.dataset(dataset_id)
    with services.alone_if_large(dataset):
        return objects_of(sweeps, dataset.validation, class_id, minimum_area)
