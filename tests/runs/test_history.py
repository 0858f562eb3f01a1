"""A run's columns: the same however the events come, and what was given out does not change."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields

import numpy as np
import pytest

from explorer.runs.history import RATE, Columns, History, history, logged_curve
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
        if field.name == "curves":
            assert a.keys() == b.keys()
            pairs = [(x, y) for name in a for x, y in zip(a[name], b[name], strict=True)]
            assert all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)
        else:
            assert a == b, field.name


def in_pieces(events: Sequence[Event], size: int) -> Iterator[tuple[Columns, int]]:
    """The columns after each piece, as a follower of the run makes them, and how many events that is."""
    columns = Columns(PLAN)
    for start in range(0, len(events), size):
        end = min(start + size, len(events))
        if not columns.add(events[start:end]):
            columns = Columns(PLAN, events[:end])
        yield columns, end


@pytest.mark.parametrize("size", [1, 3, 50, 333])
def test_events_that_come_in_pieces_make_the_same_columns(size: int) -> None:
    events = course()
    for columns, end in in_pieces(events, size):
        assert_equal(columns.history(), history(events[:end], PLAN))
    shown = columns.history()
    made = [event for event in timeline(events) if isinstance(event, Step)]
    assert [event.step for event in made] == list(range(1, 700))
    steps, rates = shown.curves[RATE]
    assert (steps[0], steps[-1], shown.last_step) == (1, 699, 699)
    assert [made[int(step) - 1].learning_rate for step in steps] == rates.tolist()
    assert shown.curves[logged_curve("lovasz")][0].tolist() == list(range(1, 700, 20))
    assert shown.steps_per_second == pytest.approx(10)
    assert (shown.device, shown.losses) == ("cuda", ("cross_entropy", "lovasz"))


def test_what_was_given_out_stays_as_it_was() -> None:
    events = course()
    given = [(columns.history(), end) for columns, end in in_pieces(events, 40)]
    for shown, end in given:
        assert_equal(shown, history(events[:end], PLAN))


def test_a_step_is_looked_at_once() -> None:
    """What a step costs does not grow with the run, and no step is kept."""
    columns = Columns(PLAN, course())
    last = step(700)
    assert columns.add([last])
    alone = sys.getrefcount(last)
    columns.history()
    assert columns.add([step(701)])
    assert sys.getrefcount(last) == alone == 2, "this name, and the argument"


def test_going_back_is_told_apart_from_beginning() -> None:
    columns = Columns(PLAN)
    assert columns.add(course()[:10])
    before = columns.history()
    assert not columns.add([step(9), Started(0, "cpu", 9, (1.0, 1.0))])
    assert_equal(columns.history(), before)
