"""Directions in weight space, and the planes that they span.

- random, filter- or layer-normalised: Li et al. 2018, arXiv 1712.09913
- principal components of checkpoints, through their small Gram matrix
- eigenvectors of the Hessian of a loss
- the gradients of two losses: what each loss wants
- through three checkpoints, or along the line between two

A filter's norm is taken per output filter. One-dimensional parameters (biases, norms) stay where they are in random
directions. Gram–Schmidt comes last, after every normalisation, or the cosine that is printed is not the plane's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.landscape.curvature import HessianOperator, top_eigenpairs
from explorer.landscape.objective import Objective, flatten
from explorer.landscape.plane import Plane
from explorer.landscape.spec import Normalisation
from explorer.losses.registry import LOSSES

_NAMES: dict[str, str] = {kind: info.name for kind, info in LOSSES.items()}

LOCAL_REACH = 0.01
"""Gradient and Hessian directions are this share of the weights' norm long: an extent of 1 is then a fair view."""


def filter_axes(module: nn.Module) -> dict[str, int | None]:
    """Of every parameter of a module, the dimension that counts output filters: 0, but 1 in transposed convolutions."""
    transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    axes: dict[str, int | None] = {}
    for prefix, child in module.named_modules():
        for name, parameter in child.named_parameters(prefix, recurse=False):
            axes[name] = None if parameter.dim() < 2 else 1 if isinstance(child, transposed) else 0
    return axes


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
    """(N,): Gaussian, each filter (or layer) scaled to the norm of the weights' own; the same on every device."""
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
    """
    one, other = direction.double(), to.double()
    rest = one
    for _ in range(2):  # once more: the first pass leaves a rounding error along ``to``
        rest = rest - (rest @ other) / (other @ other) * other
    if rest.norm() <= 1e-6 * one.norm():
        raise InputError("the two directions lie on one line", "plane", "choose another pair")
    scaled: Tensor = rest * (one.norm() / rest.norm())
    return scaled.to(direction.dtype)


def random_plane(
    objective: Objective, seed: int = 0, normalisation: Normalisation = "filter", layers: Sequence[str] = ()
) -> Plane:
    """Two random directions from the present weights, orthogonal."""
    mask = layer_mask(objective, layers)
    first, second = (random_direction(objective, 2 * seed + k, normalisation) * mask for k in range(2))
    if not first.any():
        raise InputError(
            "these layers have no filters", "layers", "choose layers with weights of two dimensions or more"
        )
    words = f"random direction, {normalisation}-normalised"
    return Plane(flatten(objective.parameters), first, orthogonal(second, first), (f"{words} 1", f"{words} 2"))


def pca_plane(objective: Objective, checkpoints: Sequence[Tensor], layers: Sequence[str] = ()) -> Plane:
    """The two principal directions of checkpoints (flat, at least three), through the present weights.

    From the M×M Gram matrix of the M checkpoints, never an N×N covariance. Each direction is as long as the furthest
    checkpoint lies from the centre along it, so that an extent of 1 shows the whole path.

    Raises:
        InputError: fewer than three checkpoints, or they lie on a line.
    """
    if len(checkpoints) < 3:
        raise InputError(
            f"principal components need three checkpoints, there are {len(checkpoints)}", "checkpoints", "train on"
        )
    mask = layer_mask(objective, layers).double()
    centre = flatten(objective.parameters)
    path = torch.stack([each.double() * mask for each in checkpoints])
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
    shares = (float(values[-1]) / total, float(values[-2]) / total)
    return Plane(
        centre,
        directions[0],
        directions[1],
        ("first principal direction of the checkpoints", "second principal direction"),
        explained_variance=shares,
    )


def hessian_plane(
    objective: Objective,
    kind: str,
    seed: int = 0,
    layers: Sequence[str] = (),
    which: Literal["LA", "BE"] = "LA",
) -> tuple[Plane, tuple[float, float], tuple[float, float]]:
    """Two eigenvectors of the Hessian of a loss: plane, eigenvalues, residuals.

    Args:
        which: "LA": the two largest eigenvalues; "BE": the largest and the smallest, which is negative at a saddle.
    """
    operator = HessianOperator(objective, kind, layer_mask(objective, layers))
    pairs = top_eigenpairs(operator, 2, seed=seed, which=which)
    length = LOCAL_REACH * float((flatten(objective.parameters) * layer_mask(objective, layers)).norm())
    first, second = (vector * length for vector in pairs.vectors)
    labels = tuple(f"eigenvector of the Hessian of {_words(kind)}, eigenvalue {value:.3g}" for value in pairs.values)
    plane = Plane(flatten(objective.parameters), first, orthogonal(second, first), (labels[0], labels[1]))
    return plane, (pairs.values[0], pairs.values[1]), (pairs.residuals[0], pairs.residuals[1])


def _words(kind: str) -> str:
    """A loss by its name."""
    return _NAMES.get(kind, kind)


def gradient(objective: Objective, kind: str) -> Tensor:
    """(N,): gradient of a loss at the present weights."""
    grads = torch.autograd.grad(objective.loss(kind), list(objective.parameters), materialize_grads=True)
    return flatten(grads)


def gradients_plane(objective: Objective, kinds: tuple[str, str], layers: Sequence[str] = ()) -> Plane:
    """What two losses want at the present weights: downhill along alpha for the first, along beta for the second.

    The two are left as they are, not made orthogonal: their cosine says how far the losses agree.
    """
    mask = layer_mask(objective, layers)
    centre = flatten(objective.parameters)
    length = LOCAL_REACH * float((centre * mask).norm())
    directions: list[Tensor] = []
    for kind in kinds:
        downhill = -gradient(objective, kind) * mask
        norm = float(downhill.norm())
        if norm == 0:
            raise InputError(f"the gradient of {kind} is zero here", "plane", "choose another loss or checkpoint")
        directions.append(downhill * (length / norm))
    return Plane(
        centre, directions[0], directions[1], (f"downhill for {_words(kinds[0])}", f"downhill for {_words(kinds[1])}")
    )


def checkpoints_plane(checkpoints: tuple[Tensor, Tensor, Tensor], names: tuple[str, str, str]) -> Plane:
    """Through three checkpoints (flat): the first lies at (0, 0), the second at (1, 0), the third at (0, 1)."""
    origin, one, other = checkpoints
    labels = (f"from {names[0]} to {names[1]}", f"from {names[0]} to {names[2]}")
    return Plane(origin, one - origin, other - origin, labels, alpha_middle=0.5, beta_middle=0.5)


def checkpoints_line(checkpoints: tuple[Tensor, Tensor], names: tuple[str, str]) -> Plane:
    """The line between two checkpoints (flat): 0 is the first, 1 the second."""
    origin, end = checkpoints
    label = f"from {names[0]} to {names[1]}"
    return Plane(origin, end - origin, torch.zeros_like(origin), (label, ""), alpha_middle=0.5)


def line_along(plane: Plane) -> Plane:
    """One dimension: the plane's first direction alone."""
    return Plane(
        plane.centre,
        plane.first,
        torch.zeros_like(plane.second),
        (plane.labels[0], ""),
        plane.explained_variance[:1],
        plane.alpha_middle,
    )
