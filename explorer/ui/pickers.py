"""Which run and which checkpoint a page shows: one label and one picker for all pages, kept in the address."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.runs.records import RunRecord
from explorer.ui import services
from explorer.ui.messages import escaped

_RUN = "run"  # in the address
_CHOICE = "run-choice"  # the widget
_NEW = ""  # the choice of a run that is not planned yet; Streamlit reads None as "nothing chosen"


def run_label(record: RunRecord) -> str:
    """A run in a list or a legend; no two runs have the same label."""
    return f"{record.name} on {record.dataset_name}, {record.created:%d %b %H:%M} UTC · {record.id[:6]}"


def runs_with_checkpoints() -> list[RunRecord]:
    """The runs that have a checkpoint, newest first."""
    store = services.store()
    return [record for record in store.runs() if store.folder(record.id).checkpoint_files()]


def pick_run(records: Sequence[RunRecord], allow_new: bool = False) -> RunRecord | None:
    """A selectbox of runs. The address (``?run=``) decides what is shown; a choice changes the address.

    Args:
        records: to choose from, the default first. If there are none, the page says how to start one.
        allow_new: offers *New run*, too, and begins with it.

    Returns:
        The run; None if there is none or a new one was chosen.
    """
    runs = {record.id: record for record in records}
    options = [*([_NEW] if allow_new else []), *runs]
    if not options:
        st.info("No run has a checkpoint yet. Start one: it has its first within seconds.", icon=":material/info:")
        st.page_link("pages/train.py", label="Go to Train", icon=":material/arrow_forward:")
        return None
    wanted = st.query_params.get(_RUN, options[0])
    if wanted not in options:
        st.caption(f"There is no run {escaped(wanted)} here.")
        wanted = options[0]
    open_run(wanted or None)
    st.session_state[_CHOICE] = wanted
    st.selectbox(
        "Run",
        options,
        format_func=lambda run_id: "New run" if run_id == _NEW else run_label(runs[run_id]),
        key=_CHOICE,
        on_change=_open_choice,
    )
    return runs.get(wanted)


def open_run(run_id: str | None) -> None:
    """Puts a run into the address, from where ``pick_run`` takes it; None takes it out."""
    if run_id is None:
        st.query_params.pop(_RUN, None)
    else:
        st.query_params[_RUN] = run_id


def pick_checkpoint(record: RunRecord) -> Path:
    """A slider over the run's checkpoints by their step, the last one at first; the address names its step.

    Args:
        record: a run that has a checkpoint.
    """
    files = {step_of(file.name): file for file in services.store().folder(record.id).checkpoint_files()}
    steps = list(files)
    if len(steps) == 1:
        st.caption(f"One checkpoint, after step {steps[0]}.")
        return files[steps[0]]
    step = st.select_slider("Checkpoint (step)", steps, steps[-1], key="checkpoint", bind="query-params")
    return files[step]


def step_of(checkpoint: str) -> int:
    """The step after which a checkpoint was written, from its file's name."""
    return int(checkpoint.removeprefix("step_").partition(".")[0])


def _open_choice() -> None:
    open_run(st.session_state[_CHOICE] or None)
