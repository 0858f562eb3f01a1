"""Landscapes: slices, whose points workers share, predictions at a point, curvature. Runs on a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from distributed import get_client, get_worker
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.jobs.file_job import run_file_job
from explorer.jobs.job import Resource, perform
from explorer.jobs.registry import EvaluatePoints, MeasureCurvature, MeasureSlice, PredictPoint, Values
from explorer.jobs.training import dataset_of
from explorer.landscape.refine import PointEvaluator
from explorer.landscape.slice import read_journal
from explorer.landscape.slice_meta import SliceRequest
from explorer.runs import slices
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import Report
from explorer.runs.records import JobStatus
from explorer.runs.slice_files import PointPrediction, save_curvature, slice_file
from explorer.runs.slices import SliceSetup, ensure_landscape_data, local_measure
from explorer.settings import settings

_logger = logging.getLogger(__name__)
_PATIENCE_SECONDS = 20.0  # for another worker, which may have to build the plane first


def measure_slice(job: MeasureSlice) -> JobStatus:
    """Measures a slice, together with the other workers that are there for slices."""
    folder = RunFolder(job.run)

    def work(report: Report) -> None:
        ensure_landscape_data(folder, partial(dataset_of, job.dataset))
        shared = partial(_shared_measure, job)
        for progress in slices.measure_slice(folder, job.request, job.file, job.device, shared):
            report(progress)

    return run_file_job(job, work)


def measure_curvature(job: MeasureCurvature) -> JobStatus:
    """Measures the curvature of a loss at a checkpoint, and leaves the report's file."""
    folder = RunFolder(job.run)

    def work(report: Report) -> None:
        ensure_landscape_data(folder, partial(dataset_of, job.dataset))
        found = slices.curvature_report(folder, job.loss, job.checkpoint, device=job.device, report=report)
        save_curvature(found, job.file)

    return run_file_job(job, work)


def evaluate_points(job: EvaluatePoints) -> Values:
    """Evaluates some points of a slice that another worker is in charge of.

    Raises:
        InputError: the slice has no journal, so that nobody measures it now; or this worker builds another plane.
    """
    journal = read_journal(slice_file(RunFolder(job.run), job.request))
    if journal is None:
        raise InputError("nobody measures this slice", job.run.name, "measure it again")
    # Its centre and its checkpoints, not those that the run has now: a run that trains gets more all the time
    request = job.request.model_copy(update={"checkpoint": journal[0].checkpoint})
    setup = _setup(job.run, request, tuple(point.checkpoint for point in journal[0].path))
    if setup.meta.report.content_hash != job.plane:
        raise InputError("this worker builds another plane", job.run.name, "measure the slice again")
    return list(local_measure(setup)(job.points))


def predict_point(job: PredictPoint) -> PointPrediction:
    """The segmenter's mask at a point of a slice's plane, with its losses and metrics.

    Raises:
        InputError: a checkpoint of the slice is gone, or there is no such crop.
    """
    return slices.predict_at(_setup(job.run, job.request, job.path), job.alpha, job.beta, job.crop)


def _shared_measure(job: MeasureSlice, setup: SliceSetup) -> PointEvaluator:
    """Evaluates points together with the workers for slices that are idle; alone where there is none.

    Only idle ones are asked: two workers in the middle of a slice each would wait for each other for ever. One that
    takes up other work at that very moment is not waited for much longer than this worker takes for its own share. One
    that fails is not asked again. This worker evaluates the points of either itself.
    """
    here, client = local_measure(setup), get_client()
    own, failed = get_worker().address, set[str]()

    def measured(points: Sequence[tuple[float, float]]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        busy = client.processing()
        idle = [
            address
            for address, info in workers.items()
            if info["resources"].get(Resource.SLICE) and address not in failed | {own} and not busy.get(address)
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
        for address, answer, part in zip(idle, sent, parts[1:], strict=True):
            try:
                values = answer.result(patience)
            except TimeoutError:
                answer.cancel()
                values = here(part)
            except Exception as error:  # whatever it is: a slice must not fail because of who helps
                _logger.warning("%s cannot help with %s: %s", address, job.describe(), error)
                failed.add(address)
                values = here(part)
            yield from values

    return measured


@lru_cache(maxsize=2)
def _setup(run: Path, request: SliceRequest, path: tuple[str, ...]) -> SliceSetup:
    """The plane and the segmenter of a slice, kept for the next points; for the path see ``slices.prepare``."""
    return slices.prepare(RunFolder(run), request, settings().device, path)
