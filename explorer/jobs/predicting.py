"""Predicts for images, and packs predictions for other programs. Runs on a worker."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.files import writing
from explorer.imagery.archive import load_dataset
from explorer.imagery.scene import Raster
from explorer.imagery.writing import mask_bytes
from explorer.jobs.file_job import run_file_job
from explorer.jobs.registry import PackPrediction, PredictImage
from explorer.metrics.found_objects import find_objects
from explorer.runs.decoded_image import load_raster
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import JobProgress, Report
from explorer.runs.object_files import geojson_bytes, geopackage_bytes
from explorer.runs.predicting import NewArray, predict_raster, require_memory
from explorer.runs.prediction import (
    accepted,
    as_trained,
    load_prediction,
    misfits,
    raster_of,
    said_together,
    save_prediction,
)
from explorer.runs.prediction_names import run_of
from explorer.runs.records import JobStatus
from explorer.runs.segmenters import load_predictor


def predict_image(job: PredictImage) -> JobStatus:
    """Predicts for an image tile by tile, and leaves the file.

    Raises:
        InputError: the image is gone or too large, or its bands or values are not those that the run was trained on.
    """

    def work(report: Report) -> None:
        folder = RunFolder(job.run)
        reference = folder.dataset()
        raster, is_stretched = _image(job)
        raster = as_trained(raster, reference, is_stretched)
        problems = misfits(raster, reference)
        if problems and not job.forced:
            remedy = "predict all the same, or give it the bands and the scale of the run's images"
            raise InputError(said_together(problems), raster.name, remedy)
        raster = accepted(raster, problems)
        predictor = load_predictor(folder, job.checkpoint, job.device, job.flips)
        require_memory(predictor, raster, job.memory)
        began = time.perf_counter()

        def advance(done: int, parts: int) -> None:
            left = (time.perf_counter() - began) / done * (parts - done)
            report(JobProgress(done, parts, "parts", left))

        report(JobProgress(0, None, "parts", None))
        with _on_disk(job.file.with_name(f"{job.file.name}.part")) as new:
            predicted = predict_raster(predictor, reference, raster, job.checkpoint, job.diameters, advance, new)
            save_prediction(predicted, job.file)

    return run_file_job(job, work)


def pack_prediction(job: PackPrediction) -> bytes:
    """A prediction at thresholds as cloud-optimised GeoTIFF, GeoPackage or GeoJSON.

    Raises:
        InputError: the prediction is gone, or its place cannot be written in this format.
    """
    prediction = load_prediction(job.prediction)
    mask = prediction.mask(job.thresholds, job.cuts)
    classes, place = prediction.meta.classes, prediction.georeference
    about = prediction.about(run_of(job.prediction), job.thresholds, job.cuts)
    if job.kind == "mask":
        return mask_bytes(mask, place, classes, about)
    pack = geopackage_bytes if job.kind == "geopackage" else geojson_bytes
    return pack(find_objects(mask, prediction.values), place, classes, about)


def _image(job: PredictImage) -> tuple[Raster, bool]:
    """The image, and whether it was stretched by its own percentiles already."""
    if job.scene is None:
        return load_raster(job.image), False
    dataset = load_dataset(job.image, mapped=True)
    scene = next((each for each in dataset.scenes if each.name == job.scene), None)
    if scene is None:
        raise InputError("there is no such scene", job.scene, "choose another one")
    return raster_of(scene), dataset.choices.stretch == "scene"


@contextmanager
def _on_disk(path: Path) -> Iterator[NewArray]:
    """Makes arrays that lie in a file beside the result, which is removed: they take no memory of the process."""
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)

    def new(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if not size:
            return np.empty(shape, dtype)
        with writing(path.parent), path.open("ab") as file:
            begins = file.tell()
            os.posix_fallocate(file.fileno(), begins, size)  # a full disk would end the process while it writes
        return np.memmap(path, dtype, "r+", begins, shape)

    try:
        yield new
    finally:
        path.unlink(missing_ok=True)
