"""Slow motion: no more than so many steps a second, and no training time for the pauses between them."""

from __future__ import annotations

import time

import pytest

from explorer.errors import InputError
from explorer.training.commands import Command, Pace, Pause, command_from_json, command_to_json
from explorer.training.events import Step
from explorer.training.loop import train
from explorer.training.pacing import LONGEST_WAIT, Pacing
from tests.runs.tiny import tiny_dataset, tiny_plan


def test_steps_keep_their_distance() -> None:
    pacing = Pacing()
    pacing.steps_per_second = 20.0
    began = time.perf_counter()
    waited = [pacing.wait() for _ in range(5)]
    assert waited[0] == 0
    assert time.perf_counter() - began >= 4 / 20
    assert sum(waited) <= time.perf_counter() - began


def test_without_a_pace_nothing_waits() -> None:
    assert Pacing().wait() == 0.0


def test_a_wait_ends_in_time_for_a_pause() -> None:
    pacing = Pacing()
    pacing.steps_per_second = 1.0
    pacing.wait()
    assert pacing.wait() <= LONGEST_WAIT


def test_a_run_in_slow_motion_waits_between_its_steps() -> None:
    orders: list[list[Command]] = [[Pace(10.0)], *([] for _ in range(4)), [Pause()]]
    began = time.perf_counter()
    events = list(train(tiny_plan(), tiny_dataset(), device="cpu", commands=lambda: orders.pop(0)))
    assert sum(isinstance(event, Step) for event in events) == 5
    assert time.perf_counter() - began >= 0.4


def test_pauses_between_steps_are_no_training_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pacing, "wait", lambda _: 100.0)  # as it says; it does not wait
    steps = [event for event in train(tiny_plan(3), tiny_dataset(), device="cpu") if isinstance(event, Step)]
    assert -301 < steps[-1].seconds < -200


@pytest.mark.parametrize("rate", [0.5, 0.0, float("nan")])
def test_less_than_a_step_a_second_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="take 1 or more"):
        Pace(rate)


def test_a_pace_comes_back_from_a_file() -> None:
    assert command_from_json(command_to_json(Pace(2.0))) == Pace(2.0)
