"""When the state of a run is saved, and under which names.

Checkpoints by steps and by phases are kept: landscapes and Trade-offs look at them, and a run whose loss explodes
starts again from the last one. Between them the state is saved by time, so that a job that is killed again and again
still gets on; of those only the last is needed. Two files take turns: one is whole while the other is written.
"""

from __future__ import annotations

import math
import shutil
import time
from pathlib import Path
from typing import Literal

from explorer.files import writing
from explorer.training.checkpoints import Checkpoint, save_checkpoint

SaveReason = Literal["interval", "phase", "pause", "end", "recovery", "time"]

_RECENT = "recent"  # folder of those by time, within the folder of checkpoints
_SHARE = 0.01  # of the training time, at most, that checkpoints by time take


class Saver:
    """Saves the states of one run.

    Args:
        folder: to save into; None: nothing is saved.
        steps: between checkpoints that are kept.
        seconds: between saves of any kind, the first after the first step; more where that would take more than a
            hundredth of the time. None: there are no checkpoints by time.
    """

    def __init__(self, folder: Path | None, steps: int, seconds: float | None) -> None:
        self._folder, self._steps = folder, steps
        self._seconds = None if folder is None else seconds
        self._next_at = -math.inf
        self._turn = 0

    def due(self, step: int) -> Literal["interval", "time"] | None:
        """Which kind of checkpoint is due after this step."""
        if step % self._steps == 0:
            return "interval"
        return "time" if self._seconds is not None and time.perf_counter() >= self._next_at else None

    def save(self, checkpoint: Checkpoint, reason: SaveReason) -> str | None:
        """Saves the state; gives its file's name within the folder, or None where nothing is saved.

        Raises:
            NoRoomError: the disk is full, or cannot be written.
        """
        if self._folder is None:
            return None
        began = time.perf_counter()
        name = None
        with writing(self._folder):
            if reason == "time":
                self._turn = 1 - self._turn
                name = f"{_RECENT}/{self._turn}.safetensors"
                (self._folder / _RECENT).mkdir(exist_ok=True)
            path = save_checkpoint(checkpoint, self._folder, name)
        if reason == "end":
            shutil.rmtree(self._folder / _RECENT, ignore_errors=True)
        if checkpoint.step > 0:  # what comes before the first step is no reason to wait after it
            now = time.perf_counter()
            self._next_at = now + max(self._seconds or 0.0, (now - began) / _SHARE)
        return path.relative_to(self._folder).as_posix()
