"""Landscapes as jobs of the engine: slices that are measured beside their file, clicks, curvature. Runs on a worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from distributed import get_client, get_worker
from numpy.typing import NDArray
from pydantic import TypeAdapter

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.jobs.cluster import SLICE
from explorer.jobs.training import dataset_of
from explorer.landscape.refine import PointEvaluator
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.registry import LossKind
from explorer.runs.folder import RunFolder
from explorer.runs.slice_files import CurvatureReport, PointPrediction, SliceProgress, progress_file, stop_file
from explorer.runs.slices import (
    SliceSetup,
    curvature_report,
    ensure_landscape_data,
    local_measure,
    measure_slice,
    predict_at,
    prepare,
)
from explorer.settings import settings
from explorer.training.checkpoints import checkpoint_files

Points = Sequence[tuple[float, float]]
Values = list[tuple[NDArray[np.float64], NDArray[np.float64]]]

_PROGRESS = TypeAdapter(SliceProgress)


def slice_job(run: Path, dataset: Path, request: str, out: Path) -> None:
    """Measures a slice, says how far it is in a file beside it, and stops when asked to by another.

    Args:
        run: folder of the run.
        dataset: file of the dataset that it trains on.
        request: a ``SliceRequest`` as JSON.
        out: the slice's file.
    """
    folder, stop = RunFolder(run), stop_file(out)
    out.parent.mkdir(exist_ok=True)
    ensure_landscape_data(folder, dataset_of(dataset))
    wanted = SliceRequest.model_validate_json(request)
    shared = partial(_shared_measure, run, request)
    for progress in measure_slice(folder, wanted, out, settings().device, stop.exists, shared):
        finite = (
            progress if np.isfinite(progress.shortfall) else SliceProgress(**asdict(progress) | {"shortfall": -1.0})
        )
        write_atomically(progress_file(out), _PROGRESS.dump_json(finite))
    stop.unlink(missing_ok=True)


def points_job(run: Path, request: str, plane: str, points: Points) -> Values:
    """Values and standard errors of some points of a slice that another worker is in charge of.

    Raises:
        InputError: this worker's plane is another one, since checkpoints have arrived in between.
    """
    setup = _setup(run, request, _newest(run))
    if setup.meta.report.fingerprint != plane:
        raise InputError("the plane has changed meanwhile", run.name, "measure the slice anew")
    return list(local_measure(setup)(points))


def _shared_measure(run: Path, request: str, setup: SliceSetup) -> PointEvaluator:
    """Measures points together with the other workers that take slices; alone where there is none."""
    here, client = local_measure(setup), get_client()
    own = get_worker().address
    workers = client.scheduler_info(n_workers=-1)["workers"]
    others = [address for address, about in workers.items() if about["resources"].get(SLICE) and address != own]

    def measured(points: Points) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        parts = np.array_split(np.arange(len(points)), len(others) + 1)
        sent = [
            client.submit(
                points_job,
                run,
                request,
                setup.meta.report.fingerprint,
                [points[i] for i in part],
                workers=[address],
                pure=False,
                priority=10,
            )
            for address, part in zip(others, parts[1:], strict=True)
        ]
        yield from here([points[i] for i in parts[0]])
        for answer in sent:
            yield from answer.result()

    return measured


def point_job(run: Path, request: str, alpha: float, beta: float, crop: int) -> PointPrediction:
    """The segmenter's mask at a point of a slice's plane, with its losses and metrics."""
    return predict_at(_setup(run, request, _newest(run)), alpha, beta, crop)


def curvature_job(run: Path, loss: LossKind, checkpoint: str) -> CurvatureReport:
    """Curvature of a loss at a checkpoint."""
    return curvature_report(RunFolder(run), loss, checkpoint, device=settings().device)


def _newest(run: Path) -> str:
    return checkpoint_files(RunFolder(run).checkpoints)[-1].name


@lru_cache(maxsize=2)
def _setup(run: Path, request: str, _checkpoint: str) -> SliceSetup:
    """The plane and the segmenter of a slice, kept for the next click; a new checkpoint may change the plane."""
    return prepare(RunFolder(run), SliceRequest.model_validate_json(request), settings().device)
