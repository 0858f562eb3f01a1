"""Follows a run in the store: each event is read once, however many look at it."""

from __future__ import annotations

import threading

from explorer.runs.history import History, history
from explorer.runs.store import Store
from explorer.training.events import Event


class Follower:
    """One run's events and history so far. Safe to use from several threads."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self._plan = store.run(run_id).plan
        self._turn = threading.Lock()
        self._cursor = 0
        self._events: list[Event] = []
        self._history = history((), self._plan)

    def history(self) -> History:
        """What the run has done by now; the same object until there is something new."""
        with self._turn:
            cursor, new = self._store.events(self._run_id, self._cursor)
            if new:
                self._cursor = cursor
                self._events += new
                self._history = history(self._events, self._plan)
            return self._history
