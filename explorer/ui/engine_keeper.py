"""Keeps a server's engine: starts it, tries again where that fails, and starts another one where it was lost.

What keeps an engine from starting may pass: another server leaves the store, a cluster is started. Pages say what it is
meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer.errors import InputError

if TYPE_CHECKING:
    from explorer.jobs.engine import Engine  # it brings Dask, for which the first page does not wait

_RETRY_SECONDS = 1.0


class EngineKeeper:
    """One engine at a time, from a thread of its own.

    Args:
        start: makes an engine; raises ``InputError`` where it cannot be made at present.
        problem: why it cannot be made now, if that is known beforehand.
    """

    def __init__(self, start: Callable[[], Engine], problem: Exception | None = None) -> None:
        self._start = start
        self._engine: Engine | None = None
        self._problem = problem
        self._known = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="engine-keeper", daemon=True)
        self._thread.start()

    @property
    def now(self) -> Engine | None:
        """The engine; None: it has not started yet, or cannot."""
        return self._engine

    @property
    def problem(self) -> Exception | None:
        """Why there is no engine at present; None: there is one, or it is about to start."""
        return self._problem

    def wait(self) -> Engine:
        """The engine, once it has started.

        Raises:
            InputError: why it cannot start at present, or that this server ends.
        """
        with self._known:
            self._known.wait_for(lambda: self._engine or self._problem or self._closing.is_set())
            if self._engine is not None:
                return self._engine
            raise self._problem or InputError("the server is about to end", "", "come back once it has started again")

    def close(self) -> None:
        """Ends the engine, and does not start another one."""
        with self._known:
            self._closing.set()
            self._known.notify_all()
        self._thread.join()

    def _keep(self) -> None:
        while not self._closing.is_set():
            try:
                engine = self._start()
            except InputError as problem:
                self._tell(None, problem)
                self._closing.wait(_RETRY_SECONDS)
                continue
            except Exception as fault:  # no use in trying again; whoever waits is told
                self._tell(None, fault)
                return
            self._tell(engine, None)
            while not self._closing.is_set() and not engine.lost:
                self._closing.wait(_RETRY_SECONDS)
            self._tell(None, None)
            engine.close()

    def _tell(self, engine: Engine | None, problem: Exception | None) -> None:
        with self._known:
            self._engine, self._problem = engine, problem
            self._known.notify_all()
