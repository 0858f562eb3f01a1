"""The thread that stores what jobs report: it survives whatever an update raises, and loses none."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from explorer.errors import InputError
from explorer.jobs.reader import Reader, Update


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader(lambda: (), interval=0.02)
    reader.start()
    yield reader
    reader.close()


def test_full_disk_delays_an_update_and_says_so(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    full, stored = [True], []

    def update() -> None:
        if full[0]:
            raise sqlite3.OperationalError("database or disk is full")
        stored.append("events")

    with caplog.at_level(logging.ERROR):
        reader.add("run a", update)
        wait_for(lambda: reader.problem is not None)
    assert reader.problem == "OperationalError: database or disk is full"
    reader.add("run b", lambda: stored.append("other"))
    wait_for(lambda: stored == ["other"])  # others are stored meanwhile
    full[0] = False
    wait_for(lambda: "events" in stored)
    wait_for(lambda: reader.problem is None)
    assert len([record for record in caplog.records if "run a" in record.message]) == 1, "logged once, not each time"


def test_unknown_run_is_logged_and_dropped(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    tries = []

    def update() -> None:
        tries.append(1)
        raise InputError("there is no such run", "nowhere")

    with caplog.at_level(logging.WARNING):
        reader.add("run nowhere", update)
        wait_for(lambda: bool(tries))
        time.sleep(0.1)
    assert len(tries) == 1
    assert "nowhere" in caplog.text
    assert reader.problem is None


def test_what_is_due_is_looked_for_even_if_listing_it_fails() -> None:
    calls, looks = [], []

    def due() -> Iterator[tuple[str, Update]]:
        looks.append(1)
        if len(looks) == 2:
            raise sqlite3.OperationalError("locked")
        yield "queue", lambda: calls.append(1)

    reader = Reader(due, interval=0.02)
    reader.start()
    wait_for(lambda: len(calls) > 3)
    reader.close()
    assert len(looks) > 3
