"""Jobs of landscapes on a run that trains on: helpers keep to the plane of the slice, and their faults harm nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.jobs import landscape
from explorer.jobs.job import Resource, perform
from explorer.jobs.registry import EvaluatePoints, MeasureSlice, PredictPoint
from explorer.landscape.plane_kinds import PlaneSpec
from explorer.landscape.refine import PointEvaluator
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.slice_files import slice_file
from explorer.runs.slices import SliceSetup, local_measure, measure_slice, predict_at, prepare
from explorer.runs.training import execute
from explorer.training.checkpoints import load_checkpoint, save_checkpoint
from tests.runs.tiny import tiny_dataset, tiny_plan

PATH_PLANE = SliceRequest(
    plane=PlaneSpec(kind="pca"), checkpoint="step_00000030.safetensors", resolution=5, budget=25, tolerance=0.05
)
POINTS = ((0.0, 0.0), (0.5, -0.5))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunFolder]:
    """Trained for a moment, with four checkpoints."""
    dataset = tiny_dataset()
    folder = RunFolder.create(tmp_path / "tiny", tiny_plan(30), DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu", checkpoint_steps=10):
        pass
    landscape._setup.cache_clear()
    yield folder
    landscape._setup.cache_clear()


def train_on(run: RunFolder) -> None:
    """Adds a checkpoint off the path so far, as a run that trains does."""
    state = load_checkpoint(run.checkpoint_files()[-1])
    weights = {name: value + 0.1 * (index % 3 - 1) for index, (name, value) in enumerate(state.weights.items())}
    save_checkpoint(replace(state, step=40, weights=weights), run.checkpoints)


class Answer:
    """What a helper answers, or fails with."""

    def __init__(self, found: object) -> None:
        self._found = found

    def result(self, _patience: float) -> object:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


class Helper:
    """A cluster with this worker and one that helps."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.address, self.asked, self._failure = "own", 0, failure

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        return {"workers": {name: {"resources": {Resource.SLICE: 1}} for name in ("own", "helper")}}

    def processing(self) -> dict[str, Any]:
        return {}

    def submit(self, _function: object, job: EvaluatePoints, **_: object) -> Answer:
        self.asked += 1
        return Answer(self._failure or perform(job))


def with_helper(patch: pytest.MonkeyPatch, helper: Helper) -> Helper:
    patch.setattr(landscape, "get_client", lambda: helper)
    patch.setattr(landscape, "get_worker", lambda: helper)
    return helper


def test_a_helper_keeps_to_the_plane_of_the_slice_while_checkpoints_arrive(run: RunFolder) -> None:
    setup = prepare(run, PATH_PLANE, "cpu")
    job = EvaluatePoints(run.path, PATH_PLANE, setup.meta.report.content_hash, POINTS)
    with pytest.raises(InputError, match="nobody measures"):
        perform(job)
    (run.path / "slices").mkdir()
    progress = measure_slice(run, PATH_PLANE, slice_file(run, PATH_PLANE), "cpu")
    next(progress)
    train_on(run)
    assert prepare(run, PATH_PLANE, "cpu").meta.report.content_hash != job.plane
    for found, expected in zip(perform(job), local_measure(setup)(POINTS), strict=True):
        np.testing.assert_array_equal(found[0], expected[0])
    with pytest.raises(InputError, match="another plane"):
        perform(replace(job, plane="another"))


@pytest.mark.parametrize("failure", [None, InputError("is out of order", "helper", "repair it"), OSError("no network")])
def test_a_slice_of_a_run_that_trains_is_shared_whatever_happens_to_a_helper(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception | None
) -> None:
    helper = with_helper(monkeypatch, Helper(failure))
    list(measure_slice(run, PATH_PLANE, tmp_path / "alone.npz", "cpu"))
    job = MeasureSlice(run.path, tmp_path / "dataset", "cpu", PATH_PLANE)
    job.file.parent.mkdir()

    def shared(setup: SliceSetup) -> PointEvaluator:
        train_on(run)
        return landscape._shared_measure(job, setup)

    list(measure_slice(run, PATH_PLANE, job.file, "cpu", shared))
    alone, together = Slice.load(tmp_path / "alone.npz"), Slice.load(job.file)
    assert together.measured.all()
    np.testing.assert_array_equal(together.fields["jaccard"], alone.fields["jaccard"])
    assert helper.asked == (1 if failure else 2)  # stages of 9 and 16 points; one that fails is not asked again


def test_a_click_predicts_on_the_plane_that_is_drawn_while_checkpoints_arrive(run: RunFolder) -> None:
    setup = prepare(run, PATH_PLANE, "cpu")
    expected = predict_at(setup, 0.5, -0.5)
    train_on(run)
    path = tuple(point.checkpoint for point in setup.meta.path)
    found = perform(PredictPoint(run.path, PATH_PLANE, path, 0.5, -0.5, 0))
    np.testing.assert_equal(found.values, expected.values)
    elsewhere = predict_at(prepare(run, PATH_PLANE, "cpu"), 0.5, -0.5)
    assert elsewhere.values["cross_entropy"] != expected.values["cross_entropy"]
