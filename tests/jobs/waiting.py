"""Waiting for what runs elsewhere, as the tests of the engine do."""

from __future__ import annotations

import time
from collections.abc import Callable

from explorer.jobs.engine import Engine
from explorer.runs.records import RunStatus
from explorer.runs.store import Store

LONG = 100_000  # steps: more than any test waits for
CHECKPOINT_STEPS = 20


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def has_status(store: Store, run_id: str, status: RunStatus) -> Callable[[], bool]:
    return lambda: store.run(run_id).status is status


def ended(store: Store, engine: Engine, run_id: str) -> None:
    engine.stop(run_id)
    wait_for(has_status(store, run_id, RunStatus.STOPPED))
