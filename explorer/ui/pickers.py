"""Which run and which checkpoint a page shows: one label and one picker for all pages, kept in the address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from explorer.runs.records import RunRecord
from explorer.ui import address, services
from explorer.ui.finished_runs import have_finished_runs, say_what_is_finished
from explorer.ui.identity import listed_runs, may_look_at, visitor
from explorer.ui.messages import escaped
from explorer.ui.sharing import mark
from explorer.ui.unique_labels import position_labels, unique_labels

MOST_RUNS = 6
"""That can be compared at once."""

_RUN, _RUNS = "run", "runs"  # in the address
_NEW = ""  # the choice of a run that is not planned yet; Streamlit reads None as "nothing chosen"


def run_labels(records: Iterable[RunRecord]) -> dict[str, str]:
    """Runs as they read in a list or a legend, by id; no two have the same label. Those of others have their names."""
    names, me = services.store().visitors.names(), visitor()
    return unique_labels(
        {
            record.id: f"{record.name} on {record.dataset_name} · comes with the app"
            if record.example
            else f"{record.name} on {record.dataset_name}, {record.created:%d %b %H:%M} UTC · {record.id[:6]}"
            + mark(record, me, names)
            for record in records
        }
    )


def offered_runs() -> list[RunRecord]:
    """The runs that a visitor can look at: those that are listed, newest first, then those that the address names.

    A link shows a run to whoever has it.
    """
    asked = {st.query_params.get(_RUN, ""), *st.query_params.get(_RUNS, "").split(",")}
    have_finished_runs(asked)
    listed = listed_runs()
    wanted = asked - {record.id for record in listed} - {""}
    if not wanted:
        return listed
    named = (record for record in services.store().runs() if record.id in wanted)
    return [*listed, *(record for record in named if may_look_at(record))]


def runs_with_checkpoints() -> list[RunRecord]:
    """Those of :func:`offered_runs` that have a checkpoint."""
    return [record for record in offered_runs() if services.store().folder(record.id).checkpoint_files()]


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
        _offer_training()
        return None
    labels = {_NEW: "New run"} | run_labels(records)
    wanted = st.query_params.get(_RUN, options[0])
    if wanted not in options:
        _say_not_offered([wanted], labels[options[0]])
        wanted = options[0]
    open_run(wanted)
    if wanted:
        services.store().belongings.look_at("run", wanted)
    address.select("Run", options, wanted, labels.__getitem__, open_run)
    if wanted:
        say_what_is_finished(runs[wanted])
    return runs.get(wanted)


def pick_runs(records: Sequence[RunRecord], label: str) -> list[RunRecord]:
    """Runs to compare, on any datasets, in the order of choice. They are kept in the address (``?runs=``).

    At first: the latest run, with those that were started to be compared with it.

    Args:
        records: to choose from, the latest first. If there are none, the page says how to start one.
        label: of the widget.
    """
    runs = {record.id: record for record in records}
    if not runs:
        _offer_training()
        return []
    asked = st.query_params.get(_RUNS, "").split(",")
    wanted = list(dict.fromkeys(run_id for run_id in asked if run_id in runs))
    _say_not_offered([run_id for run_id in asked if run_id not in runs], "another one")
    if len(wanted) > MOST_RUNS:
        st.caption(f"The address names {len(wanted)} runs; the first {MOST_RUNS} are compared.")
    if not wanted:
        latest = next(iter(runs.values()))
        wanted = [each.id for each in runs.values() if each is latest or (each.group and each.group == latest.group)]
        if not latest.example:  # those that come with the app are listed in the order in which they are compared
            wanted.sort(key=lambda run_id: runs[run_id].created)
    chosen = _multiselect_of_address(label, wanted[:MOST_RUNS], list(runs), run_labels(runs.values()))
    st.query_params[_RUNS] = ",".join(chosen)
    for run_id in chosen:
        services.store().belongings.look_at("run", run_id)
    if chosen:
        say_what_is_finished(runs[chosen[0]])
    return [runs[run_id] for run_id in chosen]


def on_first_dataset(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Those of the runs that are on the dataset of the first one; the page says if others are left out."""
    alike = [record for record in records if record.dataset_id == records[0].dataset_id]
    if len(alike) < len(records):
        st.warning("Runs on other datasets are left out: their scores do not compare.", icon=":material/info:")
    return alike


def _multiselect_of_address(label: str, wanted: list[str], options: list[str], labels: Mapping[str, str]) -> list[str]:
    """A multiselect of runs; where the address has changed otherwise, a new widget takes the place of the old one."""
    turn, (before, shown) = st.session_state.setdefault("runs-turn", 0), st.session_state.get("runs-shown", ([], []))
    if wanted not in (before, shown):
        turn = st.session_state["runs-turn"] = turn + 1
    chosen = st.multiselect(
        label,
        options,
        wanted,
        labels.__getitem__,
        max_selections=MOST_RUNS,
        key=f"runs-chosen-{turn}",
    )
    st.session_state["runs-shown"] = shown, chosen
    return chosen


def _say_not_offered(run_ids: Iterable[str], instead: str) -> None:
    """Says which runs exist and cannot be shown here; the frame names those that do not exist."""
    known = {record.id: record for record in services.store().runs()}
    there = [known[run_id] for run_id in dict.fromkeys(run_ids) if run_id in known]
    hidden = [record.id for record in there if not may_look_at(record)]
    if hidden:
        address.say_unknown(hidden, "run that you may look at", "its dataset is no longer shared")
    for label in run_labels(record for record in there if record.id not in hidden).values():
        st.info(
            f"{escaped(label)} has no checkpoint yet; {escaped(instead)} is shown instead.",
            icon=":material/hourglass_empty:",
        )


def _offer_training() -> None:
    st.info("No run has a checkpoint yet. Start one: it has its first within seconds.", icon=":material/info:")
    st.page_link("pages/train.py", label="Go to Train", icon=":material/arrow_forward:")


def open_run(run_id: str | None) -> None:
    """Puts a run into the address, from where ``pick_run`` takes it; None or "" takes it out."""
    if run_id:
        st.query_params[_RUN] = run_id
    else:
        st.query_params.pop(_RUN, None)


def pick_checkpoint(record: RunRecord) -> Path:
    """A slider over the run's checkpoints by their step, the last one at first; the address names its step.

    Args:
        record: a run that has a checkpoint.
    """
    files = {step_of(file.name): file for file in services.store().folder(record.id).checkpoint_files()}
    steps = list(files)
    address.named("checkpoint", "checkpoint at step", [str(step) for step in steps], f"the one at step {steps[-1]}")
    if len(steps) == 1:
        st.caption(f"One checkpoint, after step {steps[0]}.")
        return files[steps[0]]
    step = st.select_slider("Checkpoint (step)", steps, steps[-1], key="checkpoint", bind="query-params")
    return files[step]


def pick_class(names: Sequence[str], first: int, *, background: bool = False) -> int:
    """A selectbox of classes, kept in the address (``?class=``).

    Args:
        names: of all classes, background first.
        first: id of the class that is shown until the visitor chooses.
        background: whether the background can be chosen.
    """
    labels = position_labels(names)
    ids = range(0 if background else 1, len(names))
    address.named("class", "class", [labels[each] for each in ids], labels[first])
    return st.selectbox("Class", ids, ids.index(first), labels.__getitem__, key="class", bind="query-params")


def step_of(checkpoint: str) -> int:
    """The step after which a checkpoint was written, from its file's name."""
    return int(checkpoint.removeprefix("step_").partition(".")[0])
