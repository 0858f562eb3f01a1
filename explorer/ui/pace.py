"""Slow motion: how many steps a second a run makes at most."""

from __future__ import annotations

import streamlit as st

from explorer.errors import InputError
from explorer.runs.records import RunRecord
from explorer.training.commands import Pace
from explorer.ui import services
from explorer.ui.identity import may_change, require_change
from explorer.ui.messages import show_problem

FULL = "full"
PACES: dict[str, float | None] = {"1": 1.0, "2": 2.0, "5": 5.0, "10": 10.0, "20": 20.0, FULL: None}
"""Steps per second as the slider offers them."""
_REFUSED = "pace-refused"  # in the session


def pick_pace(record: RunRecord) -> None:
    """A slider that slows a run down so that one can watch its steps; time that it waits is no training time.

    Args:
        record: of a run; nothing is drawn for one that has ended, or that the visitor may not change.
    """
    if not (record.status.active or record.status.resumable) or not may_change(record):
        return
    ordered = [each for each in services.store().folder(record.id).pending().values() if isinstance(each, Pace)]
    pace = ordered[-1].steps_per_second if ordered else None
    key = f"pace-{record.id}"
    if key not in st.session_state:
        st.session_state[key] = next((name for name, value in PACES.items() if value == pace), FULL)
    st.select_slider(
        "Steps per second, at most",
        list(PACES),
        key=key,
        on_change=_take,
        args=(record.id, key),
        help="Slow motion, to watch single steps. The pauses between them are no training time. With Pause, +1 makes "
        "one step.",
    )
    problem = st.session_state.pop(_REFUSED, None)
    if problem is not None:
        show_problem(problem)


def _take(run_id: str, key: str) -> None:
    try:
        require_change(services.store().run(run_id))
        services.engine().pace(run_id, PACES[st.session_state[key]])
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = problem
