"""A checkpoint at every threshold: curves, overlay and table of objects agree, and the file comes back the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import list_objects
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.segmenters import sweep_thresholds
from explorer.runs.threshold_sweep import ThresholdSweep, load_sweep, save_sweep, sweep_file
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan

DATASET = tiny_dataset()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder.create(tmp_path_factory.mktemp("run"), tiny_plan(60), DatasetReference.to(DATASET))
    for _ in execute(folder, DATASET, device="cpu"):
        pass
    return folder


@pytest.fixture(scope="module")
def measured(folder: RunFolder) -> ThresholdSweep:
    return sweep_thresholds(folder, DATASET, "step_00000060.safetensors", "cpu")


@pytest.mark.parametrize("minimum_area", [1, 8, 40])
@pytest.mark.parametrize("threshold", [0.02, 0.3, 0.5, 0.7, 0.98])
def test_curves_agree_with_what_is_drawn(measured: ThresholdSweep, threshold: float, minimum_area: int) -> None:
    both = measured.of_class(1)
    pixels = {"true_positives": 0, "false_positives": 0, "false_negatives": 0}
    outcomes = {"found": 0, "false": 0, "missed": 0}
    for i, scene in enumerate(DATASET.validation):
        predicted = measured.predicted(i, 1, threshold)
        pixels["true_positives"] += int((predicted & (scene.label == 1)).sum())
        pixels["false_positives"] += int((predicted & (scene.label == 0)).sum())
        pixels["false_negatives"] += int((~predicted & (scene.label == 1)).sum())
        objects = find_label_objects(scene.label, 1)
        for record in list_objects(match(predicted, objects), objects, minimum_area):
            outcomes[record.outcome] += 1
    at = both.pixel.at(threshold)
    assert {name: int(getattr(both.pixel, name)[at]) for name in pixels} == pixels
    curve = both.object.curve(minimum_area)
    counts = curve.counts(curve.at(threshold))
    assert (counts.true_positives, counts.false_positives, counts.false_negatives) == (
        outcomes["found"],
        outcomes["false"],
        outcomes["missed"],
    )


def test_file_comes_back_the_same(measured: ThresholdSweep, folder: RunFolder) -> None:
    path = sweep_file(folder, measured.checkpoint)
    save_sweep(measured, path)
    again = load_sweep(path)
    assert again.scenes == measured.scenes
    np.testing.assert_array_equal(again.probabilities[0], measured.probabilities[0])
    np.testing.assert_array_equal(again.of_class(1).object.curve(8).f1, measured.of_class(1).object.curve(8).f1)


def test_unreadable_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "step.npz"
    path.write_bytes(b"torn")
    with pytest.raises(InputError, match="measure the checkpoint again"):
        load_sweep(path)
