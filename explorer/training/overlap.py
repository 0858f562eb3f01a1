"""Work that overlaps with the backward pass: the logged losses, and the crops of the next step.

On a CPU the backward pass leaves cores idle between its small layers; a second thread does this work in the gaps, which
keeps live training near the speed of a bare loop. It computes the same numbers as the step's own thread would.
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
    """Overlaps with the backward pass in a thread on a CPU; on other devices the work runs in sequence.

    Args:
        sampler: of the run.
        device: where the run computes.
    """

    def __init__(self, sampler: Sampler, device: torch.device) -> None:
        self._sampler = sampler
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="overlap") if device.type == "cpu" else None
        self._prepared: tuple[int, Prediction, Sequence[Loss]] | None = None
        self._losses: Future[Tensor] | None = None
        self._batch: tuple[int, Future[Batch]] | None = None

    def prepare(self, next_step: int, prediction: Prediction, losses: Sequence[Loss]) -> None:
        """Sets the work that ``begin`` starts, once the step's own loss has been computed from the prediction."""
        self._prepared = next_step, prediction, losses
        self._losses = None

    def begin(self) -> None:
        """Starts the prepared work."""
        if self._thread is None or self._prepared is None:
            return
        step, prediction, losses = self._prepared
        self._losses = self._thread.submit(evaluate_losses, prediction, losses)
        self._batch = step, self._thread.submit(self._sampler.batch, step)

    def losses(self) -> Tensor:
        """(L,): the logged losses; waits for them."""
        if self._losses is not None:
            return self._losses.result()
        assert self._prepared is not None
        return evaluate_losses(*self._prepared[1:])

    def taken(self, step: int) -> Batch | None:
        """The crops of this step, if they were prepared."""
        if self._batch is None or self._batch[0] != step:
            return None
        batch = self._batch[1].result()
        self._batch = None
        return batch
