"""What a step needs beside its pass backward: the logged losses, and the crops of the next step.

On a processor the pass backward leaves cores idle between its small layers; a second thread does this work in the gaps,
which keeps live training near the speed of a bare loop. It computes the same numbers as in the step's own thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from explorer.losses.loss import Loss, evaluate_losses
from explorer.losses.prediction import Prediction
from explorer.training.sampler import Batch, Sampler


class BackwardOverlap:
    """Work beside the pass backward: in a thread on a processor, in line on other devices, whose queue is one.

    Args:
        sampler: of the run.
        device: where the run computes.
    """

    def __init__(self, sampler: Sampler, device: torch.device) -> None:
        self._sampler = sampler
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside") if device.type == "cpu" else None
        self._wanted: tuple[int, Prediction, Sequence[Loss]] | None = None
        self._losses: Future[Tensor] | None = None
        self._batch: tuple[int, Future[Batch]] | None = None

    def prepare(self, next_step: int, prediction: Prediction, losses: Sequence[Loss]) -> None:
        """Says what is to be done once the step's own loss has been computed from the prediction."""
        self._wanted = next_step, prediction, losses
        self._losses = None

    def begin(self) -> None:
        """Begins with it."""
        if self._thread is None or self._wanted is None:
            return
        step, prediction, losses = self._wanted
        self._losses = self._thread.submit(evaluate_losses, prediction, losses)
        self._batch = step, self._thread.submit(self._sampler.batch, step)

    def losses(self) -> Tensor:
        """(L,): the logged losses, once they are there."""
        if self._losses is not None:
            return self._losses.result()
        assert self._wanted is not None
        return evaluate_losses(*self._wanted[1:])

    def taken(self, step: int) -> Batch | None:
        """The crops of this step, if they are what was prepared."""
        if self._batch is None or self._batch[0] != step:
            return None
        batch = self._batch[1].result()
        self._batch = None
        return batch
