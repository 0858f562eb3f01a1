"""The step time is that of real steps, and a plan for a time keeps it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from explorer.training import probe
from explorer.training.budget import Budget
from explorer.training.events import Step, Validation
from explorer.training.fingerprint import fingerprint
from explorer.training.loop import train
from explorer.training.probe import measure_step_seconds, measured_proposal
from tests.runs.tiny import tiny_dataset, tiny_plan


def test_steps_and_the_share_of_a_validation_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only the loop moves: steps take 0.1 s after slow first ones, a validation takes 3 s."""
    clock = [0.0]

    def slowly(plan, dataset, **options):
        for event in train(plan, dataset, **options):
            match event:
                case Step():
                    clock[0] += 0.1 if event.step > 2 else 7.0
                case Validation():
                    clock[0] += 3.0
            yield event

    monkeypatch.setattr(probe, "train", slowly)
    monkeypatch.setattr(probe.time, "perf_counter", lambda: clock[0])
    plan = tiny_plan(400, validations=20)  # every 20 steps; a validation sees all pixels, in the short plan, too
    assert measure_step_seconds(plan, tiny_dataset(), "cpu") == pytest.approx(0.1 + 3.0 / 20)


def test_what_is_measured_does_not_depend_on_how_many_scenes_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def looking(plan, dataset, **options):
        seen.append(dataset)
        yield from train(plan, dataset, **options)

    monkeypatch.setattr(probe, "train", looking)
    monkeypatch.setattr(probe, "_PIXELS", 64 * 64)
    dataset = tiny_dataset()
    empty = replace(dataset.training[0], name="empty", label=dataset.training[0].label * 0)
    measure_step_seconds(tiny_plan(), replace(dataset, training=(empty, *dataset.training)), "cpu")
    assert [scene.name for scene in seen[0].training] == [dataset.training[0].name], "one with foreground"


def test_a_plan_for_a_time_is_kept_by_its_run() -> None:
    dataset = tiny_dataset()
    proposal, step_seconds = measured_proposal(
        fingerprint(dataset), dataset, "ce_only", Budget(seconds=3), device="cpu", segmenter="unet"
    )
    assert step_seconds is not None
    assert proposal.plan.steps * step_seconds <= 3
    began = time.perf_counter()
    for event in train(proposal.plan, dataset, device="cpu"):
        last = event
    assert last.step == proposal.plan.steps
    assert time.perf_counter() - began < 9, "three times as long would be another machine's"


def test_a_budget_in_steps_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "train", None)
    dataset = tiny_dataset()
    proposal, step_seconds = measured_proposal(fingerprint(dataset), dataset, "dice_ce", Budget(steps=50))
    assert (proposal.plan.steps, step_seconds) == (50, None)


def test_where_the_pretrained_segmenter_is_too_slow_the_unet_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {"pretrained": 0.5, "unet": 0.02}
    monkeypatch.setattr(probe, "measure_step_seconds", lambda plan, dataset, device: measured[plan.segmenter.kind])
    dataset = tiny_dataset()
    proposal, step_seconds = measured_proposal(fingerprint(dataset), dataset, "ce_only", Budget(seconds=10))
    assert (proposal.plan.segmenter.kind, step_seconds, proposal.plan.steps) == ("unet", 0.02, 475)
