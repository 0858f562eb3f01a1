"""The status of a run in one line: what it is doing, how far it is, and how long it still takes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.runs.history import History
from explorer.runs.records import RunRecord, RunStatus
from explorer.ui import services
from explorer.ui.messages import escaped
from explorer.ui.queue_place import in_words, queue_words

_COLOURS = {
    RunStatus.QUEUED: "gray",
    RunStatus.RUNNING: "blue",
    RunStatus.PAUSED: "yellow",
    RunStatus.INTERRUPTED: "orange",
    RunStatus.DONE: "green",
    RunStatus.STOPPED: "gray",
    RunStatus.DIVERGED: "red",
    RunStatus.FAILED: "red",
}


def show_status(record: RunRecord, history: History, summary: dict[str, Any] | None, not_found: dict[int, str]) -> None:
    """Status, step, speed and time left, over a bar.

    Args:
        record: of the run.
        history: of the run.
        summary: of a run that has ended, see :func:`explorer.ui.run_result.read_summary`.
        not_found: see :func:`explorer.ui.nothing_found.classes_not_found`.
    """
    steps = history.most_steps
    parts = [_badge(record, summary, not_found), f"step **{history.last_step}** of at most {steps}"]
    if record.status is RunStatus.QUEUED:
        parts.append(queue_words(record.id))
    speed = history.steps_per_second
    if speed is not None:
        parts.append(f"{speed:.3g} steps/s")
        if record.status.active:
            parts.append(f"{in_words((steps - history.last_step) / speed)} left")
    if history.device:
        parts.append(history.device)
    st.progress(min(1.0, history.last_step / steps), text=" · ".join(parts))


def _badge(record: RunRecord, summary: dict[str, Any] | None, not_found: dict[int, str]) -> str:
    """The status; a run that ended without finding a class says so in the same place."""
    if record.status is RunStatus.DONE and (not_found or (record.message and summary is None)):
        all_classes = len(not_found) == len(services.dataset(record.dataset_id).classes) - 1
        in_words = f"done, but {'nothing' if all_classes else 'not every class'} was found"
        return f":red-badge[{escaped(in_words if not_found else record.message.partition(':')[0])}]"
    return f":{_COLOURS[record.status]}-badge[{record.status}]"
