"""Evaluation at points of a plane: weights written in place, restored whatever happens.

Every point is computed afresh from the centre, w = w₀ + α·d₁ + β·d₂, so that no rounding accumulates from point to
point and the order of points does not matter. All points see the same data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from explorer.landscape.plane import Plane
from explorer.landscape.protocol import Objective, unflatten


@contextmanager
def restored(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Puts the parameters back, bit for bit, when the block is left: also after an error or a cancel."""
    before = [parameter.detach().clone() for parameter in parameters]
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(list(parameters), before)


class Writer:
    """Writes points of a plane into parameters, a few fused calls a point.

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
        """A copy with the parameters' strides, without which the fused calls fall apart into single ones."""
        parts = unflatten(vector, self._parameters)
        return [
            torch.empty_like(parameter).copy_(part) for parameter, part in zip(self._parameters, parts, strict=True)
        ]


def measure(objective: Objective, plane: Plane, points: Sequence[tuple[float, float]]) -> Iterator[dict[str, float]]:
    """Every field at points (alpha, beta), one after another, without gradients.

    A generator: the weights are restored when it ends, fails or is closed.
    """
    writer = Writer(objective.parameters, plane)
    with restored(objective.parameters):
        for alpha, beta in points:
            writer.write(alpha, beta)
            with torch.inference_mode():
                values = dict(objective.evaluate())
            yield values


def evaluate_at(objective: Objective, weights: Tensor) -> dict[str, float]:
    """Every field at a flat weight vector (N,), for example a checkpoint off the plane."""
    with restored(objective.parameters), torch.no_grad():
        torch._foreach_copy_(list(objective.parameters), unflatten(weights, objective.parameters))
        with torch.inference_mode():
            return dict(objective.evaluate())
