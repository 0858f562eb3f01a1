"""Predictions of the visitor: ordered, watched while they are made, and listed. The address names the one shown."""

from __future__ import annotations

import streamlit as st

from explorer.errors import InputError
from explorer.jobs.registry import PredictImage
from explorer.runs.class_thresholds import read_own_thresholds
from explorer.runs.job_files import read_progress
from explorer.runs.prediction import Prediction
from explorer.runs.prediction_names import is_name, name_of, prediction_file, prediction_name, relative_file
from explorer.runs.records import JobRecord, JobStatus, RunRecord
from explorer.settings import settings
from explorer.ui import address, services
from explorer.ui.file_jobs import POLL_SECONDS, order, show_progress
from explorer.ui.identity import may_look_at, visitor
from explorer.ui.messages import escaped, show_problem
from explorer.ui.pickers import step_of
from explorer.ui.prediction_source import Source
from explorer.ui.unique_labels import unique_labels

_PREDICTION = "prediction"  # in the address
_REFUSED = "predict-refused"  # in the session: why the last order was refused


def prediction_job(record: RunRecord, source: Source, checkpoint: str, flips: bool, forced: bool) -> PredictImage:
    """The job that predicts for an image; the same choices of a visitor give the same prediction."""
    store, limits = services.store(), settings()
    folder = store.folder(record.id)
    own = read_own_thresholds(folder, checkpoint) or read_own_thresholds(folder)
    diameters = own.diameters if own else ()
    name = prediction_name(visitor().id, source.content, source.name, source.scene, checkpoint, flips, diameters)
    return PredictImage(
        folder.path,
        store.dataset_file(record.dataset_id),
        limits.device,
        name,
        source.file.resolve(),
        source.scene,
        checkpoint,
        flips,
        diameters,
        forced,
        limits.prediction_memory,
    )


def offer_prediction(job: PredictImage, problem: str | None) -> None:
    """The button that orders a prediction; it shows one that is there already.

    Args:
        job: that would make it.
        problem: why the image cannot be of the kind that the run was trained on, unless that was accepted.
    """
    there = job.file.exists()
    st.button(
        "Show the prediction" if there else "Predict", type="primary", icon=":material/output:", key="predict-now",
        disabled=problem is not None and not job.forced, on_click=_start, args=(job,),
    )  # fmt: skip
    refused: InputError | None = st.session_state.get(_REFUSED)
    if refused is not None:
        show_problem(refused)


def shown_prediction(record: RunRecord) -> tuple[str, Prediction] | None:
    """The prediction that the address names, else the visitor's latest of this run, with a list of the others.

    While it is made, the page polls.

    Returns:
        Its name and itself; None if there is none, or none yet.
    """
    names = _own(record)
    asked = st.query_params.get(_PREDICTION, "")
    if asked and not _is_own(record, asked):
        address.say_unknown([asked], "prediction of yours on this run", "it was deleted, or it is somebody else's")
        st.query_params.pop(_PREDICTION)
        asked = ""
    if asked:
        job = services.store().jobs.latest(record.id, relative_file(asked))
        file = prediction_file(services.store().folder(record.id).path, asked)
        if job is not None and job.status.active:
            st.fragment(_watch, run_every=POLL_SECONDS)(record, asked)
            return None
        if job is not None and not file.exists():
            _say_ending(job)
    shown = asked if asked in names else next(iter(names), "")
    if not shown:
        return None
    if not asked or asked in names:
        st.query_params[_PREDICTION] = shown
        labels = unique_labels(names)
        address.select("Prediction", list(labels), shown, labels.__getitem__, _show)
        return shown, _load(record, shown)
    return None


def is_one_shown() -> bool:
    """Whether the address names a prediction."""
    return _PREDICTION in st.query_params


def _load(record: RunRecord, name: str) -> Prediction:
    file = prediction_file(services.store().folder(record.id).path, name)
    return services.prediction(file, file.stat().st_mtime_ns)


def _own(record: RunRecord) -> dict[str, str]:
    """The visitor's predictions of a run as they read in a list, by name, the newest first."""
    found = {}
    for each in services.store().usage.ordered(owner=visitor().id):
        name = name_of(each.file)
        if each.run_id == record.id and name is not None:
            try:
                meta = _load(record, name).meta
            except (InputError, OSError):  # deleted meanwhile
                continue
            flips = ", flips" if meta.flips else ""
            found[name] = f"{meta.image}, step {step_of(meta.checkpoint)}{flips}, {each.created:%d %b %H:%M} UTC"
    return found


def _is_own(record: RunRecord, name: str) -> bool:
    job = services.store().jobs.latest(record.id, relative_file(name)) if is_name(name) else None
    return job is not None and job.owner == visitor().id


def _start(job: PredictImage) -> None:
    st.session_state.pop(_REFUSED, None)
    try:
        if not may_look_at(services.store().run(job.run.name)):
            raise InputError("you may not look at this run", job.run.name, "choose another one")
        if not job.file.exists():
            order(job)
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = problem
        return
    _show(job.name)


def _show(name: str) -> None:
    st.query_params[_PREDICTION] = name


def _watch(record: RunRecord, name: str) -> None:
    job = services.store().jobs.latest(record.id, relative_file(name))
    if job is None or not job.status.active:
        st.rerun()
    show_progress(job, read_progress(prediction_file(services.store().folder(record.id).path, name)))


def _say_ending(job: JobRecord) -> None:
    if job.status is JobStatus.STOPPED:
        st.caption(f"Stopped: {escaped(job.title)}. Press *Predict* to start it again.")
    elif job.status is not JobStatus.DONE:
        show_problem(InputError(job.message, job.title, "start it again, or choose another image"))
