"""From a plane's spec to the plane, its report and the run's path as projected onto it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.landscape.directions import PlaneContext, WeightsOf, line_along
from explorer.landscape.evaluation import evaluate_at
from explorer.landscape.objective import Objective
from explorer.landscape.plane import Plane
from explorer.landscape.plane_kinds import PlaneSpec, plane_kind
from explorer.landscape.slice_meta import PathPoint, PlaneReport


@dataclass(frozen=True, eq=False)
class BuiltPlane:
    """A plane and its report."""

    plane: Plane
    report: PlaneReport


def build_plane(spec: PlaneSpec, objective: Objective, weights_of: WeightsOf, path: Sequence[str]) -> BuiltPlane:
    """Builds the plane of a spec, through the objective's current weights.

    Args:
        path: names of the run's checkpoints, oldest first.

    Raises:
        InputError: there is no such kind, checkpoint or layer, or the directions do not span a plane.
    """
    builder = resolve_name(plane_kind(spec.kind).builder)
    plane: Plane = builder(PlaneContext(objective, weights_of, path), **spec.settings)
    if spec.line and not plane.is_line:
        plane = line_along(plane)
    return BuiltPlane(plane, _report(plane))


def _report(plane: Plane) -> PlaneReport:
    digest = hashlib.blake2b(digest_size=8)
    for vector in (plane.centre, plane.first, plane.second):
        digest.update(vector.detach().cpu().numpy().tobytes())
    return PlaneReport(
        labels=plane.labels,
        cosine=plane.cosine,
        norms=plane.norms,
        explained_variance=plane.explained_variance,
        eigenvalues=plane.eigenvalues,
        residuals=plane.residuals,
        alpha_middle=plane.alpha_middle,
        beta_middle=plane.beta_middle,
        is_line=plane.is_line,
        content_hash=digest.hexdigest(),
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
        raise InputError(f"is not a readable plane ({error})", path.name, "remove it and try again") from None
    plane = Plane(
        centre,
        first,
        second,
        report.labels,
        report.explained_variance,
        report.eigenvalues,
        report.residuals,
        report.alpha_middle,
        report.beta_middle,
    )
    return BuiltPlane(plane, report)


def locate(plane: Plane, weights: Tensor, checkpoint: str, step: int, phase: int) -> PathPoint:
    """A checkpoint (flat weights, (N,)) projected onto the plane, without its losses: see ``with_losses``."""
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
    """The projected checkpoint with its own losses and those at its coordinates on the plane: two forwards."""
    losses = [(column, field.name) for column, field in enumerate(objective.fields) if field.group == "loss"]
    true, on_plane = (evaluate_at(objective, each)[0] for each in (weights, plane.at(point.alpha, point.beta)))
    return point.model_copy(
        update={
            "true": {name: float(true[column]) for column, name in losses},
            "on_plane": {name: float(on_plane[column]) for column, name in losses},
        }
    )
