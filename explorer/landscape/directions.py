"""Directions in weight space, and the planes that they span.

- random, filter- or layer-normalised: Li et al. 2018, arXiv 1712.09913
- principal components of a run's checkpoints, through their small Gram matrix
- eigenvectors of the Hessian of a loss
- the negative gradients of two losses
- through three checkpoints, or along the line between two

The builders at the end are the ones that ``plane_kinds`` refers to. A filter's norm is taken per output filter.
One-dimensional parameters (biases, norms) have no component in random directions. Gram–Schmidt comes last, after every
normalisation: otherwise the cosine that is reported would not be the plane's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.landscape.curvature import HessianOperator, top_eigenpairs
from explorer.landscape.objective import Objective, flatten
from explorer.landscape.plane import Plane
from explorer.losses.registry import LOSSES

LOCAL_LENGTH = 0.01
"""Length of gradient and Hessian directions, as a share of the weights' norm: the loss changes visibly within it."""

Normalisation = Literal["filter", "layer"]
WeightsOf = Callable[[str], Tensor]
"""Gives the flat weights (N,) of a checkpoint by its file's name."""


def no_checkpoints(name: str) -> Tensor:
    """``WeightsOf`` where there is no run.

    Raises:
        InputError: always.
    """
    raise InputError("there are no checkpoints", name, "choose another kind of plane")


@dataclass(frozen=True, eq=False)
class PlaneContext:
    """What every builder of a plane receives.

    Attributes:
        objective: at the weights of the centre.
        weights_of: of any checkpoint.
        path: names of the run's checkpoints, oldest first.
    """

    objective: Objective
    weights_of: WeightsOf = no_checkpoints
    path: Sequence[str] = ()

    @property
    def centre(self) -> Tensor:
        """(N,): the objective's current weights."""
        return flatten(self.objective.parameters)


def filter_axes(module: nn.Module) -> dict[str, int | None]:
    """Of every parameter of a module, the dimension that counts output filters: 0, but 1 in transposed convolutions."""
    transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    axes: dict[str, int | None] = {}
    for prefix, child in module.named_modules():
        for name, parameter in child.named_parameters(prefix, recurse=False):
            axes[name] = None if parameter.dim() < 2 else 1 if isinstance(child, transposed) else 0
    return axes


def gradient(objective: Objective, kind: str) -> Tensor:
    """(N,): gradient of a loss at the current weights."""
    grads = torch.autograd.grad(objective.loss(kind), list(objective.parameters), materialize_grads=True)
    return flatten(grads)


def layer_mask(objective: Objective, layers: Sequence[str]) -> Tensor:
    """(N,): 1 for weights whose name begins with one of the layers, 0 elsewhere; all 1 if none are given.

    Raises:
        InputError: there is no such layer.
    """
    if not layers:
        return torch.ones_like(flatten(objective.parameters))
    for layer in layers:
        if not any(_belongs(name, layer) for name in objective.names):
            known = sorted({name.split(".")[0] for name in objective.names})
            raise InputError(f"there is no layer {layer!r}", "layers", f"take some of {', '.join(known)}")
    chosen = [any(_belongs(name, layer) for layer in layers) for name in objective.names]
    return flatten([torch.full_like(each, float(on)) for each, on in zip(objective.parameters, chosen, strict=True)])


def _belongs(name: str, layer: str) -> bool:
    """``encoder.1.0.weight`` belongs to ``encoder`` and ``encoder.1``, not to ``encoder.10``."""
    return f"{name}.".startswith(f"{layer}.")


def random_direction(objective: Objective, seed: int, normalisation: Normalisation = "filter") -> Tensor:
    """(N,): Gaussian, each filter (or layer) scaled to the norm of the weights' own (Li et al. 2018, section 4).

    The draw depends on the seed alone, not on the device. A filter whose weights are all zero stays zero.
    """
    generator = torch.Generator().manual_seed(seed)
    parts: list[Tensor] = []
    for weights, axis in zip(objective.parameters, objective.filter_axes, strict=True):
        draw = torch.randn(weights.shape, generator=generator).to(weights)
        parts.append(torch.zeros_like(draw) if axis is None else _rescale(draw, weights, axis, normalisation))
    return flatten(parts)


def _rescale(draw: Tensor, weights: Tensor, axis: int, normalisation: Normalisation) -> Tensor:
    over = [dim for dim in range(draw.dim()) if normalisation == "layer" or dim != axis]
    own = torch.linalg.vector_norm(draw, dim=over, keepdim=True)
    wanted = torch.linalg.vector_norm(weights.detach(), dim=over, keepdim=True)
    scale: Tensor = torch.where(own > 0, wanted / own, 0)
    scaled: Tensor = draw * scale
    return scaled


def orthogonal(direction: Tensor, to: Tensor) -> Tensor:
    """The part of a direction that is orthogonal to another, scaled back to its own length (Gram–Schmidt).

    Raises:
        InputError: nothing is left.

    >>> orthogonal(torch.tensor([3.0, 4.0]), to=torch.tensor([2.0, 0.0]))
    tensor([0., 5.])
    """
    one, other = direction.double(), to.double()
    rest = one
    for _ in range(2):  # once more: the first pass leaves a rounding error along ``to``
        rest = rest - (rest @ other) / (other @ other) * other
    if rest.norm() <= 1e-6 * one.norm():
        raise InputError("the two directions lie on one line", "plane", "choose another pair")
    scaled: Tensor = rest * (one.norm() / rest.norm())
    return scaled.to(direction.dtype)


def random_plane(context: PlaneContext, seed: int, normalisation: Normalisation, layers: Sequence[str]) -> Plane:
    """Two random directions from the centre, orthogonal to each other.

    Raises:
        InputError: there is no such layer, or none of them has filters.
    """
    mask = layer_mask(context.objective, layers)
    first, second = (random_direction(context.objective, 2 * seed + k, normalisation) * mask for k in range(2))
    if not first.any():
        raise InputError(
            "these layers have no filters", "layers", "choose layers with weights of two dimensions or more"
        )
    label = f"{normalisation}-normalised random direction"
    return Plane(context.centre, first, orthogonal(second, first), (f"{label} 1", f"{label} 2"))


def pca_plane(context: PlaneContext, layers: Sequence[str]) -> Plane:
    """The first two principal components of the path's checkpoints, through the centre.

    From the M×M Gram matrix of the M checkpoints, never an N×N covariance. Each direction is as long as the furthest
    checkpoint lies from the centre along it, so that an extent of 1 shows the whole path.

    Raises:
        InputError: fewer than three checkpoints, or they lie on a line.
    """
    if len(context.path) < 3:
        raise InputError(
            f"principal components need three checkpoints, there are {len(context.path)}", "checkpoints", "train on"
        )
    mask = layer_mask(context.objective, layers).double()
    centre = context.centre
    path = torch.stack([context.weights_of(name).double() * mask for name in context.path])
    spread = path - path.mean(0)
    values, vectors = torch.linalg.eigh(spread @ spread.T)
    if values[-2] <= 1e-10 * values[-1]:
        raise InputError("the checkpoints lie on one line", "checkpoints", "take the line between two of them")
    total = float(values.clamp_min(0).sum())
    directions: list[Tensor] = []
    for index in (-1, -2):
        unit = spread.T @ vectors[:, index] / values[index].sqrt()
        coordinates = (path - centre.double() * mask) @ unit
        furthest = coordinates[coordinates.abs().argmax()]  # its sign too: the path lies at positive coordinates
        directions.append((unit * furthest).to(centre.dtype))
    return Plane(
        centre,
        directions[0],
        directions[1],
        ("principal component 1 of the path", "principal component 2 of the path"),
        explained_variance=(float(values[-1]) / total, float(values[-2]) / total),
    )


def hessian_plane(
    context: PlaneContext, losses: Sequence[str], ends: Literal["LA", "BE"], seed: int, layers: Sequence[str]
) -> Plane:
    """Two eigenvectors of the Hessian of a loss at the centre, with their eigenvalues and residuals.

    Args:
        losses: the first one counts.
        ends: "LA": the two largest eigenvalues; "BE": the largest and the smallest, which is negative at a saddle.
        seed: of the Lanczos iteration's start vector.

    Raises:
        InputError: there is no such layer, or the eigenvalues do not converge.
    """
    mask, kind = layer_mask(context.objective, layers), losses[0]
    pairs = top_eigenpairs(HessianOperator(context.objective, kind, mask), 2, seed=seed, which=ends)
    length = LOCAL_LENGTH * float((context.centre * mask).norm())
    first, second = (vector * length for vector in pairs.vectors)
    labels = tuple(f"Hessian eigenvector of {_loss_name(kind)}, λ = {value:.3g}" for value in pairs.values)
    return Plane(
        context.centre,
        first,
        orthogonal(second, first),
        (labels[0], labels[1]),
        eigenvalues=pairs.values,
        residuals=pairs.residuals,
    )


def gradients_plane(context: PlaneContext, losses: Sequence[str], layers: Sequence[str]) -> Plane:
    """Steepest descent of two losses at the centre: of the first along alpha, of the second along beta.

    They are not made orthogonal: their cosine says how far the two losses agree.

    Raises:
        InputError: there is no such layer, a gradient is zero, or both lie on one line.
    """
    mask, centre = layer_mask(context.objective, layers), context.centre
    length = LOCAL_LENGTH * float((centre * mask).norm())
    directions: list[Tensor] = []
    for kind in losses:
        descent = -gradient(context.objective, kind) * mask
        norm = float(descent.norm())
        if norm == 0:
            raise InputError(f"the gradient of {kind} is zero here", "plane", "choose another loss or checkpoint")
        directions.append(descent * (length / norm))
    labels = tuple(f"negative gradient of {_loss_name(kind)}" for kind in losses)
    return Plane(centre, directions[0], directions[1], (labels[0], labels[1]))


def checkpoints_plane(context: PlaneContext, checkpoints: Sequence[str]) -> Plane:
    """Through checkpoints: the first lies at (0, 0), the second at (1, 0), the third at (0, 1).

    Two of them give the line from the first, at 0, to the second, at 1.

    Raises:
        InputError: a checkpoint is not there, or they lie on one line.
    """
    origin, *others = (context.weights_of(name) for name in checkpoints)
    titles = [_checkpoint_title(name) for name in checkpoints]
    labels = [f"from {titles[0]} to {title}" for title in titles[1:]]
    if len(others) == 1:
        return Plane(origin, others[0] - origin, torch.zeros_like(origin), (labels[0], ""), alpha_middle=0.5)
    first, second = (other - origin for other in others)
    return Plane(origin, first, second, (labels[0], labels[1]), alpha_middle=0.5, beta_middle=0.5)


def line_along(plane: Plane) -> Plane:
    """One dimension: the plane's first direction alone."""
    return Plane(
        plane.centre,
        plane.first,
        torch.zeros_like(plane.second),
        (plane.labels[0], ""),
        plane.explained_variance[:1],
        plane.eigenvalues[:1],
        plane.residuals[:1],
        plane.alpha_middle,
    )


def _loss_name(kind: str) -> str:
    names: dict[str, str] = {key: info.name for key, info in LOSSES.items()}
    return names.get(kind, kind)


def _checkpoint_title(name: str) -> str:
    """A checkpoint's file in words.

    >>> _checkpoint_title("step_00000120.safetensors"), _checkpoint_title("3f2a/step_00000040.safetensors")
    ('step 120', 'step 40 of run 3f2a')
    """
    parts = re.fullmatch(r"(?:(.+)/)?step_(\d+)\.safetensors", name)
    if parts is None:
        return name
    return f"step {int(parts[2])}" + (f" of run {parts[1]}" if parts[1] else "")
