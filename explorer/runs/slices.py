"""Landscapes of a run: a slice as a generator, points shared among workers, the mask at a point, curvature.

The one code path of workers and of the command line. The validation crops lie in the run's folder (see
``save_landscape_data``), so that a slice needs the folder alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import InputError
from explorer.imagery.archive import content_hash
from explorer.imagery.match_rule import HALF_IOU
from explorer.imagery.scene import Dataset
from explorer.landscape.build import BuiltPlane, build_plane, load_plane, locate, save_plane, with_losses
from explorer.landscape.crops import LANDSCAPE_DATA_FILE, LandscapeData, cut_crops
from explorer.landscape.curvature import HessianOperator, stable_curvature, top_eigenpairs, trace
from explorer.landscape.directions import WeightsOf, layer_mask
from explorer.landscape.evaluation import Writer, restored, standard_error
from explorer.landscape.grid import Grid
from explorer.landscape.objective import Objective, flatten
from explorer.landscape.plane import Plane
from explorer.landscape.plane_kinds import plane_kind
from explorer.landscape.refine import PointEvaluator, Refinement, refine
from explorer.landscape.segmenter_objective import SegmenterObjective
from explorer.landscape.side_by_side import SideBySide
from explorer.landscape.slice import Journal, Slice, empty_refinement, known_points
from explorer.landscape.slice_meta import PathPoint, SliceMeta, SliceRequest
from explorer.losses.registry import LossKind
from explorer.losses.spec import logged_specs
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import JobProgress, Report
from explorer.runs.segmenters import find_checkpoint, load_segmenter
from explorer.runs.slice_files import CurvatureReport, PointPrediction
from explorer.training.checkpoints import Checkpoint
from explorer.training.schedule import effective_learning_rate
from explorer.training.watching import trained_and_held_out
from explorer.training.weighting import logged_weights, weights_of_data

MOST_PATH = 60
"""Of a longer path, so many checkpoints are taken, evenly spaced, the last among them."""


@dataclass(frozen=True, eq=False)
class SliceSetup:
    """A run's segmenter at a checkpoint, on its crops, with a plane through it."""

    folder: RunFolder
    objective: SegmenterObjective
    data: LandscapeData
    built: BuiltPlane
    meta: SliceMeta

    @property
    def plane(self) -> Plane:
        """The plane."""
        return self.built.plane


def save_landscape_data(folder: RunFolder, dataset: Dataset) -> LandscapeData:
    """Cuts the validation crops of a run's landscapes at its working scale, once, and keeps them in its folder."""
    plan = folder.plan()
    trained = replace(dataset, training=trained_and_held_out(plan, dataset).training)
    weights = logged_weights(plan, weights_of_data(trained))
    crops = cut_crops(dataset.validation, len(dataset.classes), dataset.stretch, plan.inputs)
    minimum_area = plan.inputs.working_area(dataset.minimum_area)
    rule = dataset.match_rule.scaled(plan.inputs.scale)
    data = LandscapeData(crops, dataset.classes, weights, content_hash(dataset), minimum_area, rule)
    data.save(folder.path / LANDSCAPE_DATA_FILE)
    return data


def ensure_landscape_data(folder: RunFolder, dataset: Callable[[], Dataset]) -> None:
    """Likewise, where it has not been done; a dataset without labelled validation pixels has no landscape.

    Args:
        dataset: reads the dataset, which takes longer than the first points of a slice.
    """
    if not (folder.path / LANDSCAPE_DATA_FILE).exists():
        with suppress(InputError):  # said when a landscape is asked for; no reason not to train
            save_landscape_data(folder, dataset())


def prepare(
    folder: RunFolder,
    request: SliceRequest,
    device: str = "auto",
    path: Sequence[str] | None = None,
    also: Sequence[LossKind] = (),
) -> SliceSetup:
    """Loads what a slice needs and builds its plane.

    Args:
        folder: of the run.
        request: which slice.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        path: names of the checkpoints of an earlier setup, which gives its plane again although others have arrived
            since; those that the run has now if not given.
        also: losses to measure beside those that every slice has, those that the run trained and those of the plane.

    Raises:
        InputError: run, checkpoint, layers, plane or device are not there or do not go together.
    """
    Grid(request.extent, request.resolution)  # refuses what is out of range before the work begins
    data = LandscapeData.load(folder.path / LANDSCAPE_DATA_FILE)
    centre, _ = find_checkpoint(folder, request.checkpoint)
    trained = [phase.loss.kind for phase in folder.plan().phases]
    objective = SegmenterObjective(
        load_segmenter(folder, centre, device),
        data.crops,
        logged_specs(data.class_weights, (*trained, *request.plane.losses, *also)),
        data.classes,
        request.objects,
        data.minimum_area,
        data.match_rule,
    )
    names = [file.name for file in _thinned(folder.checkpoint_files())] if path is None else path
    states = {name: find_checkpoint(folder, name)[1] for name in names}

    def weights_of(name: str) -> Tensor:
        state = states[name] if name in states else find_checkpoint(folder, name)[1]
        return _flat(state, name, objective)

    built = _build(folder, centre, request, objective, data, weights_of, list(states))
    located = tuple(
        locate(built.plane, weights_of(name), name, state.step, state.position.phase) for name, state in states.items()
    )
    meta = SliceMeta(
        run=folder.path.name,
        checkpoint=centre,
        request=request,
        report=built.report,
        path=located,
        fields=objective.fields,
        classes=data.classes,
        class_weights=data.class_weights,
        data=data.dataset_id,
        crops=data.crops.content_hash,
        versions={name: version(name) for name in ("torch", "numpy", "scipy")},
        minimum_area=data.minimum_area if request.objects else None,
        match_rule=data.match_rule if request.objects else HALF_IOU,
    )
    return SliceSetup(folder, objective, data, built, meta)


def _build(
    folder: RunFolder,
    centre: str,
    request: SliceRequest,
    objective: SegmenterObjective,
    data: LandscapeData,
    weights_of: WeightsOf,
    path: Sequence[str],
) -> BuiltPlane:
    """Builds the plane. Eigenvectors take seconds: they are kept in the run's folder, for clicks and other workers."""
    if not plane_kind(request.plane.kind).cached:
        return build_plane(request.plane, objective, weights_of, path)
    key = "\n".join((centre, request.plane.model_dump_json(), data.crops.content_hash))
    file = folder.path / "planes" / f"{blake2b(key.encode(), digest_size=8).hexdigest()}.safetensors"
    if file.exists():
        return load_plane(file, objective.parameters[0].device)
    built = build_plane(request.plane, objective, weights_of, path)
    save_plane(built, file)
    return built


def _flat(state: Checkpoint, name: str, objective: SegmenterObjective) -> Tensor:
    shapes = {key: value.shape for key, value in state.weights.items()}
    wanted = {key: value.shape for key, value in zip(objective.names, objective.parameters, strict=True)}
    if shapes != wanted:
        raise InputError("it is of another segmenter", name, "take checkpoints of segmenters of one size")
    return flatten([state.weights[key] for key in objective.names]).to(objective.parameters[0].device)


def _thinned(files: Sequence[Path]) -> list[Path]:
    if len(files) <= MOST_PATH:
        return list(files)
    chosen = np.unique(np.round(np.linspace(0, len(files) - 1, MOST_PATH)).astype(int))
    return [files[index] for index in chosen]


def measure_slice(
    folder: RunFolder,
    request: SliceRequest,
    out: Path,
    device: str = "auto",
    measure_with: Callable[[SliceSetup], PointEvaluator] | None = None,
) -> Iterator[JobProgress]:
    """Measures a slice into a file, coarse to fine, and goes on with one that was broken off or is too coarse.

    Whoever closes the generator keeps what was measured. One process at a time may write the file: jobs and the command
    line hold its lock (``job_files.lock_file``).

    Args:
        folder: of the run.
        request: which slice.
        out: the slice's file; ``explorer.landscape.slice`` describes the journal that accompanies it.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        measure_with: gives who measures points, for example several workers; only this process if not given.

    Raises:
        InputError: see ``prepare``; or the file cannot be written.
    """
    setup = prepare(folder, request, device)
    refinement = empty_refinement(setup.meta)
    known = known_points(out, setup.meta)
    refinement.add(known)
    began, before = time.perf_counter(), refinement.count
    with Journal(out, setup.meta, known) as journal:
        measure_points = (measure_with or local_measure)(setup)
        for tile in refine(refinement, measure_points, request.budget):
            journal.append(tile)
            yield _progress(refinement, request, began, before)
        meta = setup.meta.model_copy(update={"path": tuple(_path_losses(setup))})
        journal.finish(Slice.of(refinement, meta), out)
    yield JobProgress(refinement.count, refinement.count, "points", 0.0, _finite(refinement.error_in_tolerances()))


def _progress(refinement: Refinement, request: SliceRequest, began: float, before: int) -> JobProgress:
    measured, expected = refinement.count, refinement.expected(request.budget)
    seconds_per_point = (time.perf_counter() - began) / max(1, measured - before)
    error = _finite(refinement.last_error_in_tolerances)
    return JobProgress(measured, expected, "points", seconds_per_point * (expected - measured), error)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def local_measure(setup: SliceSetup) -> PointEvaluator:
    """Values and standard errors of points, measured in this process."""
    side_by_side = SideBySide(setup.objective, setup.plane)

    def measured(
        points: Sequence[tuple[float, float]],
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        for values in side_by_side.evaluate(points):
            yield values[0], standard_error(values)

    return measured


def _path_losses(setup: SliceSetup) -> Iterator[PathPoint]:
    for point in setup.meta.path:
        weights = _flat(find_checkpoint(setup.folder, point.checkpoint)[1], point.checkpoint, setup.objective)
        yield with_losses(point, setup.objective, setup.plane, weights)


def predict_at(setup: SliceSetup, alpha: float, beta: float, crop: int = 0) -> PointPrediction:
    """The mask at a point, with its losses and metrics.

    Args:
        crop: index among the run's validation crops.

    Raises:
        InputError: there is no such crop.
    """
    crops, objective = setup.data.crops, setup.objective
    if not 0 <= crop < len(crops.labels):
        raise InputError(f"there is no crop {crop}", "crop", f"there are {len(crops.labels)}")
    writer = Writer(objective.parameters, setup.plane)
    image = torch.from_numpy(crops.images[crop : crop + 1]).to(objective.parameters[0].device)
    with restored(objective.parameters):
        writer.write(alpha, beta)
        with torch.inference_mode():
            logits = objective.logits()
            values = objective.evaluator(logits)[0]
            mask = _mask(logits[crop])
        writer.write(0.0, 0.0)
        with torch.inference_mode():
            centre_mask = _mask(objective.segmenter(image)[0])
    named = dict(zip((field.name for field in objective.fields), values.tolist(), strict=True))
    bands = len(setup.folder.dataset().bands)
    return PointPrediction(crops.images[crop, :bands], crops.labels[crop], mask, centre_mask, named)


def _mask(logits: Tensor) -> NDArray[np.uint8]:
    mask: NDArray[np.uint8] = logits.argmax(0).to(torch.uint8).cpu().numpy()
    return mask


def curvature_report(
    folder: RunFolder,
    loss: LossKind,
    checkpoint: str | None = None,
    count: int = 3,
    layers: Sequence[str] = (),
    seed: int = 0,
    device: str = "auto",
    report: Report = lambda _: None,
) -> CurvatureReport:
    """Top eigenvalues with residuals, trace with its standard error, and the curvature at which the rate is stable.

    Args:
        count: eigenvalues.
        report: called after each product of the Hessian with a vector.

    Raises:
        InputError: see ``prepare``; or the eigenvalues do not converge.
    """
    setup = prepare(folder, SliceRequest(checkpoint=checkpoint), device, also=(loss,))
    operator = _ObservedHessian(setup.objective, loss, layer_mask(setup.objective, layers), report)
    pairs = top_eigenpairs(operator, count, seed)
    estimate = trace(operator, seed=seed)
    _, state = find_checkpoint(folder, setup.meta.checkpoint)
    rate = effective_learning_rate(folder.plan(), state.position, state.step, state.learning_rate, state.rate_factor)
    return CurvatureReport(
        loss=loss,
        checkpoint=setup.meta.checkpoint,
        eigenvalues=pairs.values,
        residuals=pairs.residuals,
        trace=estimate.value,
        trace_error=estimate.standard_error,
        parameters=operator.size,
        learning_rate=rate,
        stable=stable_curvature(rate),
    )


class _ObservedHessian(HessianOperator):
    """Reports each product. How many there will be is known to nobody: Lanczos stops when it converges."""

    def __init__(self, objective: Objective, kind: str, mask: Tensor, report: Report) -> None:
        super().__init__(objective, kind, mask)
        self._report, self._products = report, 0

    def __call__(self, vector: Tensor) -> Tensor:
        self._report(JobProgress(self._products, None, "Hessian-vector products", None))
        self._products += 1
        return super().__call__(vector)
