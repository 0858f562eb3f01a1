"""The Loss lab's experiments, and the gradients of a run's segmenter on one crop. Runs on a worker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.jobs.loss_lab_jobs import (
    CompareMissed,
    CompareMisses,
    GradientsWhereMissed,
    ListLabCrops,
    LossCurves,
    MapGradients,
    Mask,
    PredictOnlyBackground,
)
from explorer.losses import experiments
from explorer.losses.lab import AllBackgroundLoss, Cost, GradientMaps, LabCrop, LossCurve, synthetic_label
from explorer.runs import loss_gradients


def loss_curves(job: LossCurves) -> tuple[LossCurve, ...]:
    """Losses and their gradients against the probability of the true class."""
    return experiments.loss_curves(job.specs, job.share)


def compare_misses(job: CompareMisses) -> tuple[tuple[Mask, Mask], tuple[Cost, ...]]:
    """Many pixels of one object missed against one pixel of many objects."""
    label = synthetic_label(job.objects, job.object_side, job.share)
    return experiments.compare_misses(job.specs, label, job.missed_of_one, job.objects_with_miss, job.confidence)


def find_nothing(job: PredictOnlyBackground) -> tuple[AllBackgroundLoss, ...]:
    """What each loss costs where nothing is found."""
    label = synthetic_label(job.objects, job.object_side, job.share)
    return experiments.cost_of_finding_nothing(job.specs, label, job.confidence)


def compare_missed(job: CompareMissed) -> tuple[Cost, ...]:
    """The given pixels missed against as many in as few objects as possible."""
    label = synthetic_label(job.objects, job.object_side, job.share)
    return experiments.compare_missed(job.specs, label, job.missed, job.confidence)


def gradients_where_missed(job: GradientsWhereMissed) -> NDArray[np.float64]:
    """The gradient of each loss at a missed pixel."""
    return experiments.gradients_where_missed(job.specs, job.share, job.probabilities)


def list_crops(job: ListLabCrops) -> tuple[LabCrop, ...]:
    """The validation crops of a dataset for which gradients can be computed."""
    return loss_gradients.lab_crops(job.dataset, job.inputs)


def map_gradients(job: MapGradients) -> GradientMaps:
    """The gradients of losses on a crop, at a checkpoint of a run."""
    return loss_gradients.gradient_maps(job.run, job.dataset, job.checkpoint, job.crop, job.specs, job.device)
