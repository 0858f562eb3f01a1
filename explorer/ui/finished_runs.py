"""The finished runs that come with the app, on the pages: there before anybody has trained."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from explorer.imagery.builtin import BUILTIN
from explorer.runs.finished_runs import BUILTINS, FINISHED_RUNS, WHAT_THEY_TRAINED, add_finished_runs
from explorer.runs.records import RunRecord
from explorer.ui import services
from explorer.ui.datasets import resolve


def have_finished_runs(run_ids: Iterable[str] = ()) -> None:
    """Adds to the store what a page needs of the finished runs, unless it is there: those on the first built-in
    dataset, and those on the datasets of the runs that it names. The server adds the others soon after it starts.

    Args:
        run_ids: of any runs.
    """
    named = [FINISHED_RUNS[run_id].builtin for run_id in run_ids if run_id in FINISHED_RUNS]
    for builtin in dict.fromkeys((BUILTINS[0], *named)):
        _added(builtin)


def have_all_finished_runs() -> None:
    """Adds all of them; takes seconds, in which the built-in datasets are drawn."""
    for builtin in BUILTINS:
        _added(builtin)


@st.cache_resource(show_spinner="Opening the finished runs …")
def _added(builtin: str) -> None:
    add_finished_runs(services.store(), builtin, resolve(f"builtin:{builtin}"))


def say_what_is_finished(record: RunRecord) -> None:
    """For a run that comes with the app: what it is, in a line."""
    finished = FINISHED_RUNS.get(record.id) if record.example else None
    if finished is not None:
        st.caption(
            f":material/inventory_2: A finished run that comes with the app, on the built-in scenes "
            f"{BUILTIN[finished.builtin].name}: {WHAT_THEY_TRAINED[finished.training]}. You can look at all of it; "
            "train your own to change anything."
        )
