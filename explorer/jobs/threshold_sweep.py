"""Measures a checkpoint at every threshold. Runs on a worker."""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.imagery.scene import Dataset
from explorer.jobs.training import dataset_of
from explorer.metrics.curves import THRESHOLDS, ObjectCurve, object_curve
from explorer.metrics.matching import find_label_objects
from explorer.metrics.pixel_histogram import PixelHistogram
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import load_segmenter, probabilities
from explorer.runs.threshold_sweep import STEPS, ClassSweep, ThresholdSweep, save_sweep, sweep_file
from explorer.settings import settings


def measure_file(run: Path, dataset: Path, checkpoint: str) -> None:
    """Measures a checkpoint on the validation scenes of its dataset and leaves the file; at once if it is there.

    Args:
        run: folder of the run.
        dataset: file of the dataset that it trains on.
        checkpoint: name of a file in the run's checkpoints.
    """
    folder = RunFolder(run)
    path = sweep_file(folder, checkpoint)
    if not path.exists():
        save_sweep(sweep_thresholds(folder, dataset_of(dataset), checkpoint, settings().device), path)


def sweep_thresholds(folder: RunFolder, dataset: Dataset, checkpoint: str, device: str = "auto") -> ThresholdSweep:
    """The curves of every foreground class over the validation scenes."""
    segmenter = load_segmenter(folder, checkpoint, device)
    classes = len(dataset.classes)
    histogram = PixelHistogram(classes, bins=STEPS + 1)
    kept: list[NDArray[np.uint16]] = []
    for scene in dataset.validation:
        values = probabilities(segmenter, scene.image, dataset.stretch)
        histogram.update(torch.from_numpy(values)[None], torch.from_numpy(scene.label)[None])
        kept.append((values[1:] * np.float32(STEPS)).clip(0, STEPS).astype(np.uint16))
    found = tuple(
        ClassSweep(histogram.curve(class_id), _objects(dataset, kept, class_id)) for class_id in range(1, classes)
    )
    return ThresholdSweep(checkpoint, tuple(scene.name for scene in dataset.validation), found, tuple(kept))


def _objects(dataset: Dataset, kept: list[NDArray[np.uint16]], class_id: int) -> ObjectCurve:
    """Over all scenes, from whole thousandths, so that the curve agrees with what is drawn at a threshold."""
    whole = np.round(THRESHOLDS * STEPS)
    curves = [
        object_curve(values[class_id - 1].astype(np.float32), find_label_objects(scene.label, class_id), whole)
        for scene, values in zip(dataset.validation, kept, strict=True)
    ]
    total = reduce(add, curves)
    return ObjectCurve(THRESHOLDS, total.true_positives, total.false_positives, total.false_negatives, total.iou_sum)
