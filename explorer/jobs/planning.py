"""Measures what plans for a dataset rest on. Runs on a worker."""

from __future__ import annotations

from explorer.files import locked
from explorer.jobs.registry import MeasureDataset
from explorer.jobs.training import dataset_of
from explorer.runs.measurements import Measurement, fingerprint_file, read_fingerprint, save_fingerprint
from explorer.training.fingerprint import fingerprint
from explorer.training.planning import Budget, first_preset, propose
from explorer.training.probe import measure_step_seconds
from explorer.training.recipe import LEARNING

_TYPICAL_STEPS = 600  # of a run: how often it validates depends on them


def measure_dataset(job: MeasureDataset) -> Measurement:
    """The fingerprint of a dataset, computed once for all visitors, and the seconds of a step with each segmenter."""
    file = fingerprint_file(job.dataset)
    dataset = dataset_of(job.dataset)
    with locked(file.with_suffix(".lock"), wait=job.limit, busy="another job measures this dataset"):
        found = read_fingerprint(file)
        if found is None:
            found = fingerprint(dataset)
            save_fingerprint(found, file)
    plans = {
        kind: propose(found, first_preset(found), Budget(steps=_TYPICAL_STEPS), segmenter=kind).plan
        for kind in LEARNING
    }
    seconds = {kind: measure_step_seconds(plan, dataset, job.device) for kind, plan in plans.items()}
    return Measurement(fingerprint=found, step_seconds=seconds)
