"""The engine of a server: it is started again where that fails, and where its store was taken."""

from __future__ import annotations

from typing import cast

import pytest

from explorer.errors import InputError
from explorer.jobs.engine import Engine
from explorer.ui import engine_keeper
from explorer.ui.engine_keeper import EngineKeeper
from tests.jobs.waiting import wait_for


class FakeEngine:
    def __init__(self) -> None:
        self.lost = self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_keeper, "_RETRY_SECONDS", 0.01)


def test_what_keeps_it_from_starting_is_said_until_it_passes() -> None:
    free: list[bool] = []

    def start() -> Engine:
        if not free:
            raise InputError("in use")
        return cast(Engine, FakeEngine())

    keeper = EngineKeeper(start)
    with pytest.raises(InputError, match="in use"):
        keeper.wait()
    assert str(keeper.problem) == "in use"
    assert keeper.now is None
    free.append(True)
    wait_for(lambda: keeper.now is not None)
    assert keeper.problem is None
    assert keeper.wait() is keeper.now
    keeper.close()
    with pytest.raises(InputError, match="about to end"):
        keeper.wait()


def test_one_that_was_lost_is_closed_and_followed_by_another() -> None:
    made: list[FakeEngine] = []

    def start() -> Engine:
        made.append(FakeEngine())
        return cast(Engine, made[-1])

    keeper = EngineKeeper(start)
    first = cast(FakeEngine, keeper.wait())
    first.lost = True
    wait_for(lambda: len(made) == 2)
    assert first.closed
    wait_for(lambda: keeper.now is cast(Engine, made[1]))
    keeper.close()
    assert made[1].closed


def test_a_fault_of_the_program_is_raised_to_whoever_waits() -> None:
    def start() -> Engine:
        raise ZeroDivisionError

    keeper = EngineKeeper(start)
    with pytest.raises(ZeroDivisionError):
        keeper.wait()
    keeper.close()
