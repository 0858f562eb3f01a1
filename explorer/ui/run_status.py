"""The status of a run in one line: what it is doing, how far it is, and how long it still takes. No torch.

The browser draws it, and follows it while the run is active, see :mod:`explorer.ui.live_feed`. It is also the part that
has the page drawn again where only the page can draw what has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from explorer.runs.history import History
from explorer.runs.records import RunRecord, RunStatus
from explorer.ui import services
from explorer.ui.browser_script import script
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
_HTML = """
<div class="live-status" data-testid="run-status">
  <p><span class="badge"></span><span class="words"></span></p>
  <div class="bar" role="progressbar" aria-label="steps" aria-valuemin="0" aria-valuemax="100"><div></div></div>
</div>
"""
_CSS = """
.live-status p { margin: 0 0 0.5rem; color: var(--st-text-color); font-size: 0.875rem; }
.live-status .badge { padding: 0.1rem 0.4rem; margin-right: 0.5rem; border-radius: 0.25rem; }
.live-status .bar { height: 0.5rem; border-radius: 0.25rem; background: var(--st-secondary-background-color); }
.live-status .bar div { height: 100%; border-radius: inherit; background: var(--st-primary-color); }
"""


@dataclass(frozen=True)
class Status:
    """What the line says."""

    badge: str
    colour: str  # of Streamlit's names
    words: str
    share: float  # of the steps, 0 to 1


def status_of(
    record: RunRecord,
    history: History,
    summary: dict[str, Any] | None = None,
    not_found: Mapping[int, str] | None = None,
) -> Status:
    """Status, step, speed and time left.

    Args:
        record: of the run.
        history: of the run.
        summary: of a run that has ended, see :func:`explorer.ui.run_result.read_summary`.
        not_found: see :func:`explorer.ui.nothing_found.classes_not_found`.
    """
    steps = history.most_steps
    parts = [f"step {history.last_step} of at most {steps}"]
    if record.status is RunStatus.QUEUED:
        parts.append(queue_words(record.id))
    speed = history.steps_per_second
    if speed is not None:
        parts.append(f"{speed:.3g} steps/s")
        if record.status.active:
            parts.append(f"{in_words((steps - history.last_step) / speed)} left")
    if history.device:
        parts.append(history.device)
    return Status(*_badge(record, summary, not_found or {}), " · ".join(parts), min(1.0, history.last_step / steps))


def show_status(status: Status, key: str, url: str | None, page: str) -> None:
    """Draws the line over a bar, or updates the one with this key.

    Args:
        status: by now.
        key: unique on the page.
        url: where the run can be followed; None: nothing more will come.
        page: what is drawn beside it, see :meth:`explorer.ui.live_feed.LiveFeed.structure`.
    """
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component(
        "live_status", html=_HTML, css=_CSS, js=script("live_feed.js", "live_status.js"), isolate_styles=False
    )
    component(key=key, data={"status": asdict(status), "url": url, "page": page}, on_outdated_change=_drawn_again)


def _drawn_again() -> None:
    """The part of the page that holds the line runs again, which is all that is wanted."""


def _badge(record: RunRecord, summary: dict[str, Any] | None, not_found: Mapping[int, str]) -> tuple[str, str]:
    """The status and its colour; a run that ended without finding a class says so in the same place."""
    if record.status is RunStatus.DONE and (not_found or (record.message and summary is None)):
        all_classes = len(not_found) == len(services.dataset(record.dataset_id).classes) - 1
        but = f"done, but {'nothing' if all_classes else 'not every class'} was found"
        return but if not_found else record.message.partition(":")[0], "red"
    return str(record.status), _COLOURS[record.status]
