"""What the algorithms of this package see of a model: weights, values at these weights, differentiable losses.

The segmenter on a batch of validation crops is one implementation; tests use models whose landscape is known in closed
form. Vectors in weight space are flat: all parameters one after another, (N,).
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
    """Values that depend on weights alone: the data are fixed."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, as in a state dict."""

    @property
    def parameters(self) -> Sequence[Tensor]:
        """The parameters themselves, which are written in place."""

    @property
    def filter_axes(self) -> Sequence[int | None]:
        """Of each parameter, the dimension that counts output filters; None: not made of filters (bias, norm)."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What ``evaluate`` gives."""

    @property
    def parts(self) -> int:
        """Into how many disjoint parts the data fall, for error bars; 0: they do not."""

    def evaluate(self) -> NDArray[np.float64]:
        """(1 + parts, fields) at the present weights: on all data, then on each part; NaN where it is undefined."""

    def loss(self, kind: str) -> Tensor:
        """One loss at the present weights, differentiable in ``parameters``."""


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """(N,): all values one after another, detached."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def unflatten(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Views of a flat vector (N,) in the shapes of ``like``."""
    parts = torch.split(vector, [tensor.numel() for tensor in like])
    return [part.view(tensor.shape) for part, tensor in zip(parts, like, strict=True)]
