"""The loop: deterministic, resumable at any checkpoint, steered and replayed, recovering from what explodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from explorer.errors import InputError
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.runs.timeline import replayed, timeline
from explorer.training import loop
from explorer.training.checkpoints import load_checkpoint
from explorer.training.commands import Command, Pause, RunUntil, Steer, Stop
from explorer.training.events import (
    CheckpointSaved,
    Ended,
    Event,
    Intervened,
    Note,
    Paused,
    PhaseChange,
    Preview,
    Recovered,
    Started,
    Step,
    Validation,
    to_json,
)
from explorer.training.loop import COSTLY_EVERY, MOST_RECOVERIES, train
from explorer.training.plan import Phase, Plan, Trigger
from tests.runs.tiny import tiny_dataset, tiny_plan

DATASET = tiny_dataset()
WEIGHTED = LossSpec(kind="weighted_cross_entropy", class_weights="inverse_frequency", weight_cap=5)
TWO_PHASES = tiny_plan(
    phases=(
        Phase(loss=WEIGHTED, learning_rate=5e-3, steps=12, warmup_steps=3),
        Phase(loss=LossSpec(kind="jaccard"), learning_rate=5e-4, steps=8, optimizer="reset"),
    ),
    cycles=2,
)
FOCAL = LossSpec(kind="focal", gamma=1)


def run(plan: Plan, **options: object) -> list[Event]:
    return list(train(plan, DATASET, device="cpu", **options))  # type: ignore[arg-type]


def commands_at(orders: dict[int, Command]) -> Callable[[], Sequence[Command]]:
    """Gives each command when it is asked for the nth time, which without pauses is before step n."""
    asked = iter(range(10**6))

    def commands() -> Sequence[Command]:
        command = orders.get(next(asked))
        return (command,) if command else ()

    return commands


def of_training(events: Sequence[Event]) -> list[Event]:
    """What a run tells of its training; checkpoints and starts depend on how often it was interrupted."""
    return [event for event in events if isinstance(event, Step | Validation | PhaseChange | Intervened | Recovered)]


@pytest.fixture(scope="module")
def whole() -> list[Event]:
    return run(TWO_PHASES)


def test_the_same_seed_gives_the_same_events_bit_for_bit(whole: list[Event]) -> None:
    torch.rand(1)  # the global random state is nobody's business
    again = run(TWO_PHASES)
    assert again == whole
    previews = [[event.prediction for event in events if isinstance(event, Preview)] for events in (whole, again)]
    assert all((a == b).all() for a, b in zip(*previews, strict=True) if a is not None and b is not None)


def test_another_seed_gives_another_run(whole: list[Event]) -> None:
    assert of_training(run(TWO_PHASES.model_copy(update={"seed": 1}))) != of_training(whole)


def test_what_a_run_tells(whole: list[Event]) -> None:
    assert isinstance(whole[0], Started)
    assert whole[-1] == Ended(40, "done")
    steps = [event for event in whole if isinstance(event, Step)]
    assert [event.step for event in steps] == list(range(1, 41))
    changes = [(e.step, e.phase, e.cycle, e.reason) for e in whole if isinstance(e, PhaseChange)]
    assert changes == [(0, 0, 0, "start"), (12, 1, 0, "length"), (20, 0, 1, "length"), (32, 1, 1, "length")]
    assert [step.learning_rate for step in steps[:4]] == pytest.approx([5e-3 / 3, 10e-3 / 3, 5e-3, 5e-3])
    assert steps[12].learning_rate == 5e-4
    validations = [event.step for event in whole if isinstance(event, Validation)]
    assert validations[-1] == 40
    assert len(validations) >= 2
    assert set(validations) <= {event.step for event in whole if isinstance(event, Preview)}


def test_every_loss_is_logged_whatever_is_trained(whole: list[Event]) -> None:
    everything = {kind for kind, info in LOSSES.items() if info.logged}
    cheap = {kind for kind in everything if not LOSSES[kind].costly}
    for event in whole:
        if isinstance(event, Step):
            expected = everything if (event.step - 1) % COSTLY_EVERY == 0 else cheap
            assert set(event.losses) == expected
            assert all(value is not None and math.isfinite(value) for value in event.losses.values())
            assert event.gradient_norm > 0
    # the loss being trained is the logged one of the same kind and settings
    assert all(
        event.loss == pytest.approx(event.losses["weighted_cross_entropy"], rel=1e-6)
        for event in whole
        if isinstance(event, Step) and event.phase == 0
    )


def test_a_run_learns() -> None:
    events = run(tiny_plan(80, phases=(Phase(loss=WEIGHTED, learning_rate=1e-2, steps=80),), batch_size=4))
    losses = [event.loss or math.inf for event in events if isinstance(event, Step)]
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    recalls = [event.scores.classes[1].pixel.recall for event in events if isinstance(event, Validation)]
    assert recalls[-1] is not None
    assert recalls[-1] > 0.8


STEERED: dict[int, Command] = {
    5: Steer(learning_rate=2e-3),
    9: Steer(loss=FOCAL),
    15: Steer(learning_rate=1e-4, loss=WEIGHTED),
}


@pytest.mark.parametrize("orders", [{}, STEERED], ids=["left alone", "steered"])
def test_resumed_from_any_checkpoint_it_equals_the_run_that_never_stopped(
    orders: dict[int, Command], tmp_path: Path
) -> None:
    whole = run(TWO_PHASES, checkpoints=tmp_path, checkpoint_steps=7, commands=commands_at(orders))
    assert sum(isinstance(event, Intervened) for event in whole) == len(orders)
    plan = replayed(TWO_PHASES, whole)
    files = sorted(tmp_path.glob("*.safetensors"))
    assert len(files) >= 8
    for file in files:
        checkpoint = load_checkpoint(file)
        again = run(plan, resume=checkpoint)
        at = whole.index(next(e for e in whole if isinstance(e, CheckpointSaved) and e.file == file.name))
        assert of_training(again) == of_training(whole[at + 1 :])
        assert again[-1] == Ended(40, "done")


def test_replaying_the_recorded_changes_gives_the_same_run() -> None:
    steered = run(TWO_PHASES, commands=commands_at(STEERED))
    again = run(replayed(TWO_PHASES, steered))
    assert of_training(again) == of_training(steered)
    assert of_training(again) != of_training(run(TWO_PHASES))


def test_steering_takes_effect_at_the_next_step_and_ends_with_the_phase() -> None:
    events = run(TWO_PHASES, commands=commands_at({5: Steer(learning_rate=0.02), 6: Steer(loss=FOCAL)}))
    steps = {event.step: event for event in events if isinstance(event, Step)}
    assert (steps[5].learning_rate, steps[6].learning_rate, steps[12].learning_rate) == (5e-3, 0.02, 0.02)
    assert steps[13].learning_rate == 5e-4
    assert steps[7].loss != pytest.approx(steps[7].losses["weighted_cross_entropy"])
    assert steps[13].loss == pytest.approx(steps[13].losses["jaccard"])
    assert [event.step for event in events if isinstance(event, Intervened)] == [5, 6]


def test_pausing_and_resuming_changes_nothing(whole: list[Event], tmp_path: Path) -> None:
    first = run(TWO_PHASES, checkpoints=tmp_path, commands=commands_at({17: Pause()}))
    assert first[-1] == Paused(17)
    assert isinstance(first[-2], CheckpointSaved)
    second = run(TWO_PHASES, resume=load_checkpoint(tmp_path / first[-2].file))
    assert of_training(first) + of_training(second) == of_training(whole)


def test_it_makes_just_the_steps_that_were_ordered() -> None:
    events = run(TWO_PHASES, commands=commands_at({0: RunUntil(10)}))
    assert events[-1] == Paused(10)
    assert sum(isinstance(event, Step) for event in events) == 10


def test_a_stop_ends_the_run_for_good(tmp_path: Path) -> None:
    events = run(TWO_PHASES, checkpoints=tmp_path, commands=commands_at({3: Stop()}))
    assert events[-1] == Ended(3, "stopped")
    assert load_checkpoint(max(tmp_path.glob("*.safetensors"))).step == 3


def test_a_trigger_ends_a_phase_early() -> None:
    trigger = Trigger(metric="recall", threshold=0.01, patience=1)
    plan = tiny_plan(
        phases=(
            Phase(loss=WEIGHTED, learning_rate=1e-2, steps=200, minimum_steps=15, trigger=trigger),
            Phase(loss=LossSpec(kind="jaccard"), steps=2),
        )
    )
    change = next(event for event in run(plan) if isinstance(event, PhaseChange) and event.phase == 1)
    assert 15 <= change.step < 200
    assert change.reason.startswith("trigger: pixel recall of class 1")


class FaultyLoss:
    """Makes the loss of some steps worthless, by the number of the call."""

    def __init__(self, bad: Callable[[int], bool], factor: float) -> None:
        self.calls, self.bad, self.factor, self.real = 0, bad, factor, loop.training_step

    def __call__(self, *arguments: object) -> tuple[torch.Tensor, torch.Tensor]:
        value, norm = self.real(*arguments)  # type: ignore[arg-type]
        self.calls += 1
        return (value * self.factor if self.bad(self.calls) else value), norm


RECOVERED: dict[int, Command] = {3: Steer(learning_rate=2e-3), 9: Steer(loss=FOCAL), 20: Steer(learning_rate=1e-3)}


def test_a_run_that_was_steered_and_recovered_is_repeated_by_its_plan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(loop, "training_step", FaultyLoss(lambda call: call in (11, 30), math.nan))
        events = run(TWO_PHASES, checkpoints=tmp_path, checkpoint_steps=7, commands=commands_at(RECOVERED))
    assert [event.rate_factor for event in events if isinstance(event, Recovered)] == [0.5, 0.25]
    plan = replayed(TWO_PHASES, events)
    assert not any(change.loss for change in plan.interventions), "the change of step 9 was lost in going back to 7"
    made = [event for event in timeline(events) if isinstance(event, Step)]
    assert [event.step for event in made] == list(range(1, 41))
    assert [event for event in run(plan) if isinstance(event, Step)] == made


def test_the_plan_of_half_a_run_keeps_what_was_to_come() -> None:
    steered = replayed(TWO_PHASES, run(TWO_PHASES, commands=commands_at(STEERED)))
    half = run(steered, commands=commands_at({10: Pause()}))
    assert of_training(run(replayed(steered, half))) == of_training(run(steered))


@pytest.mark.parametrize(("factor", "said"), [(math.nan, "NaN"), (math.inf, "NaN or infinite"), (1e3, "exploded")])
def test_a_worthless_loss_goes_back_and_halves_the_rate(
    factor: float, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loop, "training_step", FaultyLoss(lambda call: call == 11, factor))
    events = run(TWO_PHASES, checkpoints=tmp_path, checkpoint_steps=7)
    recovered = [event for event in events if isinstance(event, Recovered)]
    assert [(event.step, event.back_to, event.rate_factor) for event in recovered] == [(10, 7, 0.5)]
    assert said in recovered[0].reason
    after = events[events.index(recovered[0]) :]
    assert [e.step for e in after if isinstance(e, Step)] == list(range(8, 41))
    assert next(e for e in after if isinstance(e, Step)).learning_rate == 2.5e-3
    assert events[-1] == Ended(40, "done")
    assert load_checkpoint(max(tmp_path.glob("*.safetensors"))).rate_factor == 0.5  # a resumed run goes on with half


def test_after_three_times_it_stops_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "training_step", FaultyLoss(lambda call: call > 4, math.nan))
    events = run(TWO_PHASES)
    assert sum(isinstance(event, Recovered) for event in events) == MOST_RECOVERIES
    end = events[-1]
    assert isinstance(end, Ended)
    assert end.reason == "diverged"
    assert "NaN" in end.message
    assert all(math.isfinite(event.loss or math.nan) for event in events if isinstance(event, Step))


def test_nothing_worthless_is_ever_logged_as_json(whole: list[Event]) -> None:
    assert not any("NaN" in to_json(event) or "Infinity" in to_json(event) for event in whole)


WRONG = {"kind": "weighted_cross_entropy", "class_weights": (1.0, 2.0, 3.0)}


def test_weights_of_a_term_that_do_not_fit_the_classes_are_refused_before_the_run_starts() -> None:
    loss = LossSpec(kind="combined", terms=({"loss": {"kind": "dice"}}, {"loss": WRONG}))
    events = train(tiny_plan(phases=(Phase(loss=loss),)), DATASET, device="cpu")
    with pytest.raises(InputError, match=r"phases\[0\].loss.terms\[1\].loss.class_weights: 3 weights for 2 classes"):
        next(iter(events))


@pytest.mark.parametrize("wrong", [WRONG, {"kind": "combined", "terms": ({"loss": WRONG},)}], ids=["loss", "term"])
def test_a_change_by_hand_that_does_not_fit_is_refused_and_the_run_goes_on(
    whole: list[Event], wrong: dict[str, object]
) -> None:
    events = run(TWO_PHASES, commands=commands_at({5: Steer(learning_rate=0.02, loss=LossSpec(**wrong))}))
    (note,) = (event for event in events if isinstance(event, Note))
    assert note.step == 5
    assert "class_weights: 3 weights for 2 classes" in note.text
    assert of_training(events) == of_training(whole)
