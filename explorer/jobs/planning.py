"""Measures what plans for a dataset rest on. Runs on a worker."""

from __future__ import annotations

from explorer.files import locked
from explorer.jobs.registry import MeasureDataset, MeasureStep
from explorer.jobs.training import dataset_of
from explorer.runs.measurements import fingerprint_file, read_fingerprint, save_fingerprint
from explorer.training.budget import Budget
from explorer.training.fingerprint import Fingerprint, fingerprint
from explorer.training.planning import first_preset, propose
from explorer.training.probe import measure_step_seconds

_TYPICAL_STEPS = 600  # of a run: how often it validates depends on them


def measure_dataset(job: MeasureDataset) -> Fingerprint:
    """The fingerprint of a dataset, computed once for all visitors."""
    file = fingerprint_file(job.dataset)
    with locked(file.with_suffix(".lock"), wait=job.limit, busy="another job measures this dataset"):
        found = read_fingerprint(file)
        if found is None:
            found = fingerprint(dataset_of(job.dataset))
            save_fingerprint(found, file)
    return found


def measure_step(job: MeasureStep) -> float:
    """The seconds of a step of the plan that is offered first, with this segmenter."""
    budget = Budget(steps=_TYPICAL_STEPS)
    plan = propose(job.fingerprint, first_preset(job.fingerprint), budget, segmenter=job.segmenter).plan
    return measure_step_seconds(plan, dataset_of(job.dataset), job.device)
