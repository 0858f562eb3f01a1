"""The jobs of the page Loss lab: what losses and their gradients are, on curves, synthetic labels and crops."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.jobs.job import Job, Resource
from explorer.losses.lab import AllBackgroundLoss, Cost, GradientMaps, LabCrop, LossCurve
from explorer.losses.spec import LossSpec
from explorer.segmenter.inputs import InputSpec

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LossCurves(Job[tuple[LossCurve, ...]]):
    """Losses and their gradients against the probability of the true class."""

    entry = "explorer.jobs.loss_lab:loss_curves"
    resource = Resource.QUICK
    limit = 30.0
    title = "loss curves"

    specs: tuple[LossSpec, ...]
    share: float


@dataclass(frozen=True)
class CompareMisses(Job[tuple[tuple[Mask, Mask], tuple[Cost, ...]]]):
    """Many pixels of one object missed against one pixel of many objects."""

    entry = "explorer.jobs.loss_lab:compare_misses"
    resource = Resource.QUICK
    limit = 30.0
    title = "cost of misses"

    specs: tuple[LossSpec, ...]
    objects: int
    object_side: int
    share: float
    missed_of_one: int
    objects_with_miss: int
    confidence: float


@dataclass(frozen=True)
class PredictOnlyBackground(Job[tuple[AllBackgroundLoss, ...]]):
    """What each loss costs where nothing is found."""

    entry = "explorer.jobs.loss_lab:find_nothing"
    resource = Resource.QUICK
    limit = 30.0
    title = "cost of finding nothing"

    specs: tuple[LossSpec, ...]
    objects: int
    object_side: int
    share: float
    confidence: float


@dataclass(frozen=True)
class CompareMissed(Job[tuple[Cost, ...]]):
    """The given pixels missed against as many in as few objects as possible."""

    entry = "explorer.jobs.loss_lab:compare_missed"
    resource = Resource.QUICK
    limit = 30.0
    title = "cost of the given misses"

    specs: tuple[LossSpec, ...]
    objects: int
    object_side: int
    share: float
    missed: tuple[int, ...]  # numbers of pixels of objects, row by row
    confidence: float


@dataclass(frozen=True)
class GradientsWhereMissed(Job[NDArray[np.float64]]):
    """The gradient of each loss at a missed pixel, (losses, probabilities)."""

    entry = "explorer.jobs.loss_lab:gradients_where_missed"
    resource = Resource.QUICK
    limit = 30.0
    title = "gradients at a missed pixel"

    specs: tuple[LossSpec, ...]
    share: float
    probabilities: tuple[float, ...]  # of the objects' class, everywhere


@dataclass(frozen=True)
class ListLabCrops(Job[tuple[LabCrop, ...]]):
    """The validation crops of a dataset for which gradients of a run can be computed."""

    entry = "explorer.jobs.loss_lab:list_crops"
    resource = Resource.QUICK
    limit = 60.0
    title = "validation crops"

    dataset: Path
    inputs: InputSpec  # of the run


@dataclass(frozen=True)
class MapGradients(Job[GradientMaps]):
    """The gradients of losses on a crop, at a checkpoint of a run."""

    entry = "explorer.jobs.loss_lab:map_gradients"
    resource = Resource.QUICK
    limit = 60.0
    title = "gradients on a crop"

    run: Path
    dataset: Path
    checkpoint: str
    crop: int
    specs: tuple[LossSpec, ...]
    device: str
