"""Landscapes as jobs of the engine: slices that are measured beside their file, clicks, curvature. Runs on a worker."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from explorer.landscape.provenance import SliceRequest
from explorer.losses.registry import LossKind
from explorer.runs.folder import RunFolder, write_whole
from explorer.runs.landscape_answers import CurvatureReport, PointPrediction, SliceProgress
from explorer.runs.landscape_files import progress_file, stop_file
from explorer.runs.landscape_work import Bench, curvature_report, keep_material_once, measure_slice, predict_at, prepare
from explorer.runs.work import dataset_of
from explorer.settings import settings
from explorer.training.checkpoints import checkpoint_files

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
    keep_material_once(folder, dataset_of(dataset))
    wanted = SliceRequest.model_validate_json(request)
    for progress in measure_slice(folder, wanted, out, settings().device, stop.exists):
        finite = (
            progress if np.isfinite(progress.shortfall) else SliceProgress(**asdict(progress) | {"shortfall": -1.0})
        )
        write_whole(progress_file(out), _PROGRESS.dump_json(finite))
    stop.unlink(missing_ok=True)


def point_job(run: Path, request: str, alpha: float, beta: float, crop: int) -> PointPrediction:
    """The segmenter's mask at a point of a slice's plane, with its losses and metrics."""
    newest = checkpoint_files(RunFolder(run).checkpoints)[-1].name
    return predict_at(_bench(run, request, newest), alpha, beta, crop)


def curvature_job(run: Path, loss: LossKind, checkpoint: str) -> CurvatureReport:
    """Curvature of a loss at a checkpoint."""
    return curvature_report(RunFolder(run), loss, checkpoint, device=settings().device)


@lru_cache(maxsize=2)
def _bench(run: Path, request: str, _newest: str) -> Bench:
    """The plane and the segmenter of a slice, kept for the next click; a new checkpoint may change the plane."""
    return prepare(RunFolder(run), SliceRequest.model_validate_json(request), settings().device)
