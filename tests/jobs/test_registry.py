"""Every kind of job: its entry exists and takes it, and its value travels to a worker and back."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.imagery.match_rule import MatchRule
from explorer.jobs.job import FileJob, Job, Resource, perform
from explorer.jobs.loss_lab_jobs import CompareMisses, LossCurves, PredictOnlyBackground
from explorer.jobs.registry import JOBS, MeasureCurvature, MeasureSlice, SweepThresholds
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.spec import LossSpec

SPECS = (LossSpec(kind="cross_entropy"), LossSpec(kind="weighted_cross_entropy", class_weights=(1, 9)))


@pytest.mark.parametrize("kind", JOBS, ids=lambda kind: kind.__name__)
def test_entry_takes_the_job_and_gives_its_answer(kind: type[Job[Any]]) -> None:
    module, _, name = kind.entry.partition(":")
    function = getattr(import_module(module), name)
    (parameter,) = inspect.signature(function, eval_str=True).parameters.values()
    assert parameter.annotation is kind
    assert is_dataclass(kind)
    assert kind.resource in Resource
    assert kind.limit > 0
    assert kind.title


def test_answers_are_those_of_the_experiments() -> None:
    (left, right), costs = perform(CompareMisses(SPECS, 50, 8, 0.3, 50, 50, 0.99))
    assert left.sum() == right.sum() == 50
    assert costs[0].ratio == pytest.approx(1)
    found = perform(PredictOnlyBackground(SPECS, 9, 4, 0.01, 0.99))
    assert found[0].share == pytest.approx(0.01, rel=0.1)
    assert found[1].against_false_alarms.ratio == pytest.approx(9)
    (curve, _) = perform(LossCurves(SPECS, 0.1))
    np.testing.assert_allclose(curve.loss, -np.log(curve.probability))


@pytest.mark.parametrize(
    ("job", "file", "words"),
    [
        (
            MeasureSlice(Path("runs/a"), Path("d.npz"), "cpu", SliceRequest(resolution=11)),
            "slices/random-",
            "random slice around the last checkpoint",
        ),
        (
            MeasureCurvature(Path("runs/a"), Path("d.npz"), "cpu", "dice", "step_00000010.safetensors"),
            "curvature/step_00000010-dice.json",
            "curvature of Dice at step_00000010.safetensors",
        ),
        (
            SweepThresholds(Path("runs/a"), Path("d.npz"), "cpu", "step_00000010.safetensors"),
            "sweeps/step_00000010.npz",
            "threshold sweep of step_00000010.safetensors",
        ),
        (
            SweepThresholds(
                Path("runs/a"), Path("d.npz"), "cpu", "step_00000010.safetensors", MatchRule.parse("centroid:6"), True
            ),
            "sweeps/step_00000010-centroid-6-split.npz",
            "threshold sweep of step_00000010.safetensors (centroids within 6 px)",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_file_jobs_say_what_they_leave_and_where(job: FileJob, file: str, words: str) -> None:
    assert str(job.file.relative_to(job.run)).startswith(file)
    assert job.describe() == words
    assert pickle.loads(pickle.dumps(job)) == job
