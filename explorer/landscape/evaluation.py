"""Evaluation at points of a plane: weights are written in place and always restored.

Every point is computed from the centre, w = w₀ + α·d₁ + β·d₂, so that no rounding error accumulates from point to
point and their order does not matter. All points are evaluated on the same data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.landscape.objective import Objective, unflatten
from explorer.landscape.plane import Plane


@contextmanager
def restored(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Restores the parameters bit for bit when the block ends, also after an error or a cancellation."""
    before = [parameter.detach().clone() for parameter in parameters]
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(list(parameters), before)


class Writer:
    """Writes points of a plane into parameters, with a few fused calls per point.

    Args:
        parameters: written in place; their shapes and memory format are kept.
        plane: over the same number of weights.
    """

    def __init__(self, parameters: Sequence[Tensor], plane: Plane) -> None:
        self._parameters = list(parameters)
        self._centre, self._first, self._second = (
            self._like_parameters(vector) for vector in (plane.centre, plane.first, plane.second)
        )

    def write(self, alpha: float, beta: float) -> None:
        """Sets the parameters to ``centre + alpha · first + beta · second``."""
        with torch.no_grad():
            torch._foreach_copy_(self._parameters, self._centre)
            torch._foreach_add_(self._parameters, self._first, alpha=alpha)
            torch._foreach_add_(self._parameters, self._second, alpha=beta)

    def _like_parameters(self, vector: Tensor) -> list[Tensor]:
        """A copy with the parameters' strides: with others, a fused call becomes one call per tensor."""
        parts = unflatten(vector, self._parameters)
        return [
            torch.empty_like(parameter).copy_(part) for parameter, part in zip(self._parameters, parts, strict=True)
        ]


def evaluate_points(
    objective: Objective, plane: Plane, points: Sequence[tuple[float, float]]
) -> Iterator[NDArray[np.float64]]:
    """Every field at points (alpha, beta), one after another, without gradients: (1 + parts, fields) each.

    The weights are restored when the generator ends, fails or is closed.
    """
    writer = Writer(objective.parameters, plane)
    with restored(objective.parameters):
        for alpha, beta in points:
            writer.write(alpha, beta)
            with torch.inference_mode():
                values = objective.evaluate()
            yield values


def evaluate_at(objective: Objective, weights: Tensor) -> NDArray[np.float64]:
    """Every field at a flat weight vector (N,), for example a checkpoint off the plane: (1 + parts, fields)."""
    with placed(objective.parameters, weights), torch.inference_mode():
        return objective.evaluate()


@contextmanager
def placed(parameters: Sequence[Tensor], weights: Tensor) -> Iterator[None]:
    """Sets the parameters to flat weights (N,) for the length of a block."""
    with restored(parameters):
        with torch.no_grad():
            torch._foreach_copy_(list(parameters), unflatten(weights, parameters))
        yield


def standard_error(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard error of the value on all data, from its spread over disjoint parts: (…, fields).

    Args:
        values: (…, 1 + parts, fields): on all data, then on each part. A part where a field is undefined is left out.

    Returns:
        The standard deviation over parts, divided by the square root of their number; NaN where fewer than two parts
        are defined.

    >>> standard_error(np.array([[2.5], [1.0], [2.0], [3.0], [4.0]])).round(4)  # √(5/3) / √4
    array([0.6455])
    """
    of_parts = values[..., 1:, :]
    known = np.isfinite(of_parts).sum(-2)
    filled = np.where(np.isfinite(of_parts), of_parts, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(-2) / known
        squares = (np.where(np.isfinite(of_parts), of_parts - mean[..., None, :], 0) ** 2).sum(-2)
        error: NDArray[np.float64] = np.where(known > 1, np.sqrt(squares / (known - 1) / known), np.nan)
    return error
