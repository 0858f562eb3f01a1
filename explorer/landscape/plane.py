"""A plane: a centre in weight space and two directions. ``alpha`` and ``beta`` are its coordinates.

Weights are projected onto it by least squares, since its directions need not be orthogonal. A projected checkpoint has
a distance from the plane: the loss drawn at its coordinates is not its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from explorer.errors import InputError

ONE_LINE = 0.999
"""Two directions whose cosine exceeds this in magnitude are refused: they span a line, not a plane."""


@dataclass(frozen=True)
class Projection:
    """The point of a plane that is nearest to some weights."""

    alpha: float
    beta: float
    distance: float  # Euclidean, from the weights to that point


@dataclass(frozen=True, eq=False)
class Plane:
    """Centre and directions, all flat over the same N weights. With a zero ``second`` it is a line.

    >>> plane = Plane(torch.zeros(3), torch.tensor([2.0, 0, 0]), torch.tensor([2.0, 2.0, 0]), ("a", "b"))
    >>> plane.project(torch.tensor([4.0, 2.0, 5.0]))
    Projection(alpha=1.0, beta=1.0, distance=5.0)
    >>> plane.at(1.0, 1.0)
    tensor([4., 2., 0.])

    Args:
        explained_variance: share of the checkpoints' variance along each direction (PCA), else empty.
        eigenvalues: of each direction (Hessian), else empty.
        residuals: ‖Hv − λv‖ of each direction (Hessian), else empty.
        alpha_middle, beta_middle: coordinates of a slice's middle; (½, ½) shows all of three checkpoints.

    Raises:
        InputError: the first direction is zero, or both lie on one line.
    """

    centre: Tensor  # (N,)
    first: Tensor  # (N,)
    second: Tensor  # (N,), all zero for a line
    labels: tuple[str, str]  # what alpha and beta are, in words
    explained_variance: tuple[float, ...] = ()
    eigenvalues: tuple[float, ...] = ()
    residuals: tuple[float, ...] = ()
    alpha_middle: float = 0.0
    beta_middle: float = 0.0

    def __post_init__(self) -> None:
        if self.norms[0] == 0 or not torch.isfinite(torch.cat([self.first, self.second])).all():
            raise InputError("the first direction is zero or not finite", "plane", "choose another one")
        if abs(self.cosine) > ONE_LINE:
            raise InputError(
                f"the two directions lie on one line (cosine {self.cosine:.4f})", "plane", "choose another pair"
            )

    @cached_property
    def _gram(self) -> tuple[float, float, float]:
        """⟨d₁,d₁⟩, ⟨d₁,d₂⟩, ⟨d₂,d₂⟩ in double precision."""
        first, second = self.first.double(), self.second.double()
        return float(first @ first), float(first @ second), float(second @ second)

    @property
    def is_line(self) -> bool:
        """Whether there is one dimension only: ``beta`` changes nothing."""
        return self._gram[2] == 0

    @property
    def norms(self) -> tuple[float, float]:
        """Lengths of the directions."""
        return self._gram[0] ** 0.5, self._gram[2] ** 0.5

    @property
    def cosine(self) -> float:
        """Between the directions; 0 for a line."""
        return 0.0 if self.is_line else self._gram[1] / (self.norms[0] * self.norms[1])

    def at(self, alpha: float, beta: float) -> Tensor:
        """(N,): the weights at a point."""
        return self.centre + alpha * self.first + beta * self.second

    def project(self, weights: Tensor) -> Projection:
        """The point of the plane that is nearest to flat weights (N,), and how far off they are."""
        offset = weights.double() - self.centre.double()
        first, second = self.first.double(), self.second.double()
        along, across, other = self._gram
        right = (float(offset @ first), float(offset @ second))
        if self.is_line:
            alpha, beta = right[0] / along, 0.0
        else:
            determinant = along * other - across**2
            alpha = (right[0] * other - right[1] * across) / determinant
            beta = (right[1] * along - right[0] * across) / determinant
        return Projection(alpha, beta, float((offset - alpha * first - beta * second).norm()))
