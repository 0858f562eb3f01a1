"""The exponential moving average of the weights while a segmenter trains (Polyak and Juditsky 1992).

With few crops a step, the weights wander around a valley; their average lies lower in it, and its scores jump less.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from explorer.segmenter.network import Segmenter


class WeightAverage:
    """A copy of a segmenter that follows its weights.

    After step t, a ← d·a + (1 − d)·w with d = min(decay, (1 + t) / (10 + t)), so that the random weights of the start
    are soon forgotten. Buffers are copied as they are.

    Args:
        segmenter: that trains, on its device.
        decay: in (0, 1).
    """

    def __init__(self, segmenter: Segmenter, decay: float) -> None:
        self._decay = decay
        self.segmenter = copy.deepcopy(segmenter).eval().requires_grad_(requires_grad=False)
        self._averages: list[Tensor] = list(self.segmenter.parameters())
        self._weights = [parameter.detach() for parameter in segmenter.parameters()]
        self._buffers = list(zip(self.segmenter.buffers(), segmenter.buffers(), strict=True))

    def update(self, step: int) -> None:
        """Follows the weights after an optimiser step.

        Args:
            step: steps made in the whole run before this one.
        """
        with torch.no_grad():
            torch._foreach_lerp_(self._averages, self._weights, 1 - ramped_decay(self._decay, step))
            for average, buffer in self._buffers:
                average.copy_(buffer)

    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Takes the averages of a checkpoint."""
        self.segmenter.load_state_dict(weights)


def ramped_decay(decay: float, step: int) -> float:
    """The decay after ``step`` earlier steps.

    >>> [round(ramped_decay(0.99, step), 3) for step in (0, 8, 90, 10_000)]
    [0.1, 0.5, 0.91, 0.99]
    """
    return min(decay, (1 + step) / (10 + step))
