"""A run keeps its training time on machines that are faster, slower or busier than was measured beforehand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from explorer.losses.spec import LossSpec
from explorer.training.commands import Steer
from explorer.training.events import CheckpointSaved, Event, Intervened, Paused, PhaseChange, Recovered, Started, Step
from explorer.training.plan import Phase, Plan, Trigger, scaled
from explorer.training.run_course import RunCourse
from explorer.training.schedule import Position
from explorer.training.timekeeping import Timekeeper, length_factor

PHASES = tuple(Phase(loss=LossSpec(kind=kind), steps=100, warmup_steps=10) for kind in ("cross_entropy", "jaccard"))
PLAN = Plan(phases=PHASES, cycles=2, carry_over=True, seconds=40)  # 400 steps: 0.1 s each

Machine = Callable[[float], float]  # from seconds trained to seconds of the next step


def steps_of(plan: Plan, machine: Machine, fires_at: int | None = None) -> tuple[list[Step], list[int], list[float]]:
    """A run without training: its steps, the steps at which phases began, and the factors.

    Args:
        plan: of the run.
        machine: how fast it is.
        fires_at: the step after which a trigger ends the phase.
    """
    keeper, position, step, spent = Timekeeper(plan), Position(), 0, 0.0
    steps, starts, factors = list[Step](), [0], list[float]()
    keeper.see(PhaseChange(0, 0, 0, "start"))
    while True:
        for command in keeper():
            assert isinstance(command, Steer)
            assert command.length_factor is not None
            factors.append(command.length_factor)
            position = position.resized(plan, step, command.length_factor)
            keeper.see(Intervened(step, command.recorded(step)))
        step, spent = step + 1, spent + machine(spent)
        steps.append(Step(step, position.phase, position.cycle, 0.5, {}, 1.0, 1e-3, spent))
        keeper.see(steps[-1])
        if position.ended(plan, step) or step == fires_at:
            following = position.following(plan, step)
            if following is None:
                return steps, starts, factors
            position = following
            starts.append(step)
            keeper.see(PhaseChange(step, position.phase, position.cycle, "length"))


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("as measured", lambda spent: 0.1),
        ("half as fast", lambda spent: 0.2),
        ("four times as fast", lambda spent: 0.025),
        ("a hundred times as slow", lambda spent: 10.0 if spent < 10 else 0.3),
        ("busy at the start", lambda spent: 0.3 if spent < 12 else 0.1),
        ("busy in the middle", lambda spent: 0.25 if 15 < spent < 25 else 0.1),
        ("busy at the end", lambda spent: 0.2 if spent > 30 else 0.1),
        ("slower and slower", lambda spent: 0.05 + spent / 100),
    ],
)
def test_time_is_kept(name: str, machine: Machine) -> None:
    steps, starts, _ = steps_of(PLAN, machine)
    assert steps[-1].seconds == pytest.approx(39.2, abs=1.0), name
    assert len(starts) == 4, "no phase is lost"
    assert {(step.phase, step.cycle) for step in steps} == {(0, 0), (1, 0), (0, 1), (1, 1)}


def test_all_phases_become_shorter_by_the_same_share() -> None:
    _, starts, _ = steps_of(PLAN, lambda spent: 0.2)
    assert starts[2] - starts[1] == pytest.approx(starts[3] - starts[2], abs=2)
    assert starts[1] == pytest.approx(starts[2] - starts[1], abs=8), "the first one was planned longer for 5 % of it"


def test_run_that_is_as_fast_as_was_measured_is_left_alone() -> None:
    steps, _, factors = steps_of(PLAN, lambda spent: 0.098)
    assert factors == []
    assert len(steps) == PLAN.steps


def test_single_slow_step_changes_little() -> None:
    steps, _, _ = steps_of(PLAN, lambda spent: 2.0 if 10 < spent < 10.2 else 0.098)
    assert steps[-1].seconds == pytest.approx(39.5, abs=1.0)
    assert len(steps) == pytest.approx(385, abs=10)


def test_steps_that_a_trigger_saved_without_carrying_over_are_not_lost_to_the_time() -> None:
    plan = PLAN.model_copy(update={"carry_over": False})
    steps, _, factors = steps_of(plan, lambda spent: 0.1, fires_at=40)
    assert steps[-1].seconds == pytest.approx(39.2, abs=1.0)
    assert max(factors) > 1


def test_plan_without_a_time_is_left_alone() -> None:
    plan = PLAN.model_copy(update={"seconds": None})
    steps, _, factors = steps_of(plan, lambda spent: 10.0)
    assert factors == []
    assert len(steps) == 400


def test_scaling_to_steps_drops_the_time() -> None:
    assert scaled(PLAN, 200).seconds is None


def test_time_is_kept_after_going_back_to_a_checkpoint() -> None:
    keeper = Timekeeper(PLAN)
    keeper.see(PhaseChange(0, 0, 0, "start"))
    keeper.see(CheckpointSaved(50, "interval"))
    for number in range(1, 61):
        keeper.see(Step(number, 0, 0, 0.5, {}, 1.0, 1e-3, number * 0.2))
    (command,) = keeper()
    assert isinstance(command, Steer)
    keeper.see(Intervened(60, command.recorded(60)))
    keeper.see(Recovered(60, 50, 0.5, "the loss exploded"))
    assert keeper() == (), "how long a step takes is measured anew"
    for number in range(51, 70):
        keeper.see(Step(number, 0, 0, 0.5, {}, 1.0, 1e-3, number * 0.2))
    (again,) = keeper()
    assert isinstance(again, Steer)
    assert again.length_factor == pytest.approx((39.2 - 69 * 0.2) / 0.2 / (400 - 69), rel=0.01), "of all 400 steps"


BEGUN = PhaseChange(0, 0, 0, "start")
HALVED = Intervened(60, Steer(length_factor=0.5).recorded(60))


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        ((BEGUN, CheckpointSaved(50, "interval"), HALVED), 230),
        ((BEGUN, CheckpointSaved(50, "interval"), HALVED, Recovered(70, 50, 0.5, "the loss exploded")), 400),
        ((BEGUN, CheckpointSaved(50, "interval"), HALVED, Started(50, "cpu", 9, (1.0, 1.0))), 400),
        ((BEGUN, HALVED, CheckpointSaved(60, "pause"), Paused(60), Started(60, "cpu", 9, (1.0, 1.0))), 230),
        ((BEGUN, HALVED, Started(0, "cpu", 9, (1.0, 1.0)), BEGUN), 400),
    ],
    ids=["on its way", "recovered", "job was lost", "paused", "lost before a checkpoint"],
)
def test_course_forgets_what_is_undone(events: tuple[Event, ...], steps: int) -> None:
    assert RunCourse(PLAN, events).most_steps() == steps


def test_minimum_steps_and_warm_up_become_fewer_with_the_phase_and_never_more() -> None:
    phase = PHASES[0].model_copy(update={"minimum_steps": 40, "trigger": Trigger(patience=1)})
    plan = Plan(phases=(phase, PHASES[1]))
    half, double = (Position(satisfied=1, smoothed=0.95, length_factor=factor) for factor in (0.5, 2.0))
    assert half.ended(plan, 19) is None
    assert "trigger" in str(half.ended(plan, 20))
    assert double.ended(plan, 39) is None
    assert "trigger" in str(double.ended(plan, 40))
    assert [each.warmup(plan) for each in (half, double)] == [5, 10]


def test_no_time_left_ends_at_the_next_step() -> None:
    assert length_factor(seconds=10, spent=12, step_seconds=0.1, left=50) == 1 / 50
    assert length_factor(seconds=10, spent=12, step_seconds=0.1, left=1) is None
