"""A run while it trains: buttons, progress, curves, the latest prediction; and its downloads."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.errors import InputError
from explorer.figures import live
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
from explorer.ui import services
from explorer.ui.frame import shown_alone, stacking_columns
from explorer.ui.identity import may_change, require_change
from explorer.ui.live_feed import feed, live_address, prediction_address
from explorer.ui.live_figure import EncodedFigure, Followed, live_figure, shared_figure
from explorer.ui.live_prediction import live_prediction
from explorer.ui.locks import is_locked, require_unlocked, say_locked
from explorer.ui.messages import escaped, show_problem
from explorer.ui.nothing_found import classes_not_found, show_nothing_found
from explorer.ui.preview_pictures import preview_label_picture
from explorer.ui.report_download import offer_report
from explorer.ui.run_result import read_summary, show_result
from explorer.ui.run_status import show_status, status_of
from explorer.ui.scene_outcome import show_outcome_legend

_REFUSED = "refused"  # in the session: the run whose button was clicked last, and why nothing came of it


def show_run(drawn: RunRecord, phases: int, class_id: int) -> None:
    """The run, followed as long as it is active; the whole page once what stands beside the run depends on changes.

    Args:
        drawn: the run as the rest of the page shows it.
        phases: how many phases it had begun then.
        class_id: the class whose recall and precision are drawn.
    """
    st.fragment(_show)(drawn, phases, class_id)


def _show(drawn: RunRecord, phases: int, class_id: int) -> None:
    run_id = drawn.id
    if not _is_present(run_id):
        st.rerun()  # the page then says so
    record = services.store().run(run_id)
    history = services.follower(run_id).history()
    if _course(record, len(history.spans)) != _course(drawn, phases):
        st.rerun()  # following begins or ends, or the controls that steer are those of another phase
    _transport(record)
    summary = read_summary(record)
    not_found = classes_not_found(history, summary)
    follow = live_address(run_id) if record.status.active else None
    page = feed(run_id).structure() if follow else ""
    show_status(status_of(record, history, summary, not_found), f"status-{run_id}", follow, page)
    _messages(record, summary is not None, not_found)
    show_nothing_found(record, history, not_found)
    if summary is not None:
        show_result(record, summary, class_id)

    def draw(name: str, height: int) -> None:
        live_figure(
            _figure(name, record, history, class_id),
            f"{name}-{run_id}-{class_id}",
            height=height,
            follow=Followed(follow, name) if follow else None,
        )

    draw(live.SCHEDULE, 165)
    if not history.last_step:
        st.info(_why_no_steps(record), icon=":material/hourglass_empty:")
        return
    with shown_alone():
        left, right = stacking_columns("scores", 2)
    with left:
        st.markdown("**Training loss**")
        draw(live.TRAINED, 260)
        st.caption("Bands are phases, in the colour of their loss. The line breaks where the loss changes: values of "
                   "different losses are not comparable.")  # fmt: skip
    with right:
        name = services.dataset(record.dataset_id).classes[class_id]
        st.markdown(f"**Recall and precision of {escaped(name)}**")
        draw(live.SCORES, 260)
        if history.validations and not history.labels(class_id):
            st.caption(f"n/a: the parts of the validation scenes that are looked at hold no {escaped(name)}.")
        st.caption("On the validation scenes, which are never trained on. Recall: the share of the label that was "
                   "found. Precision: the share of the prediction that is right.")  # fmt: skip
    _prediction(record, history, follow)
    st.markdown("**All losses on the training batches**")
    draw(live.OTHERS, 520)
    st.caption(
        "Each loss has its own axis. Lovász and the object losses are slow to compute and logged every 20 steps."
    )
    st.markdown("**Gradient norm and learning rate**")
    draw(live.RATES, 260)
    _notes(history)


def _is_present(run_id: str) -> bool:
    """The run has not been deleted, in another tab for example."""
    try:
        return services.store().run(run_id).deleted is None
    except InputError:
        return False


def _figure(name: str, record: RunRecord, history: History, class_id: int) -> EncodedFigure:
    steps = history.most_steps
    match name:
        case live.SCHEDULE:
            return shared_figure(schedule_figure, record.plan, history)
        case live.SCORES:
            of_class = services.dataset(record.dataset_id).classes[class_id]
            return shared_figure(scores_figure, history, class_id, of_class, steps)
        case live.TRAINED:
            return shared_figure(trained_loss_figure, history, steps)
        case live.OTHERS:
            return shared_figure(other_losses_figure, history, steps)
    return shared_figure(rates_figure, history, steps)


def _course(record: RunRecord, phases: int) -> tuple[bool, bool, int]:
    """What decides whether the page follows the run, and which controls steer it."""
    return record.status.active, record.status.resumable, phases


def _transport(record: RunRecord) -> None:
    """Play, pause, step and stop; each takes effect at the next step."""
    status, run_id, may = record.status, record.id, may_change(record)
    starts = not is_locked("start")
    with st.container(key="row-transport"):
        columns = st.columns([4, 4, 3, 3, 3])
    buttons = (
        ("Resume" if record.step else "Play", "play_arrow", status.resumable and starts, "play", f"play-{run_id}"),
        ("Pause", "pause", status.active, "pause", f"pause-{run_id}"),
        ("+1", "skip_next", status.resumable and starts, "one", f"one-{run_id}"),
        ("+10", "fast_forward", status.resumable and starts, "ten", f"ten-{run_id}"),
        ("Stop", "stop", status.active or status.resumable, "stop", f"stop-{run_id}"),
    )
    for column, (label, icon, usable, action, key) in zip(columns, buttons, strict=True):
        column.button(
            label,
            icon=f":material/{icon}:",
            disabled=not (usable and may),
            key=key,
            width="stretch",
            on_click=_act,
            args=(action, run_id),
        )
    if not may and not record.example:
        owner = services.store().visitors.names().get(record.owner or "", "somebody else")
        st.caption(f":material/visibility: This run is {escaped(owner)}'s: you can look at it, not change it.")
    say_locked("start")
    refused, problem = st.session_state.get(_REFUSED, ("", None))
    if problem is not None and refused == run_id:
        show_problem(problem)


def _act(action: str, run_id: str) -> None:
    """A click on a button. As a callback: a run of the page that begins again before its buttons loses no click."""
    st.session_state.pop(_REFUSED, None)
    try:
        require_change(services.store().run(run_id))
        if action in ("play", "one", "ten"):
            require_unlocked("start")
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


def _messages(record: RunRecord, has_summary: bool, not_found: dict[int, str]) -> None:
    """What the run or the store says beside the status."""
    done = record.status is RunStatus.DONE
    if record.message and not (done and not_found):  # said below
        later = ", at ½. At the run's own threshold they are found: see below." if done and has_summary else ""
        st.warning(escaped(record.message) + later, icon=":material/info:")
    if services.engine().problem is not None:
        st.warning(
            f"New events cannot be stored: {escaped(services.engine().problem or '')}. Nothing is lost: the run keeps "
            "its own log, and the server tries again every second.",
            icon=":material/warning:",
        )


def _why_no_steps(record: RunRecord) -> str:
    if not record.status.active:
        return "Not started yet. Press Play."
    if record.status is not RunStatus.QUEUED:
        return "Waiting for the first steps."
    if services.engine().place(record.id) is not None:
        return "Waiting for a slot: other runs are training."
    if services.engine().starting:
        return "The workers are starting; the run begins as soon as one is ready."
    return "About to start."


def _prediction(record: RunRecord, history: History, follow: str | None) -> None:
    if not history.previews:
        return
    preview = history.previews[-1]
    left, right = st.columns(2)
    with left:
        live_prediction(preview.step, f"prediction-{record.id}", follow, prediction_address(record.id))
        show_outcome_legend(wrong_class=len(services.dataset(record.dataset_id).classes) > 2)
    with right:
        st.markdown("**Label**")
        label = preview_label_picture(record.id, record.dataset_id, preview)
        st.image(label, width="stretch", alt="label over the image")
        st.caption(f"A crop of the validation scene {escaped(preview.scene)}.")


def _notes(history: History) -> None:
    if history.notes:
        with st.expander(f"Run log ({len(history.notes)})"):
            for step, text in history.notes[-50:]:
                st.markdown(f"step {step}: {escaped(text)}")


def downloads(record: RunRecord) -> None:
    """Download buttons for the files of a run, which are read on a click."""
    folder = services.store().folder(record.id)
    with st.expander("Download"):
        offer_report([record], f"report-{record.id}")
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
