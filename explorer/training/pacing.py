"""Slow motion: a run that makes no more than so many steps a second, so that one can watch them. No torch."""

from __future__ import annotations

import time

LONGEST_WAIT = 1.0  # seconds; commands are looked for after each wait, so that a pause is not late


class Pacing:
    """Holds a run to a pace.

    Attributes:
        steps_per_second: at most so many; None: as many as the machine makes.
    """

    def __init__(self) -> None:
        self.steps_per_second: float | None = None
        self._due = 0.0  # time of the next step

    def wait(self) -> float:
        """Waits until the next step is due; gives the seconds that it waited, which are no training time."""
        now = time.perf_counter()
        if self.steps_per_second is None:
            return 0.0
        waited = min(max(0.0, self._due - now), LONGEST_WAIT)
        time.sleep(waited)
        self._due = now + waited + 1 / self.steps_per_second
        return waited
