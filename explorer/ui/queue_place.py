"""Where a run stands in the queue, and about how long it waits."""

from __future__ import annotations

import streamlit as st

from explorer.runs.turns import Waiting, seconds_until_start
from explorer.ui import services


def queue_words(run_id: str) -> str:
    """What a run waits for: its place in the order of start and the time until then, or the workers."""
    engine = services.engine()
    place = engine.place(run_id)
    if place is None:
        return "workers are starting" if engine.starting else "about to start"
    training = [_seconds_left(each) for each in place.training]
    seconds = seconds_until_start(training, [_seconds(each) for each in place.ahead], place.free)
    when = "" if seconds is None or place.free else f", starts in about {in_words(seconds)}"
    return f"place {place.number} in the queue{' of short runs' if place.is_short else ''}{when}"


def in_words(seconds: float) -> str:
    """A duration, rounded as far as it matters."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _seconds_left(run_id: str) -> float | None:
    """Of a run that trains; None until it has made some steps."""
    history = services.follower(run_id).history()
    if history.steps_per_second is None:
        return services.store().run(run_id).plan.seconds
    return (history.most_steps - history.last_step) / history.steps_per_second


def _seconds(waiting: Waiting) -> float | None:
    """Of a run that waits: what it was planned for, else its steps at the time that was measured for one."""
    return waiting.seconds if waiting.seconds is not None else _measured_seconds(waiting.run_id)


@st.cache_resource(show_spinner=False, max_entries=256)  # all who wait ask for all who are ahead of them
def _measured_seconds(run_id: str) -> float | None:
    planned = services.store().folder(run_id).planned()
    if planned is None or planned.step_seconds is None:
        return None
    return planned.step_seconds * services.store().run(run_id).plan.steps
