"""Evaluation of several points at a time on a processor's threads.

A forward pass over a few crops keeps two threads busy a good half of the time: between its layers, and while losses are
taken, one waits for the other. So each thread evaluates points of its own, with a copy of the segmenter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.landscape.evaluation import Writer
from explorer.landscape.plane import Plane
from explorer.landscape.segmenter_objective import SegmenterObjective

MOST = 8
"""Points at a time, at most: each needs memory for its own activations."""


class SideBySide:
    """Evaluates points of a plane, with as many copies of a segmenter as torch has threads here, up to ``MOST``.

    Args:
        objective: its own weights are never written.
        plane: over the same number of weights.
    """

    def __init__(self, objective: SegmenterObjective, plane: Plane) -> None:
        on_processor = objective.parameters[0].device.type == "cpu"
        self._threads = torch.get_num_threads()
        self._copies = min(MOST, self._threads) if on_processor else 1
        self._free: SimpleQueue[tuple[SegmenterObjective, Writer]] = SimpleQueue()
        for _ in range(self._copies):
            copied = objective.copied()
            self._free.put((copied, Writer(copied.parameters, plane)))

    def evaluate(self, points: Sequence[tuple[float, float]]) -> Iterator[NDArray[np.float64]]:
        """Every field at points (alpha, beta), in their order, without gradients: (1 + parts, fields) each."""
        pool = ThreadPoolExecutor(self._copies, thread_name_prefix="points")
        try:
            yield from pool.map(self._evaluate, points)
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(self._threads)  # the number is one thread's own, but new threads take the last one

    def _evaluate(self, point: tuple[float, float]) -> NDArray[np.float64]:
        torch.set_num_threads(max(1, self._threads // self._copies))
        objective, writer = self._free.get()
        try:
            writer.write(*point)
            with torch.inference_mode():
                return objective.evaluate()
        finally:
            self._free.put((objective, writer))
