"""The kinds of jobs: typed values, whose functions are in other modules of this package.

A new kind of job is a class here, or beside those of its page, a line in ``JOBS``, and a function that does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.choices import Polygon
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.jobs.job import FileJob, Job, Resource
from explorer.jobs.loss_lab_jobs import (
    CompareMissed,
    CompareMisses,
    GradientsWhereMissed,
    ListLabCrops,
    LossCurves,
    MapGradients,
    PredictOnlyBackground,
)
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.registry import LOSSES, LossKind
from explorer.runs.folder import RunFolder
from explorer.runs.prediction_names import PredictionFile, prediction_file
from explorer.runs.slice_files import PointPrediction, curvature_file, slice_file
from explorer.runs.threshold_sweep import sweep_file
from explorer.training.fingerprint import Fingerprint
from explorer.training.recipe import SegmenterKind

if TYPE_CHECKING:  # their readers import libraries that a server needs late or never
    from explorer.metrics.splitting_predictions import ObjectCut
    from explorer.runs.decoded_image import DecodedImage  # noqa: F401 (likewise)
    from explorer.runs.image_reading import ImagesToRead
    from explorer.runs.upload_reading import UploadReading, UploadToRead  # noqa: F401 (named in a base class)


@dataclass(frozen=True)
class TrainRun(Job[None]):
    """Trains a run until it ends or pauses, unless it was taken out of the queue before."""

    entry = "explorer.jobs.training:train_run"
    resource = Resource.TRAIN
    limit = float("inf")
    title = "training"

    run: Path  # its folder
    dataset: Path  # file of the dataset that it trains on
    device: str
    checkpoint_steps: int
    topic: str  # under which the server listens
    key: str  # by which the cluster knows the job


# Jobs that leave a file ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MeasureSlice(FileJob):
    """Measures a slice of a run's landscape."""

    entry = "explorer.jobs.landscape:measure_slice"
    resource = Resource.SLICE
    limit = 3600.0
    title = "slice"

    request: SliceRequest

    def describe(self) -> str:
        """Which plane, around which checkpoint."""
        return f"{self.request.plane.kind} slice around {self.request.checkpoint or 'the last checkpoint'}"

    @property
    def file(self) -> Path:
        """The slice's file."""
        return slice_file(RunFolder(self.run), self.request)


@dataclass(frozen=True)
class MeasureCurvature(FileJob):
    """Measures the curvature of a loss at a checkpoint."""

    entry = "explorer.jobs.landscape:measure_curvature"
    resource = Resource.SLICE
    limit = 900.0
    title = "curvature"

    loss: LossKind
    checkpoint: str

    def describe(self) -> str:
        """Of which loss, at which checkpoint."""
        return f"curvature of {LOSSES[self.loss].name} at {self.checkpoint}"

    @property
    def file(self) -> Path:
        """The report's file."""
        return curvature_file(RunFolder(self.run), self.loss, self.checkpoint)


@dataclass(frozen=True)
class SweepThresholds(FileJob):
    """Scores a checkpoint on the validation scenes at every threshold."""

    entry = "explorer.jobs.threshold_sweep:sweep_thresholds"
    resource = Resource.QUICK
    limit = 900.0
    title = "threshold sweep"

    checkpoint: str
    rule: MatchRule = HALF_IOU
    split: bool = False  # separate neighbours

    def describe(self) -> str:
        """Of which checkpoint, under which match rule."""
        under = "" if self.rule == HALF_IOU else f" ({self.rule.words})"
        return f"threshold sweep of {self.checkpoint}{under}"

    @property
    def file(self) -> Path:
        """The sweep's file."""
        return sweep_file(RunFolder(self.run), self.checkpoint, self.rule, self.split)


@dataclass(frozen=True)
class PredictImage(FileJob):
    """Predicts for an image, and keeps the probabilities. A prediction is its visitor's: its name cannot be guessed."""

    entry = "explorer.jobs.predicting:predict_image"
    resource = Resource.PREDICT
    limit = 1800.0
    title = "prediction"

    name: str  # of the prediction, see ``prediction_name``
    image: Path  # file of a decoded image, or of the dataset that holds the scene
    scene: str | None  # its name in the dataset; None: the file is a decoded image
    checkpoint: str
    flips: bool
    diameters: tuple[float, ...]  # of typical objects of class 1, 2, …, in pixels; none: not known
    forced: bool  # also if the values lie outside the range that the run was trained on
    memory: int  # bytes that it may take

    def describe(self) -> str:
        """With which checkpoint. The name of the image is for its visitor alone, and the title is not."""
        return f"prediction of {self.checkpoint}"

    @property
    def file(self) -> Path:
        """The prediction's file."""
        return prediction_file(self.run, self.name)


# Jobs that answer ---------------------------------------------------------------------------------------------

Values = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Of each point: values and standard errors of the fields, (fields,) each."""


@dataclass(frozen=True)
class EvaluatePoints(Job[Values]):
    """Evaluates some points of a slice that another worker is in charge of."""

    entry = "explorer.jobs.landscape:evaluate_points"
    resource = Resource.SLICE
    limit = 600.0
    title = "points of a slice"

    run: Path
    request: SliceRequest
    plane: str  # hash of its vectors
    points: tuple[tuple[float, float], ...]  # alpha and beta


@dataclass(frozen=True)
class PredictPoint(Job[PointPrediction]):
    """Predicts a mask with the weights at a point of a slice's plane."""

    entry = "explorer.jobs.landscape:predict_point"
    resource = Resource.QUICK
    limit = 60.0
    title = "prediction at a point"

    run: Path
    request: SliceRequest
    path: tuple[str, ...]  # the checkpoints on the slice: its plane may be fitted to them
    alpha: float
    beta: float
    crop: int


@dataclass(frozen=True)
class MeasureDataset(Job[Fingerprint]):
    """Takes the fingerprint of a dataset, which stays beside it for all visitors."""

    entry = "explorer.jobs.planning:measure_dataset"
    resource = Resource.QUICK
    limit = 120.0
    title = "fingerprint"

    dataset: Path  # its file


@dataclass(frozen=True)
class MeasureStep(Job[float]):
    """Measures how long a step takes now, in seconds: it depends on what else the machine does."""

    entry = "explorer.jobs.planning:measure_step"
    resource = Resource.QUICK
    limit = 120.0
    title = "time of a step"

    dataset: Path  # its file
    fingerprint: Fingerprint
    segmenter: SegmenterKind
    device: str


@dataclass(frozen=True)
class ReadUpload(Job["UploadReading"]):
    """Reads the files of an upload; leaves the dataset that they are as a file beside them."""

    entry = "explorer.jobs.reading:read_upload"
    resource = Resource.READ
    limit = 900.0
    title = "reading of an upload"

    upload: UploadToRead


@dataclass(frozen=True)
class PlaceAreas(Job[dict[str, tuple[Polygon, ...]]]):
    """Lays the polygons of a vector file on the scenes of an upload, as areas of interest."""

    entry = "explorer.jobs.reading:place_areas"
    resource = Resource.READ
    limit = 300.0
    title = "areas of a vector file"

    upload: UploadToRead
    data: bytes
    name: str


@dataclass(frozen=True)
class ReadImages(Job["tuple[DecodedImage, ...]"]):
    """Decodes the images of an upload, to predict for them."""

    entry = "explorer.jobs.reading:read_images"
    resource = Resource.READ
    limit = 900.0
    title = "reading of images"

    upload: ImagesToRead


@dataclass(frozen=True)
class PackPrediction(Job[bytes]):
    """A prediction at thresholds as a file for other programs."""

    entry = "explorer.jobs.predicting:pack_prediction"
    resource = Resource.QUICK
    limit = 300.0
    title = "download of a prediction"

    prediction: Path  # its file
    kind: PredictionFile
    thresholds: tuple[float, ...] | None  # see ``Prediction.mask``
    cuts: tuple[ObjectCut, ...]


JOBS: tuple[type[Job[Any]], ...] = (
    TrainRun,
    MeasureSlice,
    MeasureCurvature,
    SweepThresholds,
    PredictImage,
    EvaluatePoints,
    PredictPoint,
    LossCurves,
    CompareMisses,
    PredictOnlyBackground,
    CompareMissed,
    GradientsWhereMissed,
    ListLabCrops,
    MapGradients,
    MeasureDataset,
    MeasureStep,
    ReadUpload,
    PlaceAreas,
    ReadImages,
    PackPrediction,
)
"""All kinds of jobs."""
