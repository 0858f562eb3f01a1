"""What a plan may ask of the loop beside its phases: averaging, clipping, decay, carried steps, threshold scenes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset, Scene
from explorer.imagery.splitting import hold_out
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.network import Segmenter, UNet, build_segmenter
from explorer.training import loop
from explorer.training.averaging import ramped_decay
from explorer.training.checkpoints import load_checkpoint, load_weights
from explorer.training.events import (
    CheckpointSaved,
    Ended,
    Event,
    Note,
    PhaseChange,
    Preview,
    Recovered,
    Started,
    Step,
    Validation,
)
from explorer.training.loop import train
from explorer.training.optimisation import training_step
from explorer.training.plan import Augmentation, Phase, Plan, Trigger
from explorer.training.sampler import Sampler
from explorer.training.validation import Validator
from explorer.training.weighting import weights_of_data
from tests.runs.tiny import tiny_dataset, tiny_plan

CPU = torch.device("cpu")
DATASET = tiny_dataset()
WEIGHTED = LossSpec(kind="weighted_cross_entropy", class_weights="inverse_frequency")
RECALL = Trigger(threshold=0.3, relative=True, patience=1, smoothing=0.2)
EVERYTHING = tiny_plan(
    phases=(
        Phase(loss=WEIGHTED, learning_rate=2e-2, steps=20, warmup_steps=3, decay="cosine", trigger=RECALL),
        Phase(loss=LossSpec(kind="boundary", alpha_end=0.9), learning_rate=5e-4, steps=10, decay="cosine"),
    ),
    cycles=2,
    batch_size=8,
    crop_size=32,
    inputs=InputSpec(scale=0.75, root=True, contrast=True, object_size=8),
    augmentation=Augmentation(gain=0.4, offset=0.2, channel_gain=0.1, channel_offset=0.1, zoom=0.2),
    clip_gradient=0.5,
    averaging=0.8,
    carry_over=True,
    choose_threshold=True,
    validations=12,
)


def run(plan: Plan, dataset: Dataset = DATASET, **options: object) -> list[Event]:
    return list(train(plan, dataset, device="cpu", **options))  # type: ignore[arg-type]


def of_training(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Step | Validation | PhaseChange | Recovered)]


E = TypeVar("E", bound=Event)


def of_kind(events: Sequence[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_a_plan_of_an_earlier_version_trains_as_a_plain_loop_does() -> None:
    plan = tiny_plan(12, batch_size=4)
    sampler = Sampler(DATASET.training, 2, DATASET.stretch, plan, CPU)
    segmenter = build_segmenter(2, 2, plan.segmenter, plan.seed)
    phase = plan.phases[0]
    optimizer = torch.optim.AdamW(segmenter.parameters(), phase.learning_rate, weight_decay=1e-4, fused=True)
    losses = []
    for step in range(12):
        crops = sampler.crops(step)
        value = build_loss(phase.loss)(segmenter(sampler.images(crops)), sampler.labels(crops))
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(value.item())
    assert [step.loss for step in of_kind(run(plan), Step)] == losses


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return folder, run(EVERYTHING, checkpoints=folder, checkpoint_steps=7)


def test_resumed_from_any_checkpoint_it_equals_the_run_that_never_stopped(saved: tuple[Path, list[Event]]) -> None:
    folder, whole = saved
    files = sorted(folder.glob("*.safetensors"))
    assert len(files) >= 8
    assert run(EVERYTHING) == [event for event in whole if not isinstance(event, CheckpointSaved)]
    for file in files:
        again = run(EVERYTHING, resume=load_checkpoint(file))
        at = whole.index(next(e for e in of_kind(whole, CheckpointSaved) if e.file == file.name))
        assert of_training(again) == of_training(whole[at + 1 :])
        assert again[-1] == whole[-1]


def test_the_total_stays_although_triggers_end_phases(saved: tuple[Path, list[Event]]) -> None:
    _, whole = saved
    changes = of_kind(whole, PhaseChange)
    assert [change.reason.split(":")[0] for change in changes] == ["start", "trigger", "length", "trigger"]
    assert changes[1].step < 20
    assert changes[2].step == 30
    assert whole[-1].step == EVERYTHING.steps == 60
    assert " × 0." in changes[1].reason or " × 1." in changes[1].reason


def test_triggers_watch_threshold_scenes_and_nothing_trains_on_them(saved: tuple[Path, list[Event]]) -> None:
    _, whole = saved
    parts = hold_out(DATASET.training, 2)
    started = of_kind(whole, Started)[0]
    assert started.threshold_scenes == tuple(scene.name for scene in parts.validation)
    assert started.threshold_scenes
    assert started.class_weights == weights_of_data(replace(DATASET, training=parts.training))(
        "inverse_frequency", None
    )
    assert started.class_weights != weights_of_data(DATASET)("inverse_frequency", None)
    validations = of_kind(whole, Validation)
    assert len(validations) >= 12
    for validation in validations:
        assert (validation.choosing is not None) == (validation.phase == 0)
        assert validation.choosing != validation.scores
        assert validation.reachable is None or validation.phase == 0
    fired = next(v for v in validations if v.step == of_kind(whole, PhaseChange)[1].step)
    assert fired.choosing is not None
    recall = fired.choosing.classes[1].pixel.recall
    assert recall is not None
    assert fired.reachable is not None
    assert 0 < fired.reachable <= 1


def test_without_threshold_scenes_triggers_watch_the_validation_scenes() -> None:
    events = run(EVERYTHING.model_copy(update={"choose_threshold": False}))
    assert of_kind(events, Started)[0].threshold_scenes == ()
    assert all(event.choosing is None for event in of_kind(events, Validation))
    assert any(change.reason.startswith("trigger") for change in of_kind(events, PhaseChange))


def test_where_no_scene_can_be_cut_a_note_says_that_no_trigger_ends_a_phase() -> None:
    label = np.zeros((18, 18), np.uint8)
    label[4:9, 4:9] = 1
    image = (label[None] * 200).astype(np.uint8)
    dataset = make_dataset("small", [Scene(name, image, label, ("grey",)) for name in "abc"], DATASET.classes)
    assert hold_out(dataset.training, 2).validation == ()
    always = Trigger(threshold=0.01, patience=1, smoothing=0)
    plan = tiny_plan(phases=(Phase(loss=WEIGHTED, steps=12, trigger=always),), choose_threshold=True)
    events = run(plan, dataset)
    assert "no trigger ends a phase" in of_kind(events, Note)[0].text
    assert events[-1].step == 12


def test_the_learning_rate_that_is_reported_is_the_one_of_the_phase(saved: tuple[Path, list[Event]]) -> None:
    _, whole = saved
    rates = [step.learning_rate for step in of_kind(whole, Step)]
    assert rates[:4] == pytest.approx([2e-2 / 3, 4e-2 / 3, 2e-2, 2e-2])
    first, second = (change.step for change in of_kind(whole, PhaseChange)[1:3])
    assert rates[first] == pytest.approx(5e-4)
    assert all(later < earlier for earlier, later in zip(rates[first:second], rates[first + 1 : second], strict=False))


class OfTheWeights:
    """The averages that follow from the weights of a run's checkpoints, one after every step."""

    def __init__(self, folder: Path, decay: float) -> None:
        self.states = [load_checkpoint(file) for file in sorted(folder.glob("*.safetensors"))]
        self.decay = decay

    def check(self) -> None:
        average = {name: value.double() for name, value in self.states[0].trained.items()}
        for step, state in enumerate(self.states[1:]):
            kept = ramped_decay(self.decay, step)
            average = {name: kept * value + (1 - kept) * state.trained[name] for name, value in average.items()}
            for name, value in average.items():
                torch.testing.assert_close(state.weights[name].double(), value, rtol=1e-5, atol=1e-6)


def test_the_weights_of_a_checkpoint_are_the_moving_average(tmp_path: Path) -> None:
    events = run(tiny_plan(15, averaging=0.6), checkpoints=tmp_path, checkpoint_steps=1)
    averages = OfTheWeights(tmp_path, 0.6)
    assert len(averages.states) == 16
    averages.check()
    last = averages.states[-1]
    assert any((last.weights[name] - last.trained[name]).abs().max() > 1e-4 for name in last.weights)
    segmenter = build_segmenter(2, 2, tiny_plan().segmenter, 0)
    load_weights(segmenter, last)
    validator = Validator(DATASET.validation, 2, DATASET.stretch, CPU, DATASET.minimum_area)
    assert validator.validate(segmenter.eval()).scores == of_kind(events, Validation)[-1].scores
    preview = of_kind(events, Preview)[-1].prediction
    assert preview is not None
    assert (validator.validate(segmenter).preview == preview).all()


def test_averaging_leaves_training_as_it_is() -> None:
    plain, averaged = (run(tiny_plan(15, averaging=decay)) for decay in (None, 0.6))
    assert of_kind(plain, Step) == of_kind(averaged, Step)
    assert of_kind(plain, Validation) != of_kind(averaged, Validation)


def test_going_back_restores_the_weights_and_their_average(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls, real = 0, loop.training_step

    def fails_once(*arguments: object) -> tuple[torch.Tensor, torch.Tensor]:
        nonlocal calls
        calls += 1
        value, norm = real(*arguments)  # type: ignore[arg-type]
        return (value * math.nan if calls == 11 else value), norm

    monkeypatch.setattr(loop, "training_step", fails_once)
    saved: list[tuple[int, dict[str, torch.Tensor], dict[str, torch.Tensor]]] = []
    for event in train(tiny_plan(20, averaging=0.6), DATASET, device="cpu", checkpoints=tmp_path, checkpoint_steps=7):
        if isinstance(event, CheckpointSaved):
            state = load_checkpoint(tmp_path / event.file)
            saved.append((state.step, state.weights, state.trained))
    assert [step for step, _, _ in saved] == [0, 7, 7, 14, 20]
    for part in (1, 2):
        before, after = saved[1][part], saved[2][part]
        assert all(torch.equal(before[name], after[name]) for name in before)  # type: ignore[index, arg-type]


@pytest.mark.parametrize(("clip", "length"), [(None, 5.0), (2.0, 2.0), (100.0, 5.0)])
def test_a_gradient_is_shortened_to_the_clipping_norm_and_reported_as_it_was(clip: float | None, length: float) -> None:
    """The loss is 3·w₀ + 4·w₁, whose gradient has the norm 5; SGD with rate 1 moves by the gradient itself."""
    weights = torch.zeros(2, requires_grad=True)

    class Linear:
        def of(self, _: Prediction) -> torch.Tensor:
            return weights @ torch.tensor([3.0, 4.0])

    prediction = Prediction(torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, dtype=torch.uint8))
    _, norm = training_step(Linear(), prediction, torch.optim.SGD([weights], lr=1.0), [weights], clip=clip)  # type: ignore[arg-type]
    assert norm.item() == pytest.approx(5.0)
    assert weights.norm().item() == pytest.approx(length)
    assert (weights[1] / weights[0]).item() == pytest.approx(4 / 3)


def test_parameters_learn_at_their_share_of_the_rate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def factor(_: Segmenter, name: str) -> float:
        return 0.0 if name.startswith("encoder") else 1.0

    monkeypatch.setattr(UNet, "rate_factor", factor)
    events = run(tiny_plan(5), checkpoints=tmp_path, checkpoint_steps=5)
    first, last = (load_checkpoint(tmp_path / f"step_{step:08d}.safetensors").weights for step in (0, 5))
    for name, before in first.items():
        assert torch.equal(before, last[name]) == name.startswith("encoder"), name
    assert {step.learning_rate for step in of_kind(events, Step)} == {tiny_plan().phases[0].learning_rate}


def test_a_setting_that_ramps_has_the_value_of_its_place() -> None:
    """With α from 0 to 1, the first step trains Dice + CE and the last the distance term alone."""
    ramp = LossSpec(kind="boundary", alpha=0.0, alpha_end=1.0)
    fixed = [LossSpec(kind="boundary", alpha=alpha) for alpha in (0.0, 0.5, 1.0)]
    steps = of_kind(run(tiny_plan(phases=(Phase(loss=ramp, learning_rate=1e-9, steps=3),))), Step)
    expected = [run(tiny_plan(phases=(Phase(loss=loss, learning_rate=1e-9, steps=3),))) for loss in fixed]
    for step, events in zip(steps, expected, strict=True):
        assert step.loss == pytest.approx(of_kind(events, Step)[step.step - 1].loss, rel=1e-4)


def test_a_run_that_finds_nothing_says_so_at_its_end(tmp_path: Path) -> None:
    """The background's weight is a thousand times the object's: no object is ever predicted."""
    loss = LossSpec(kind="weighted_cross_entropy", class_weights=(1.0, 1e-3))
    plan = tiny_plan(phases=(Phase(loss=loss, learning_rate=1e-2, steps=30),))
    events = run(plan, checkpoints=tmp_path)
    end = events[-1]
    assert isinstance(end, Ended)
    assert end.reason == "done"
    assert end.message.startswith("done, but nothing was found: ")
    assert "“square”" in end.message
    last = load_checkpoint(max(tmp_path.glob("*.safetensors")))
    assert run(plan, resume=last)[-1] == end
