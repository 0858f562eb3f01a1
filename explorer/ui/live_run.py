"""A run while it trains: buttons, progress, curves, the latest prediction; and its downloads."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from explorer.errors import InputError
from explorer.figures.colours import class_colours
from explorer.figures.imagery import scene_picture
from explorer.figures.outcome import label_picture, outcome_picture, window
from explorer.figures.training import (
    other_losses_figure,
    rates_figure,
    schedule_figure,
    scores_figure,
    trained_loss_figure,
)
from explorer.runs.history import History
from explorer.runs.records import RunRecord, RunStatus
from explorer.runs.timeline import replayed
from explorer.training.events import Preview
from explorer.ui import services
from explorer.ui.frame import stacking_columns
from explorer.ui.live_figure import live_figure
from explorer.ui.messages import escaped, show_problem
from explorer.ui.nothing_found import classes_not_found, show_nothing_found
from explorer.ui.run_result import read_summary, show_result
from explorer.ui.scene_outcome import show_outcome_legend

POLL_SECONDS = 1.0
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
_PICTURE_SIDE = 512  # pixels
_REFUSED = "refused"  # in the session: the run whose button was clicked last, and why nothing came of it


def show_run(drawn: RunRecord, phases: int, class_id: int) -> None:
    """The run, redrawn as long as it is active; the whole page once what stands beside the run depends on changes.

    Args:
        drawn: the run as the rest of the page shows it.
        phases: how many phases it had begun then.
        class_id: the class whose recall and precision are drawn.
    """
    st.fragment(_show, run_every=POLL_SECONDS if drawn.status.active else None)(drawn, phases, class_id)


def _show(drawn: RunRecord, phases: int, class_id: int) -> None:
    run_id = drawn.id
    record = services.store().run(run_id)
    history = services.follower(run_id).history()
    if _course(record, len(history.spans)) != _course(drawn, phases):
        st.rerun()  # polling begins or ends, or the controls that steer are those of another phase
    _transport(record)
    summary = read_summary(record)
    not_found = classes_not_found(history, summary)
    _state(record, history, summary, not_found)
    show_nothing_found(record, history, not_found)
    if summary is not None:
        show_result(record, summary, class_id)
    steps = history.most_steps
    live_figure(schedule_figure(record.plan, history), f"schedule-{run_id}", height=150)
    if not history.last_step:
        st.info(_why_no_steps(record), icon=":material/hourglass_empty:")
        return
    left, right = stacking_columns("scores", 2)
    with left:
        st.markdown("**Training loss**")
        live_figure(trained_loss_figure(history, steps), f"trained-{run_id}", height=260)
        st.caption("Bands are phases, in the colour of their loss. The line breaks where the loss changes: values of "
                   "different losses are not comparable.")  # fmt: skip
    with right:
        name = services.dataset(record.dataset_id).classes[class_id]
        st.markdown(f"**Recall and precision of {escaped(name)}**")
        live_figure(scores_figure(history, class_id, name, steps), f"scores-{run_id}-{class_id}", height=260)
        if history.validations and not history.labels(class_id):
            st.caption(f"n/a: the parts of the validation scenes that are looked at hold no {escaped(name)}.")
        st.caption("On the validation scenes, which are never trained on. Recall: the share of the label that was "
                   "found. Precision: the share of the prediction that is right.")  # fmt: skip
    _prediction(record, history)
    st.markdown("**All losses on the training batches**")
    live_figure(other_losses_figure(history, steps), f"others-{run_id}", height=430)
    st.caption(
        "Each loss has its own axis. Lovász and the object losses are slow to compute and logged every 20 steps."
    )
    st.markdown("**Gradient norm and learning rate**")
    live_figure(rates_figure(history, steps), f"rates-{run_id}", height=260)
    _notes(history)


def _course(record: RunRecord, phases: int) -> tuple[bool, bool, int]:
    """What decides whether the page polls, and which controls steer the run."""
    return record.status.active, record.status.resumable, phases


def _transport(record: RunRecord) -> None:
    """Play, pause, step and stop; each takes effect at the next step."""
    status, run_id = record.status, record.id
    columns = st.columns([4, 4, 3, 3, 3])
    buttons = (
        ("Resume" if record.step else "Play", "play_arrow", status.resumable, "play"),
        ("Pause", "pause", status.active, "pause"),
        ("+1", "skip_next", status.resumable, "one"),
        ("+10", "fast_forward", status.resumable, "ten"),
        ("Stop", "stop", status.active or status.resumable, "stop"),
    )
    for column, (label, icon, usable, action) in zip(columns, buttons, strict=True):
        column.button(
            label,
            icon=f":material/{icon}:",
            disabled=not usable,
            key=f"{action}-{run_id}",
            width="stretch",
            on_click=_act,
            args=(action, run_id),
        )
    refused, problem = st.session_state.get(_REFUSED, ("", None))
    if problem is not None and refused == run_id:
        show_problem(problem)


def _act(action: str, run_id: str) -> None:
    """A click on a button. As a callback: a run of the page that begins again before its buttons loses no click."""
    st.session_state.pop(_REFUSED, None)
    try:
        engine = services.engine()
        match action:
            case "play":
                engine.submit(run_id)
            case "pause":
                engine.pause(run_id)
            case "one":
                engine.step(run_id, 1)
            case "ten":
                engine.step(run_id, 10)
            case "stop":
                engine.stop(run_id)
    except InputError as problem:
        st.session_state[_REFUSED] = (run_id, problem)


def _state(record: RunRecord, history: History, summary: dict[str, Any] | None, not_found: dict[int, str]) -> None:
    """One line: status, step, speed and time left."""
    steps = history.most_steps
    parts = [_badge(record, summary, not_found), f"step **{history.last_step}** of at most {steps}"]
    if record.status is RunStatus.QUEUED:
        position = services.engine().position(record.id)
        waits = "workers are starting" if services.engine().starting else "about to start"
        parts.append(f"place **{position}** in the queue" if position else waits)
    speed = history.steps_per_second
    if speed is not None:
        parts.append(f"{speed:.3g} steps/s")
        if record.status.active:
            parts.append(f"{_duration((steps - history.last_step) / speed)} left")
    if history.device:
        parts.append(history.device)
    st.progress(min(1.0, history.last_step / steps), text=" · ".join(parts))
    done = record.status is RunStatus.DONE
    if record.message and not (done and not_found):  # said below
        only_at_half = done and summary is not None
        later = ", at ½. At the run's own threshold they are found: see below." if only_at_half else ""
        st.warning(escaped(record.message) + later, icon=":material/info:")
    if services.engine().problem is not None:
        st.warning(
            f"New events cannot be stored: {escaped(services.engine().problem or '')}. Nothing is lost: the run keeps "
            "its own log, and the server tries again every second.",
            icon=":material/warning:",
        )


def _badge(record: RunRecord, summary: dict[str, Any] | None, not_found: dict[int, str]) -> str:
    """The status; a run that ended without finding a class says so in the same place."""
    if record.status is RunStatus.DONE and (not_found or (record.message and summary is None)):
        all_classes = len(not_found) == len(services.dataset(record.dataset_id).classes) - 1
        in_words = f"done, but {'nothing' if all_classes else 'not every class'} was found"
        return f":red-badge[{escaped(in_words if not_found else record.message.partition(':')[0])}]"
    return f":{_COLOURS[record.status]}-badge[{record.status}]"


def _why_no_steps(record: RunRecord) -> str:
    if not record.status.active:
        return "Not started yet. Press Play."
    if record.status is not RunStatus.QUEUED:
        return "Waiting for the first steps."
    if services.engine().position(record.id) is not None:
        return "Waiting for a slot: other runs are training."
    if services.engine().starting:
        return "The workers are starting; the run begins as soon as one is ready."
    return "About to start."


def _prediction(record: RunRecord, history: History) -> None:
    if not history.previews:
        return
    preview = history.previews[-1]
    left, right = st.columns(2)
    found, label = _pictures(record.id, record.dataset_id, preview)
    with left:
        st.markdown(f"**Prediction at step {preview.step}**")
        st.image(found, width="stretch", alt="prediction: hits, misses and false alarms")
        show_outcome_legend(wrong_class=len(services.dataset(record.dataset_id).classes) > 2)
    with right:
        st.markdown("**Label**")
        st.image(label, width="stretch", alt="label over the image")
        st.caption(f"A crop of the validation scene {escaped(preview.scene)}.")


@st.cache_data(show_spinner=False, max_entries=256)
def _pictures(run_id: str, dataset_id: str, preview: Preview) -> tuple[bytes, bytes]:
    """The crop with the outcome of each pixel, and with its label; as PNG, made once for all sessions."""
    dataset = services.dataset(dataset_id)
    scene = next(scene for scene in dataset.validation if scene.name == preview.scene)
    with Image.open(services.store().folder(run_id).previews / preview.file) as png:
        prediction = np.asarray(png)
    crop = window(scene, preview.top, preview.left, prediction.shape[:2])
    plain = scene_picture(crop, dataset.stretch, longest=_PICTURE_SIDE)
    found = outcome_picture(plain, prediction, crop.label)
    return _png(found), _png(label_picture(crop, dataset.stretch, _PICTURE_SIDE, class_colours(dataset)))


def _png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def _notes(history: History) -> None:
    if history.notes:
        with st.expander(f"Run log ({len(history.notes)})"):
            for step, text in history.notes[-50:]:
                st.markdown(f"step {step}: {escaped(text)}")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def downloads(record: RunRecord) -> None:
    """Download buttons for the files of a run, which are read on a click."""
    folder = services.store().folder(record.id)
    with st.expander("Download"):
        _download("Plan", lambda: _repeatable(record), f"{record.id}-plan.json", "application/json")
        for label, file, kind in (
            ("Metrics", folder.metrics_file, "text/csv"),
            ("Summary", folder.summary_file, "application/json"),
            ("Events", folder.events_file, "application/jsonl"),
            *(("Last checkpoint", file, "application/octet-stream") for file in folder.checkpoint_files()[-1:]),
        ):
            if file.exists():
                _download(label, file.read_bytes, f"{record.id}-{file.name}", kind)
        st.caption(
            "The plan includes the changes made by hand; training it repeats the run. On the command line: "
            "`python -m explorer train --plan FILE`."
        )


def _repeatable(record: RunRecord) -> bytes:
    plan = replayed(record.plan, services.store().folder(record.id).events())
    return plan.model_dump_json(indent=1).encode()


def _download(label: str, content: Callable[[], bytes], name: str, kind: str) -> None:
    st.download_button(
        label,
        content,
        name,
        kind,
        key=f"download-{name}",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )
