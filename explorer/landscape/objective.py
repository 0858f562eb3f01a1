"""The interface between a model and the algorithms of this package: weights, values at them, differentiable losses.

The segmenter on a fixed set of validation crops is one implementation; tests use models whose landscape is known in
closed form. Vectors in weight space are flat: all parameters one after another, (N,).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.landscape.fields import Field


class Objective(Protocol):
    """Values as functions of the weights alone: the data are fixed."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, as in a state dict."""

    @property
    def parameters(self) -> Sequence[Tensor]:
        """The parameters themselves; evaluation writes them in place."""

    @property
    def filter_axes(self) -> Sequence[int | None]:
        """For each parameter, the dimension that indexes output filters; None: it has no filters (bias, norm)."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns of ``evaluate``."""

    @property
    def parts(self) -> int:
        """Number of disjoint parts of the data, for standard errors; 0: none."""

    def evaluate(self) -> NDArray[np.float64]:
        """(1 + parts, fields) at the current weights: on all data, then on each part; NaN where it is undefined."""

    def loss(self, kind: str) -> Tensor:
        """One loss at the current weights, differentiable in ``parameters``."""


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """(N,): all values one after another, detached.

    >>> flatten([torch.ones(2, 1), torch.zeros(1)])
    tensor([1., 1., 0.])
    """
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def unflatten(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Views of a flat vector (N,) in the shapes of ``like``.

    >>> [part.shape for part in unflatten(torch.arange(5.0), [torch.ones(2, 2), torch.ones(1)])]
    [torch.Size([2, 2]), torch.Size([1])]
    """
    parts = torch.split(vector, [tensor.numel() for tensor in like])
    return [part.view(tensor.shape) for part, tensor in zip(parts, like, strict=True)]
