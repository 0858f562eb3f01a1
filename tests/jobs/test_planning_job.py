"""A dataset is measured once, for all visitors, and plans follow from that without torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.imagery.archive import save_dataset
from explorer.jobs import planning as module
from explorer.jobs.registry import MeasureDataset, perform
from explorer.runs.measurements import measurement_file, read_measurement
from explorer.training.fingerprint import fingerprint
from explorer.training.planning import Budget, propose
from tests.runs.tiny import tiny_dataset


@pytest.fixture
def job(tmp_path: Path) -> MeasureDataset:
    file = tmp_path / "0a1b.npz"
    save_dataset(tiny_dataset(), file)
    return MeasureDataset(file, "cpu")


def test_a_dataset_is_measured_once(job: MeasureDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_measurement(measurement_file(job.dataset, "cpu")) is None
    measured = perform(job)
    assert measured.fingerprint == fingerprint(tiny_dataset())
    assert set(measured.step_seconds) == {"pretrained", "unet"}
    assert all(0 < seconds < 20 for seconds in measured.step_seconds.values())
    assert read_measurement(measurement_file(job.dataset, "cpu")) == measured
    assert read_measurement(measurement_file(job.dataset, "cuda")) is None, "another device is as fast as it is"
    monkeypatch.setattr(module, "fingerprint", None)
    assert perform(job) == measured, "the second visitor gets the file"


def test_a_file_that_cannot_be_read_is_measured_anew(job: MeasureDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure_step_seconds", lambda *_: 0.25)
    file = measurement_file(job.dataset, "cpu")
    file.write_text('{"fingerprint": 3}')
    assert perform(job).step_seconds == {"pretrained": 0.25, "unet": 0.25}
    assert read_measurement(file) == perform(job)


def test_plans_for_any_preset_and_budget_follow_from_it(job: MeasureDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure_step_seconds", lambda *_: 0.25)
    measured = perform(job)
    for preset, seconds in (("recall_first", 60), ("dice_ce", 120)):
        budget = Budget(seconds=seconds)
        plan = propose(measured.fingerprint, preset, budget, step_seconds=measured.step_seconds).plan
        assert plan.steps == seconds * 0.95 // 0.25
