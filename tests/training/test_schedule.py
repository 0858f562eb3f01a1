"""Triggers, positions, rates and how often a run validates: pure functions, tried on tables of cases."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.losses.spec import LossSpec
from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores, Scores
from explorer.segmenter.inputs import InputSpec
from explorer.training.plan import Phase, Plan, Trigger
from explorer.training.schedule import (
    MOST_VALIDATION_SHARE,
    Position,
    course,
    effective_learning_rate,
    validation_cost,
    validation_interval,
    validation_pixels,
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


COSINE = Plan(
    phases=(
        Phase(loss=CE, learning_rate=1.0, steps=10, warmup_steps=2, decay="cosine"),
        Phase(loss=CE, learning_rate=0.5, steps=4, decay="cosine"),
    ),
    carry_over=True,
)


@pytest.mark.parametrize(
    ("position", "step", "rate"),
    [
        (Position(), 0, 0.5),
        (Position(), 2, 1.0),
        (Position(), 6, 0.5),  # half of the eight steps after the warm-up
        (Position(), 4, 0.5 * (1 + 0.5**0.5)),
        (Position(phase=1, began=10), 10, 0.5),  # a peak of its own
        (Position(phase=1, began=10), 12, 0.25),
        (Position(phase=1, began=4, carried=6), 9, 0.25),  # half of ten steps, six of them carried over
    ],
)
def test_a_cosine_falls_from_the_peak_of_each_phase(position: Position, step: int, rate: float) -> None:
    assert effective_learning_rate(COSINE, position, step) == pytest.approx(rate)


def test_a_rate_set_by_hand_is_the_new_peak_of_a_cosine() -> None:
    assert effective_learning_rate(COSINE, Position(), 6, steered=0.2, rate_factor=0.5) == pytest.approx(0.05)


def test_a_warmup_as_long_as_its_phase_leaves_nothing_to_decay() -> None:
    plan = Plan(phases=(Phase(loss=CE, learning_rate=1.0, steps=4, warmup_steps=4, decay="cosine"),))
    assert [effective_learning_rate(plan, Position(), step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


FIRES = Trigger(threshold=0.5, patience=1, smoothing=0)
CARRIES = Plan(phases=(Phase(loss=CE, steps=10, trigger=FIRES), Phase(loss=CE, steps=5)), cycles=2, carry_over=True)


def walked(plan: Plan, fires_at: set[int]) -> list[tuple[int, int, int, str]]:
    """Cycle, phase, last step and reason of every phase, where the trigger sees its value at these steps."""
    position: Position | None = Position()
    ends = []
    for step in range(1, 1000):
        assert position is not None
        if step in fires_at:
            position = position.watch(plan.phases[position.phase].trigger, scores(0.6))
        reason = position.ended(plan, step)
        if reason is not None:
            ends.append((position.cycle, position.phase, step, reason.split(":")[0]))
            position = position.following(plan, step)
            if position is None:
                break
    return ends


@pytest.mark.parametrize(
    ("fires_at", "ends"),
    [
        (set(), [(0, 0, 10, "length"), (0, 1, 15, "length"), (1, 0, 25, "length"), (1, 1, 30, "length")]),
        ({4}, [(0, 0, 4, "trigger"), (0, 1, 15, "length"), (1, 0, 25, "length"), (1, 1, 30, "length")]),
        ({18}, [(0, 0, 10, "length"), (0, 1, 15, "length"), (1, 0, 18, "trigger"), (1, 1, 30, "length")]),
        ({4, 16}, [(0, 0, 4, "trigger"), (0, 1, 15, "length"), (1, 0, 16, "trigger"), (1, 1, 30, "length")]),
    ],
)
def test_steps_that_a_trigger_saves_go_to_the_next_phase(
    fires_at: set[int], ends: list[tuple[int, int, int, str]]
) -> None:
    assert walked(CARRIES, fires_at) == ends
    assert ends[-1][2] == CARRIES.steps


def test_carried_steps_go_on_to_a_phase_of_the_next_cycle() -> None:
    both = Plan(phases=(Phase(loss=CE, steps=10, trigger=FIRES),), cycles=3, carry_over=True)
    ends = walked(both, {4, 9})
    assert [end[2] for end in ends] == [4, 9, 30]
    assert ends[-1][3] == "length"


def test_the_trigger_of_the_last_phase_saves_nothing_where_steps_are_carried_over() -> None:
    alone = Plan(phases=(Phase(loss=CE, steps=10, trigger=FIRES),), carry_over=True)
    assert walked(alone, {4}) == [(0, 0, 10, "length")]
    assert walked(alone.model_copy(update={"carry_over": False}), {4}) == [(0, 0, 4, "trigger")]


def test_the_course_of_a_run_ends_where_the_run_ends() -> None:
    for plan in (CARRIES, CARRIES.model_copy(update={"carry_over": False})):
        ends = [end for _, _, end, _ in walked(plan, {4, 16})]
        assert [phase.end for phase in course(plan, [0, *ends[:-1]])] == ends
    assert [phase.end for phase in course(CARRIES)] == [10, 15, 25, 30]


def test_a_relative_trigger_wants_a_share_of_what_is_within_reach() -> None:
    trigger = Trigger(threshold=0.8, relative=True, patience=2, smoothing=0, scope="object")
    plan = Plan(phases=(Phase(loss=CE, steps=100, trigger=trigger),))
    position = Position()
    for step, (value, reachable) in enumerate([(0.6, 0.76), (0.62, 0.76), (0.62, None), (0.62, 0.7), (0.62, 0.76)], 1):
        position = position.watch(trigger, scores(0.1, value), reachable)
        reason = position.ended(plan, step)
        assert (reason is not None) == (step == 5), step
    assert reason == "trigger: object recall of class 1 0.620 ≥ 0.8 × 0.760"


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
def test_validation_never_takes_more_than_a_fifth_of_an_early_plan(
    steps: int, batch: int, crop: int, pixels: int
) -> None:
    never_more_than_a_fifth(Plan(phases=(Phase(loss=CE, steps=steps),), batch_size=batch, crop_size=crop), pixels)


@given(
    steps=st.integers(1, 100_000),
    validations=st.integers(1, 1000),
    pixels=st.integers(1, 10_000_000),
    scale=st.floats(0.05, 1),
)
def test_validation_never_takes_more_than_a_fifth_where_the_plan_says_how_often(
    steps: int, validations: int, pixels: int, scale: float
) -> None:
    plan = Plan(phases=(Phase(loss=CE, steps=steps),), validations=validations, inputs=InputSpec(scale=scale))
    never_more_than_a_fifth(plan, pixels)
    assert 65_536 <= validation_pixels(plan) <= 400_000 / (2 * validation_cost(plan))


def test_a_run_validates_as_often_as_its_plan_says() -> None:
    plan = Plan(phases=(Phase(loss=CE, steps=1000),), validations=40)
    interval = validation_interval(plan, validation_pixels(plan))
    assert interval == 25
    assert validation_pixels(plan) == 368_640  # a tenth of 1000·8·96² at half the time of a training pixel, 40 times


def test_an_early_plan_validates_as_it_always_did() -> None:
    plan = Plan(phases=(Phase(loss=CE, steps=1200),))
    assert validation_pixels(plan) == 400_000
    assert [validation_interval(plan, pixels) for pixels in (1, 4096, 65_536, 400_000)] == [5, 5, 23, 120]


def never_more_than_a_fifth(plan: Plan, pixels: int) -> None:
    cost = validation_cost(plan) * pixels / (plan.batch_size * plan.crop_size**2)  # in training steps
    assert cost / validation_interval(plan, pixels) <= MOST_VALIDATION_SHARE
