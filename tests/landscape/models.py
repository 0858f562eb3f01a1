"""Objectives whose landscape is known in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.landscape.build import build_plane
from explorer.landscape.fields import Field
from explorer.landscape.objective import Objective
from explorer.landscape.plane import Plane
from explorer.landscape.plane_kinds import PlaneSpec


class Quadratic:
    """½ wᵀAw + bᵀw + 1 in float64, over a 3×2 matrix and a vector of two: eight weights."""

    names = ("encoder.weight", "head.bias")
    filter_axes = (0, None)
    fields = (Field("value", "Value", "loss"), Field("size", "Size", "loss"))
    parts = 0

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        root = torch.randn(8, 8, generator=generator, dtype=torch.float64)
        self.hessian = root @ root.T - 2 * torch.eye(8, dtype=torch.float64)  # indefinite
        self.slope = torch.randn(8, generator=generator, dtype=torch.float64)
        weights = torch.randn(8, generator=generator, dtype=torch.float64)
        self.parameters = (weights[:6].reshape(3, 2).clone().requires_grad_(), weights[6:].clone().requires_grad_())
        self.evaluations = 0

    @property
    def flat(self) -> Tensor:
        return torch.cat([each.reshape(-1) for each in self.parameters])

    def value(self, weights: Tensor) -> Tensor:
        return 0.5 * weights @ self.hessian @ weights + self.slope @ weights + 1

    def evaluate(self) -> NDArray[np.float64]:
        self.evaluations += 1
        weights = self.flat
        return np.array([[float(self.value(weights)), float(weights.norm())]])

    def loss(self, kind: str) -> Tensor:
        return self.value(self.flat) if kind == "jaccard" else (self.flat**2).sum() / 2


class LeastSquares:
    """½ ‖Xw − y‖²/n in float64, in four parts of the data: Hessian XᵀX/n."""

    names = ("head.weight",)
    filter_axes = (0,)
    fields = (Field("value", "Value", "loss"),)
    parts = 4

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.inputs = torch.randn(40, 5, generator=generator, dtype=torch.float64)
        self.targets = torch.randn(40, generator=generator, dtype=torch.float64)
        self.parameters = (torch.randn(1, 5, generator=generator, dtype=torch.float64).requires_grad_(),)

    @property
    def hessian(self) -> Tensor:
        return self.inputs.T @ self.inputs / 40

    def _terms(self) -> Tensor:
        return (self.inputs @ self.parameters[0][0] - self.targets) ** 2 / 2

    def evaluate(self) -> NDArray[np.float64]:
        terms = self._terms()
        return np.array([[float(terms.mean())], *([float(part.mean())] for part in terms.split(10))])

    def loss(self, kind: str) -> Tensor:
        return self._terms().mean()


def plane_of(objective: Objective, kind: str = "random", path: Sequence[Tensor] = (), **settings: object) -> Plane:
    """A plane as a slice builds it, from its spec. The path's checkpoints are called "0", "1" and so on."""
    spec = PlaneSpec.model_validate({"kind": kind, **settings})
    return build_plane(spec, objective, lambda name: path[int(name)], [str(index) for index in range(len(path))]).plane
