"""Landscapes: slices, whose points workers share, predictions at a point, curvature. Runs on a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from distributed import get_client, get_worker
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.jobs.file_job import run_file_job
from explorer.jobs.registry import (
    EvaluatePoints,
    MeasureCurvature,
    MeasureSlice,
    PredictPoint,
    Resource,
    Values,
    perform,
)
from explorer.jobs.training import dataset_of
from explorer.landscape.refine import PointEvaluator
from explorer.landscape.slice_meta import SliceRequest
from explorer.runs import slices
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import Report
from explorer.runs.records import JobStatus
from explorer.runs.slice_files import PointPrediction, save_curvature
from explorer.runs.slices import SliceSetup, ensure_landscape_data, local_measure
from explorer.settings import settings

_PATIENCE_SECONDS = 20.0  # for another worker, which may have to build the plane first


def measure_slice(job: MeasureSlice) -> JobStatus:
    """Measures a slice, together with the other workers that are there for slices."""
    folder = RunFolder(job.run)

    def work(report: Report) -> None:
        ensure_landscape_data(folder, dataset_of(job.dataset))
        shared = partial(_shared_measure, job)
        for progress in slices.measure_slice(folder, job.request, job.file, job.device, shared):
            report(progress)

    return run_file_job(job, work)


def measure_curvature(job: MeasureCurvature) -> JobStatus:
    """Measures the curvature of a loss at a checkpoint, and leaves the report's file."""
    folder = RunFolder(job.run)

    def work(report: Report) -> None:
        ensure_landscape_data(folder, dataset_of(job.dataset))
        found = slices.curvature_report(folder, job.loss, job.checkpoint, device=job.device, report=report)
        save_curvature(found, job.file)

    return run_file_job(job, work)


def evaluate_points(job: EvaluatePoints) -> Values:
    """Evaluates some points of a slice that another worker is in charge of.

    Raises:
        InputError: this worker's plane is another one, since checkpoints have arrived in between.
    """
    setup = _setup(job.run, job.request, _newest(job.run))
    if setup.meta.report.content_hash != job.plane:
        raise InputError("the plane has changed meanwhile", job.run.name, "measure the slice again")
    return list(local_measure(setup)(job.points))


def predict_point(job: PredictPoint) -> PointPrediction:
    """The segmenter's mask at a point of a slice's plane, with its losses and metrics."""
    return slices.predict_at(_setup(job.run, job.request, _newest(job.run)), job.alpha, job.beta, job.crop)


def _shared_measure(job: MeasureSlice, setup: SliceSetup) -> PointEvaluator:
    """Evaluates points together with the workers for slices that are idle; alone where there is none.

    Only idle ones are asked: two workers in the middle of a slice each would wait for each other for ever. One that
    takes up other work at that very moment is not waited for much longer than this worker takes for its own share.
    """
    here, client = local_measure(setup), get_client()
    own = get_worker().address

    def measured(points: Sequence[tuple[float, float]]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        busy = client.processing()
        idle = [
            address
            for address, info in workers.items()
            if info["resources"].get(Resource.SLICE) and address != own and not busy.get(address)
        ]
        parts = [tuple(points[i] for i in indices) for indices in np.array_split(np.arange(len(points)), len(idle) + 1)]
        plane = setup.meta.report.content_hash
        sent = [
            client.submit(
                perform, EvaluatePoints(job.run, job.request, plane, part), workers=[address], pure=False, priority=10
            )
            for address, part in zip(idle, parts[1:], strict=True)
        ]
        began = time.monotonic()
        yield from here(parts[0])
        patience = max(_PATIENCE_SECONDS, 3 * (time.monotonic() - began))
        for answer, part in zip(sent, parts[1:], strict=True):
            try:
                yield from answer.result(patience)
            except TimeoutError:
                answer.cancel()
                yield from here(part)

    return measured


def _newest(run: Path) -> str:
    return RunFolder(run).checkpoint_files()[-1].name


@lru_cache(maxsize=2)
def _setup(run: Path, request: SliceRequest, _checkpoint: str) -> SliceSetup:
    """The plane and the segmenter of a slice, kept for the next click; a new checkpoint may change the plane."""
    return slices.prepare(RunFolder(run), request, settings().device)
