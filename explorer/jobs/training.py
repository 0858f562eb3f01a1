"""What a worker does for the server. Called by name, through ``explorer.jobs.registry``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from distributed import get_worker

from explorer.imagery.archive import load_dataset
from explorer.imagery.scene import Dataset
from explorer.runs.folder import RunFolder
from explorer.runs.training import execute

TOPIC = "explorer"
"""Dask topic under which a job says that its run's folder holds something new: the run's id."""

_WAIT_SECONDS = 60.0  # for a job that is about to leave the run


def train_run(run: Path, dataset: Path, device: str, checkpoint_steps: int) -> None:
    """Trains a run from where it stands until it ends or rests.

    Args:
        run: its folder.
        dataset: file of the dataset that it trains on.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        checkpoint_steps: steps between checkpoints.
    """
    worker = get_worker()
    events = execute(
        RunFolder(run),
        dataset_of(dataset),
        device=device,
        checkpoint_steps=checkpoint_steps,
        wait=_WAIT_SECONDS,
        on_write=lambda: worker.log_event(TOPIC, run.name),
    )
    for _ in events:
        pass


@lru_cache(maxsize=2)
def dataset_of(file: Path) -> Dataset:
    """The dataset of a file, kept between jobs. A dataset's file never changes: its name is its fingerprint."""
    return load_dataset(file)
