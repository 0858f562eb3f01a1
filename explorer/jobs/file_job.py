"""What all jobs that leave a file do: hold its lock, tell how far they are, and end when somebody stops them."""

from __future__ import annotations

import time
from collections.abc import Callable

from distributed import get_worker

from explorer.errors import InputError
from explorer.jobs.job import FileJob, perform
from explorer.runs.job_files import (
    JobProgress,
    JobStopped,
    Report,
    begin,
    clear,
    lock_file,
    stop_requested,
    write_progress,
)
from explorer.runs.records import JobStatus


def job_key(job_id: str) -> str:
    """The name by which the cluster knows a job."""
    return f"job-{job_id}"


def perform_unless_withdrawn(job: FileJob, topic: str, job_id: str) -> JobStatus:
    """Notifies the server that a job has begun and does it, unless it was stopped before. Runs on a worker."""
    if not begin(job.run, job_key(job_id)):
        return JobStatus.STOPPED
    get_worker().log_event(topic, ("job", job_id))
    return perform(job)


def run_file_job(job: FileJob, work: Callable[[Report], None]) -> JobStatus:
    """Does the work of a job under its file's lock.

    Args:
        work: is given the function to report progress to, and leaves the file.

    Returns:
        Done, or stopped.

    Raises:
        InputError: another process works on the file, the job's time is over, or what the work raises.
    """
    deadline = time.monotonic() + job.limit

    def report(progress: JobProgress) -> None:
        write_progress(job.file, progress)
        if stop_requested(job.file):
            raise JobStopped
        if time.monotonic() > deadline:
            raise InputError(
                f"it was stopped after {job.limit / 60:.0f} minutes", job.describe(), "ask for less, or start it again"
            )

    with lock_file(job.file):
        try:
            work(report)
        except JobStopped:
            return JobStatus.STOPPED
        finally:
            clear(job.file)
    return JobStatus.DONE
