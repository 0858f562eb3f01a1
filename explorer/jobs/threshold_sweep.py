"""Sweeps the threshold of a checkpoint. Runs on a worker."""

from __future__ import annotations

from explorer.jobs.file_job import run_file_job
from explorer.jobs.registry import SweepThresholds
from explorer.jobs.training import dataset_of
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import Report
from explorer.runs.own_threshold import own_thresholds
from explorer.runs.records import JobStatus
from explorer.runs.segmenters import sweep_thresholds as sweep
from explorer.runs.threshold_sweep import save_sweep


def sweep_thresholds(job: SweepThresholds) -> JobStatus:
    """Scores the checkpoint at every threshold on the validation scenes, and leaves the file.

    The checkpoint's own thresholds, which are chosen on other scenes, are in the run's folder then, too. Objects that
    are too small at its own thresholds are dropped at all of them.
    """

    def work(report: Report) -> None:
        folder, dataset = RunFolder(job.run), dataset_of(job.dataset)
        own = own_thresholds(folder, dataset, job.checkpoint, job.device)
        measured = sweep(folder, dataset, job.checkpoint, job.device, report, job.rule, own.cuts(job.split))
        save_sweep(measured, job.file)

    return run_file_job(job, work)
