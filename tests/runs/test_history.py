"""A run's columns: the same however the events come, and what was given out does not change."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from explorer.runs.history import Columns, History, history
from explorer.runs.timeline import timeline
from explorer.training.events import (
    CheckpointSaved,
    Event,
    Intervened,
    Note,
    PhaseChange,
    Recovered,
    Started,
    Step,
)
from explorer.training.plan import Intervention
from tests.runs.tiny import tiny_plan

PLAN = tiny_plan(1000)


def step(number: int, rate: float = 0.1) -> Step:
    losses = {"cross_entropy": 1 / number, "lovasz": 0.5} if number % 20 == 1 else {"cross_entropy": 1 / number}
    return Step(number, 0, 0, 1 / number if number % 7 else None, losses, 1.0, rate, 0.1 * number)  # type: ignore[arg-type]


def course() -> list[Event]:
    """A run whose loss explodes, whose rate is changed by hand, and whose job is killed."""
    begun = [Started(0, "cpu", 9, (1.0, 1.0)), PhaseChange(0, 0, 0, "start"), CheckpointSaved(0, "interval", "a")]
    to_50 = [step(number) for number in range(1, 51)]
    exploded = [*(step(number) for number in range(51, 70)), Recovered(70, 50, 0.5, "the loss exploded")]
    again = [*(step(number, 0.05) for number in range(51, 301)), CheckpointSaved(300, "interval", "c")]
    steered = [
        Intervened(300, Intervention(step=300, learning_rate=0.01)),
        *(step(number) for number in range(301, 321)),
    ]
    killed = [Note(320, "The job was lost."), Started(300, "cuda", 9, (1.0, 2.0)), *(step(n) for n in range(301, 700))]
    return [*begun, *to_50, CheckpointSaved(50, "interval", "b"), *exploded, *again, *steered, *killed]


def assert_equal(one: History, other: History) -> None:
    for field in fields(History):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "losses":
            assert a.keys() == b.keys()
            assert all(np.array_equal(x, y) for kind in a for x, y in zip(a[kind], b[kind], strict=True))
        elif isinstance(a, np.ndarray):
            assert np.array_equal(a, b, equal_nan=True), field.name
        else:
            assert a == b, field.name


@pytest.mark.parametrize("size", [1, 3, 50, 333])
def test_events_that_come_in_pieces_make_the_same_columns(size: int) -> None:
    events = course()
    columns = Columns(PLAN)
    for start in range(0, len(events), size):
        columns.add(events[start : start + size])
        assert_equal(columns.history(), history(events[: start + size], PLAN))
    made = [event for event in timeline(events) if isinstance(event, Step)]
    assert columns.history().step.tolist() == [event.step for event in made] == list(range(1, 700))
    assert columns.history().learning_rate.tolist() == [event.learning_rate for event in made]
    assert columns.history().losses["lovasz"][0].tolist() == list(range(1, 700, 20))


def test_what_was_given_out_stays_as_it_was() -> None:
    events = course()
    columns, given, expected = Columns(PLAN), [], []
    for start in range(0, len(events), 40):
        columns.add(events[start : start + 40])
        given.append(columns.history())
        expected.append(history(events[: start + 40], PLAN))
    for one, other in zip(given, expected, strict=True):
        assert_equal(one, other)
    with pytest.raises(ValueError, match="read-only"):
        given[-1].loss[0] = 1.0


def test_what_a_step_costs_does_not_grow_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event is looked at again."""
    columns = Columns(PLAN)
    columns.add(course())
    columns.history()
    looked_at: list[str] = []

    class Watched(Step):
        def __getattribute__(self, name: str) -> object:
            looked_at.append(name)
            return super().__getattribute__(name)

    watched = [Watched(number, 0, 0, 0.5, {}, 1.0, 0.1, 0.1) for number in range(700, 800)]
    columns.add(watched)
    looked_at.clear()
    columns.add([step(800)])
    assert columns.history().last_step == 800
    assert looked_at == []
    assert columns.history().steps_per_second is not None
