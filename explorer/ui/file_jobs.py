"""Jobs that leave a file, as pages show them: how far each is, a button that stops it, and why one failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import streamlit as st

from explorer.errors import InputError
from explorer.jobs.job import FileJob
from explorer.jobs.registry import JOBS
from explorer.runs.job_files import JobProgress, read_progress
from explorer.runs.ownership import may_stop
from explorer.runs.records import JobRecord, JobStatus
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.identity import visitor
from explorer.ui.messages import escaped, show_problem

POLL_SECONDS = 0.7
_FIRST_SECONDS = 1.0
_LOOK_SECONDS = 0.02
_RESOURCES = {kind.__name__: kind.resource for kind in JOBS}
_REFUSED = "refused-stop"  # in the session: the job whose Stop was clicked last, and why nothing came of it


def latest(job: FileJob) -> JobRecord | None:
    """The last job for the same file, whoever ordered it; None if there has been none."""
    return services.store().jobs.latest(job.run.name, str(job.file.relative_to(job.run)))


def order(job: FileJob) -> JobRecord:
    """Has a job done for the visitor, unless it is being done.

    Raises:
        InputError: what they have takes their whole share of the disk.
    """
    services.store().usage.require_room(visitor().id, job.title, settings())
    return services.engine().order(job, visitor().id)


def is_active(job: FileJob) -> bool:
    """Such a job waits or works."""
    record = latest(job)
    return record is not None and record.status.active


def all_done(jobs: Sequence[FileJob]) -> bool:
    """Whether the files of all jobs are there. Orders those that are missing and shows how far they are.

    While jobs work, the page polls; it runs again when the last one has ended. A job that failed or was stopped is
    started again by a button only.
    """
    missing = [job for job in jobs if not job.file.exists()]
    for job in missing:
        if latest(job) is None:
            order(job)
    if any(is_active(job) for job in missing):
        st.fragment(_watch, run_every=POLL_SECONDS)(missing)
        return False
    for job in missing:
        show_ending(job)
        if st.button(f"Try again: {job.title}", icon=":material/refresh:", key=f"again-{job.file}"):
            order(job)
            st.rerun()
    return not missing


def wait_for_first(ready: Callable[[], bool]) -> None:
    """Waits until there is something to draw, or for a second: what a job leaves first is shown at once, not when the
    page polls next. A page may wait where it has drawn all that it has; its own polls do not interrupt it.
    """
    deadline = time.monotonic() + _FIRST_SECONDS
    while not ready() and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def show_progress(record: JobRecord, progress: JobProgress | None) -> None:
    """A progress bar with its text, and a Stop button for those who may stop it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        title = escaped(record.title[:1].upper() + record.title[1:])
        st.progress(_share(progress), f"{title}: {_words(record, progress)}")
        if _may_stop(record):
            st.button("Stop", icon=":material/stop:", key=f"stop-{record.id}", on_click=_stop, args=(record.id,))
    refused, problem = st.session_state.get(_REFUSED, ("", None))
    if problem is not None and refused == record.id:
        show_problem(problem)


def show_ending(job: FileJob) -> None:
    """Why the last job for a file left none, if it failed or did not end."""
    record = latest(job)
    if record is None or record.status in (JobStatus.DONE, JobStatus.QUEUED, JobStatus.RUNNING):
        return
    if record.status is JobStatus.STOPPED:
        st.caption(f"Stopped: {escaped(record.title)}.")
    else:
        show_problem(InputError(record.message, record.title, "start it again, or change its settings"))


def _stop(job_id: str) -> None:
    st.session_state.pop(_REFUSED, None)
    try:
        if not _may_stop(services.store().jobs.get(job_id)):
            raise InputError("somebody else has ordered it", job_id, "wait until it has ended")
        services.engine().stop_job(job_id)
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = (job_id, problem)


def _may_stop(record: JobRecord) -> bool:
    return may_stop(record, services.store().run(record.run_id), visitor())


def _watch(jobs: Sequence[FileJob]) -> None:
    active = [(job, record) for job in jobs if (record := latest(job)) is not None and record.status.active]
    if not active:
        st.rerun()
    for job, record in active:
        show_progress(record, read_progress(job.file))


def _share(progress: JobProgress | None) -> float:
    if progress is None or not progress.expected:
        return 0.0
    return min(1.0, progress.done / progress.expected)


def _goes_first(other: JobRecord, record: JobRecord) -> bool:
    """Another job waits for the same workers, and was ordered before."""
    same = _RESOURCES[other.kind] is _RESOURCES[record.kind]
    return same and other.status is JobStatus.QUEUED and other.created < record.created


def _words(record: JobRecord, progress: JobProgress | None) -> str:
    if record.status is JobStatus.QUEUED:
        ahead = sum(_goes_first(other, record) for other in services.store().jobs.active())
        return f"waits for a worker; {ahead} ahead" if ahead else "waits for a worker"
    if progress is None:
        return "starts"
    if progress.expected is None:
        return f"{progress.done} {progress.unit} so far"
    left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
    return f"{progress.done} of about {progress.expected} {progress.unit}{left}"
