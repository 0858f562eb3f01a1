"""Triggers, positions, rates and how often a run validates: pure functions, tried on tables of cases."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.losses.spec import LossSpec
from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores, Scores
from explorer.training.plan import Phase, Plan, Trigger
from explorer.training.schedule import (
    MOST_VALIDATION_SHARE,
    Position,
    effective_learning_rate,
    validation_cost,
    validation_interval,
    watched_value,
)

CE = LossSpec(kind="cross_entropy")


def scores(pixel: float | None, whole: float | None = None) -> Scores:
    of_class = ClassScores(PixelScores(pixel, pixel, pixel, pixel), ObjectScores(whole, whole, whole, 0, 0, 0))
    return Scores(pixel, {1: of_class})


@dataclass(frozen=True)
class Case:
    """Values seen at validations, one every ten steps, and after how many of them the phase should be over."""

    name: str
    values: tuple[float | None, ...]
    over_after: int | None  # None: the trigger does not end it
    threshold: float = 0.9
    smoothing: float = 0.0
    patience: int = 1
    minimum_steps: int = 0
    kind: str = "at_least"


CASES = [
    Case("reached at once", (0.95,), 1),
    Case("reached exactly", (0.5, 0.9), 2),
    Case("never reached", (0.1, 0.5, 0.8), None),
    Case("patience waits for two in a row", (0.95, 0.5, 0.95, 0.95), 4, patience=2),
    Case("an undefined value starts the patience anew", (0.95, None, 0.95, 0.95), 4, patience=2),
    Case("undefined never satisfies", (None, None), None),
    Case("smoothing keeps one lucky value from ending it", (0.0, 1.0, 1.0, 1.0, 1.0), 5, smoothing=0.5),
    Case("the first value is not drawn toward zero", (0.95,), 1, smoothing=0.9),
    Case("not before the shortest length", (0.95, 0.95, 0.95), 3, minimum_steps=30),
    Case("a plateau needs a best value first", (0.5,), None, threshold=0.01, kind="plateau"),
    Case("a plateau ends it", (0.5, 0.6, 0.605, 0.6), 4, threshold=0.01, patience=2, kind="plateau"),
    Case("a rise ends the stall", (0.5, 0.505, 0.6, 0.605, 0.6), 5, threshold=0.01, patience=2, kind="plateau"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_trigger_ends_its_phase_when_it_should(case: Case) -> None:
    trigger = Trigger.model_validate(
        {
            "kind": case.kind,
            "threshold": case.threshold,
            "smoothing": case.smoothing,
            "patience": case.patience,
        }
    )
    plan = Plan(phases=(Phase(loss=CE, steps=1000, minimum_steps=case.minimum_steps, trigger=trigger),))
    position, over_after = Position(), None
    for number, value in enumerate(case.values, start=1):
        position = position.watch(trigger, scores(value))
        reason = position.ended(plan, step=10 * number)
        if reason is not None:
            assert reason.startswith("trigger: pixel recall of class 1")
            over_after = number
            break
    assert over_after == case.over_after


def test_a_phase_ends_at_its_length_whatever_its_trigger_sees() -> None:
    plan = Plan(phases=(Phase(loss=CE, steps=50, trigger=Trigger()),))
    assert Position(began=100).ended(plan, 149) is None
    assert Position(began=100).ended(plan, 150) == "length"


def test_a_trigger_may_watch_objects() -> None:
    seen = scores(0.2, 0.8)
    assert watched_value(Trigger(scope="object", metric="f1"), seen) == 0.8
    assert watched_value(Trigger(scope="pixel", metric="iou"), seen) == 0.2
    assert watched_value(Trigger(scope="object", metric="iou"), seen) is None  # objects have none
    assert watched_value(Trigger(class_id=2), seen) is None
    assert watched_value(None, seen) is None


def test_phases_are_gone_through_in_cycles() -> None:
    plan = Plan(phases=(Phase(loss=CE, steps=1), Phase(loss=CE, steps=2)), cycles=2)
    position: Position | None = Position()
    walked = []
    for step in range(10):
        if position is None:
            break
        walked.append((position.cycle, position.phase))
        position = position.following(plan, step)
    assert walked == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert plan.steps == 6


PLAN = Plan(
    phases=(
        Phase(loss=CE, learning_rate=1.0, steps=10, warmup_steps=4),
        Phase(loss=CE, learning_rate=0.3, steps=10),
    )
)


def test_the_rate_rises_over_the_warmup_of_each_cycle_and_stays() -> None:
    first = [effective_learning_rate(PLAN, Position(), step) for step in range(6)]
    assert first == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert effective_learning_rate(PLAN, Position(phase=1, began=10), 10) == 0.3
    assert effective_learning_rate(PLAN, Position(phase=0, cycle=1, began=20), 21) == 0.5


def test_a_rate_set_by_hand_and_past_divergences_count() -> None:
    inside, after = (Position(), 1), (Position(), 8)
    assert effective_learning_rate(PLAN, *after, steered=0.1) == 0.1
    assert effective_learning_rate(PLAN, *after, rate_factor=0.25) == 0.25
    assert effective_learning_rate(PLAN, *inside, steered=0.1, rate_factor=0.5) == pytest.approx(0.025)


@given(
    steps=st.integers(1, 100_000),
    batch=st.integers(1, 64),
    crop=st.sampled_from([16, 64, 96, 256]),
    pixels=st.integers(1, 10_000_000),
)
def test_validation_never_takes_more_than_a_fifth(steps: int, batch: int, crop: int, pixels: int) -> None:
    plan = Plan(phases=(Phase(loss=CE, steps=steps),), batch_size=batch, crop_size=crop)
    interval = validation_interval(plan, pixels)
    cost = validation_cost(plan) * pixels / (batch * crop**2)  # in training steps
    assert cost / interval <= MOST_VALIDATION_SHARE
