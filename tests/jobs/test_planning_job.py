"""The fingerprint of a dataset is computed once, for all visitors; the time of a step whenever it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.imagery.archive import save_dataset
from explorer.jobs import planning as module
from explorer.jobs.job import perform
from explorer.jobs.registry import MeasureDataset, MeasureStep
from explorer.runs.measurements import fingerprint_file, read_fingerprint
from explorer.training.fingerprint import fingerprint
from explorer.training.plan import Plan
from explorer.training.recipe import SegmenterKind
from tests.runs.tiny import tiny_dataset


@pytest.fixture
def job(tmp_path: Path) -> MeasureDataset:
    file = tmp_path / "0a1b.npz"
    save_dataset(tiny_dataset(), file)
    return MeasureDataset(file)


def test_the_fingerprint_is_kept_for_the_next_visitor(job: MeasureDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    file = fingerprint_file(job.dataset)
    assert read_fingerprint(file) is None
    measured = perform(job)
    assert measured == fingerprint(tiny_dataset()) == read_fingerprint(file)
    monkeypatch.setattr(module, "fingerprint", None)
    assert perform(job) == measured, "the second visitor gets the file"


def test_a_file_that_cannot_be_read_is_computed_anew(job: MeasureDataset) -> None:
    file = fingerprint_file(job.dataset)
    file.write_text('{"fingerprint": 3}')
    assert perform(job) == read_fingerprint(file)


@pytest.mark.parametrize("kind", ["pretrained", "unet"])
def test_a_step_is_measured_on_the_plan_with_the_segmenter_that_is_asked_for(
    job: MeasureDataset, kind: SegmenterKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Plan] = []
    monkeypatch.setattr(module, "measure_step_seconds", lambda plan, *_: (measured.append(plan), 0.25)[1])
    assert perform(MeasureStep(job.dataset, fingerprint(tiny_dataset()), kind, "cpu")) == 0.25
    assert [plan.segmenter.kind for plan in measured] == [kind]
