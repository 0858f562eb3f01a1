"""Measures what plans for a dataset rest on. Runs on a worker."""

from __future__ import annotations

from explorer.files import locked
from explorer.jobs.registry import MeasureDataset
from explorer.jobs.training import dataset_of
from explorer.runs.measurements import Measurement, measurement_file, read_measurement, save_measurement
from explorer.training.fingerprint import fingerprint
from explorer.training.planning import Budget, first_preset, propose
from explorer.training.probe import measure_step_seconds
from explorer.training.recipe import LEARNING

_TYPICAL_STEPS = 600  # of a run: how often it validates depends on them


def measure_dataset(job: MeasureDataset) -> Measurement:
    """The fingerprint of a dataset and the seconds of a step with each segmenter; measured once, for all visitors."""
    file = measurement_file(job.dataset, job.device)
    with locked(file.with_suffix(".lock"), wait=job.limit, busy="another job measures this dataset"):
        known = read_measurement(file)
        if known is not None:
            return known
        dataset = dataset_of(job.dataset)
        found = fingerprint(dataset)
        seconds = {
            kind: measure_step_seconds(
                propose(found, first_preset(found), Budget(steps=_TYPICAL_STEPS), segmenter=kind).plan,
                dataset,
                job.device,
            )
            for kind in LEARNING
        }
        measured = Measurement(fingerprint=found, step_seconds=seconds)
        save_measurement(measured, file)
    return measured
