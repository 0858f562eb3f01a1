"""Preloaded by the workers of the embedded cluster: torch is imported before the first job comes."""

from __future__ import annotations

import os

import torch
from distributed import Worker

from explorer.runs import work  # noqa: F401 — imported here so that the first job need not wait for it
from explorer.runs.cluster import THREADS_VARIABLE


def dask_setup(worker: Worker) -> None:
    """Called by Dask before the worker registers."""
    torch.set_num_threads(int(os.environ.get(THREADS_VARIABLE, "1")))
