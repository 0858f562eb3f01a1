"""Trains a run. Runs on a worker."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from distributed import get_worker

from explorer.imagery.archive import load_dataset
from explorer.imagery.scene import Dataset
from explorer.jobs.registry import TrainRun
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import begin
from explorer.runs.training import execute

_WAIT_SECONDS = 60.0  # for a job that is about to leave the run


def train_run(job: TrainRun) -> None:
    """Trains a run from where it is until it ends or pauses, and notifies the server of what it writes."""
    if not begin(job.run, job.key):
        return  # it was taken out of the queue
    worker = get_worker()
    events = execute(
        RunFolder(job.run),
        dataset_of(job.dataset),
        device=job.device,
        checkpoint_steps=job.checkpoint_steps,
        wait=_WAIT_SECONDS,
        on_write=lambda: worker.log_event(job.topic, ("run", job.run.name)),
    )
    for _ in events:
        pass


@lru_cache(maxsize=2)
def dataset_of(file: Path) -> Dataset:
    """The dataset of a file, kept between jobs. A dataset's file never changes: its name is the hash of its content."""
    return load_dataset(file)
