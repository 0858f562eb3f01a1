"""The one thread of a server that stores what jobs report.

It must not die: whatever an update raises is logged, and the update is tried again until it succeeds. Only an update
that can never succeed, of a run or job that this store does not have, is logged and dropped.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from explorer.errors import InputError
from explorer.files import NoRoomError

Update = Callable[[], object]

_logger = logging.getLogger(__name__)


class Reader:
    """Applies updates to a store, in one thread.

    Args:
        due: updates by name that are due every ``interval`` anyway: a notification may be lost.
        interval: seconds between two rounds without a notification.
    """

    def __init__(self, due: Callable[[], Iterable[tuple[str, Update]]], interval: float = 1.0) -> None:
        self._due, self._interval = due, interval
        self._pending: dict[str, Update] = {}
        self._lock = threading.Lock()
        self._notified = threading.Event()
        self._closed = False
        self.problem: str | None = None  # why updates cannot be stored at present
        self._thread = threading.Thread(target=self._run, name="event-reader", daemon=True)

    def start(self) -> None:
        """Starts the thread; updates that were added before are applied first."""
        self._thread.start()

    def add(self, name: str, update: Update) -> None:
        """Has an update applied soon; one of the same name that still waits is replaced."""
        with self._lock:
            self._pending[name] = update
        self._notified.set()

    def close(self) -> None:
        """Ends the thread."""
        self._closed = True
        self._notified.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._closed:
            self._notified.wait(self._interval)
            self._notified.clear()
            self._apply_all()

    def _apply_all(self) -> None:
        with self._lock:
            updates, self._pending = self._pending, {}
        failed: dict[str, Update] = {}
        problem = None
        try:
            updates = dict(self._due()) | updates
        except Exception as error:
            problem = self._log("list of runs", error)
        for name, update in updates.items():
            try:
                update()
            except Exception as error:
                if isinstance(error, InputError) and not isinstance(error, NoRoomError):
                    _logger.warning("%s: %s", name, error)
                    continue
                problem = self._log(name, error)
                failed[name] = update
        with self._lock:
            self._pending = failed | self._pending
        self.problem = problem

    def _log(self, name: str, error: Exception) -> str:
        problem = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        if problem != self.problem:  # once, not every second
            _logger.error("%s cannot be stored, it is tried again", name, exc_info=error)
        return problem
