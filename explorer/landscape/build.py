"""From a plane's spec to the plane, and what it reports about itself and the run's path."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.landscape import directions
from explorer.landscape.evaluation import evaluate_at
from explorer.landscape.objective import Objective
from explorer.landscape.plane import Plane
from explorer.landscape.slice_meta import PathPoint, PlaneReport
from explorer.landscape.spec import PlaneSpec

WeightsOf = Callable[[str], Tensor]
"""Gives the flat weights (N,) of a checkpoint by its file's name."""


@dataclass(frozen=True, eq=False)
class BuiltPlane:
    """A plane with what was found on the way to it."""

    plane: Plane
    report: PlaneReport


def build_plane(spec: PlaneSpec, objective: Objective, weights_of: WeightsOf, path: Sequence[str]) -> BuiltPlane:
    """The plane of a spec, through the objective's present weights.

    Args:
        path: names of the run's checkpoints, which principal directions are taken from.

    Raises:
        InputError: there is no such checkpoint or layer, or the directions do not span a plane.
    """
    eigenvalues: tuple[float, ...] = ()
    residuals: tuple[float, ...] = ()
    if spec.kind == "random":
        plane = directions.random_plane(objective, spec.seed, spec.normalisation, spec.layers)
    elif spec.kind == "pca":
        plane = directions.pca_plane(objective, [weights_of(name) for name in path], spec.layers)
    elif spec.kind == "hessian":
        plane, eigenvalues, residuals = directions.hessian_plane(
            objective, spec.losses[0], spec.seed, spec.layers, spec.ends
        )
    elif spec.kind == "gradients":
        plane = directions.gradients_plane(objective, spec.losses, spec.layers)
    else:
        plane = _through_checkpoints(spec, weights_of)
    if spec.line and not plane.is_line:
        plane, eigenvalues, residuals = directions.line_along(plane), eigenvalues[:1], residuals[:1]
    return BuiltPlane(plane, _report(plane, eigenvalues, residuals))


def _through_checkpoints(spec: PlaneSpec, weights_of: WeightsOf) -> Plane:
    if spec.layers:
        raise InputError("a plane through checkpoints moves all layers", "layers", "leave them out")
    weights = [weights_of(name) for name in spec.checkpoints]
    if spec.line:
        return directions.checkpoints_line((weights[0], weights[1]), (spec.checkpoints[0], spec.checkpoints[1]))
    first, second, third = spec.checkpoints
    return directions.checkpoints_plane((weights[0], weights[1], weights[2]), (first, second, third))


def _report(plane: Plane, eigenvalues: tuple[float, ...], residuals: tuple[float, ...]) -> PlaneReport:
    digest = hashlib.blake2b(digest_size=8)
    for vector in (plane.centre, plane.first, plane.second):
        digest.update(vector.detach().cpu().numpy().tobytes())
    return PlaneReport(
        labels=plane.labels,
        cosine=plane.cosine,
        norms=plane.norms,
        explained_variance=plane.explained_variance,
        eigenvalues=eigenvalues,
        residuals=residuals,
        alpha_middle=plane.alpha_middle,
        beta_middle=plane.beta_middle,
        is_line=plane.is_line,
        fingerprint=digest.hexdigest(),
    )


def save_plane(built: BuiltPlane, path: Path) -> None:
    """Writes a plane, whole or not at all, into a folder that is made if need be."""
    path.parent.mkdir(exist_ok=True)
    plane = built.plane
    vectors = {"centre": plane.centre, "first": plane.first, "second": plane.second}
    tensors = {name: vector.detach().cpu().contiguous() for name, vector in vectors.items()}
    write_atomically(path, save(tensors, {"report": built.report.model_dump_json()}))


def load_plane(path: Path, device: torch.device) -> BuiltPlane:
    """Reads a plane that ``save_plane`` wrote.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            report = PlaneReport.model_validate_json((file.metadata() or {})["report"])
            centre, first, second = (file.get_tensor(name).to(device) for name in ("centre", "first", "second"))
    except (OSError, SafetensorError, KeyError, ValidationError) as error:
        raise InputError(f"is no readable plane ({error})", path.name, "remove it and try again") from None
    plane = Plane(
        centre, first, second, report.labels, report.explained_variance, report.alpha_middle, report.beta_middle
    )
    return BuiltPlane(plane, report)


def locate(plane: Plane, weights: Tensor, checkpoint: str, step: int, phase: int) -> PathPoint:
    """Where a checkpoint lies, seen from the plane; its losses are still to be measured."""
    seen = plane.project(weights)
    return PathPoint(
        checkpoint=checkpoint,
        step=step,
        phase=phase,
        alpha=seen.alpha,
        beta=seen.beta,
        distance=seen.distance,
        true={},
        on_plane={},
    )


def with_losses(point: PathPoint, objective: Objective, plane: Plane, weights: Tensor) -> PathPoint:
    """The checkpoint's own losses, and those of the plane's point beneath it: two forwards."""
    losses = [(column, field.name) for column, field in enumerate(objective.fields) if field.group == "loss"]
    true, beneath = (evaluate_at(objective, each)[0] for each in (weights, plane.at(point.alpha, point.beta)))
    return point.model_copy(
        update={
            "true": {name: float(true[column]) for column, name in losses},
            "on_plane": {name: float(beneath[column]) for column, name in losses},
        }
    )
