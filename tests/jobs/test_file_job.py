"""What jobs that leave a file have in common: their lock, their time limit and the request to stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.imagery.archive import save_dataset
from explorer.jobs.file_job import run_file_job
from explorer.jobs.registry import SweepThresholds
from explorer.jobs.threshold_sweep import sweep_thresholds
from explorer.runs.class_thresholds import read_own_thresholds
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.job_files import JobProgress, Report, lock_file, read_progress, request_stop
from explorer.runs.records import JobStatus
from explorer.runs.threshold_sweep import load_sweep
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan


class WithoutTime(SweepThresholds):
    """A sweep that has no time at all."""

    limit = 0.0


def job_in(run: Path, kind: type[SweepThresholds] = SweepThresholds) -> SweepThresholds:
    return kind(run, run / "dataset.npz", "cpu", "step_00000010.safetensors")


def work(report: Report) -> None:
    report(JobProgress(1, 2, "points", None))


def test_a_sweep_leaves_the_thresholds_of_its_checkpoint_too(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    save_dataset(dataset, tmp_path / "dataset.npz")
    run = RunFolder.create(tmp_path / "run", tiny_plan(20, choose_threshold=True), DatasetReference.to(dataset))
    for _ in execute(run, dataset, device="cpu", checkpoint_steps=10):
        pass
    job = SweepThresholds(run.path, tmp_path / "dataset.npz", "cpu", "step_00000010.safetensors")
    assert sweep_thresholds(job) is JobStatus.DONE
    own = read_own_thresholds(run, job.checkpoint)
    assert own is not None
    assert (own.checkpoint, len(own.values)) == (job.checkpoint, 1)
    assert not set(own.scenes) & set(load_sweep(job.file).scenes)


def test_job_ends_when_its_time_is_over(tmp_path: Path) -> None:
    job = job_in(tmp_path, WithoutTime)
    with pytest.raises(InputError, match="stopped after 0 minutes"):
        run_file_job(job, work)
    assert read_progress(job.file) is None


def test_job_ends_when_somebody_stops_it(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    assert run_file_job(job, work) is JobStatus.DONE
    request_stop(job.file)
    assert run_file_job(job, work) is JobStatus.STOPPED
    assert run_file_job(job, work) is JobStatus.DONE, "the request was for one job"


def test_job_does_nothing_while_another_process_works_on_its_file(tmp_path: Path) -> None:
    job, done = job_in(tmp_path), []
    with lock_file(job.file), pytest.raises(InputError, match="another job works on step_00000010"):
        run_file_job(job, done.append)
    assert not done
