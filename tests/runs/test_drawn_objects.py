"""Objects that were drawn one by one, and the minimum area of a dataset, all the way through a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.imagery.archive import save_dataset
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.scene import Dataset
from explorer.landscape.crops import LANDSCAPE_DATA_FILE, LandscapeData, cut_crops
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec
from explorer.runs.evaluation import Scoring, evaluate_scenes
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.loss_gradients import gradient_maps
from explorer.runs.segmenters import load_predictor, load_segmenter, sweep_thresholds
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan

LAST = "step_00000020.safetensors"


def halves() -> Dataset:
    """The tiny dataset, its squares drawn as objects of two columns each; ten of them are as many pixels as five."""
    dataset = tiny_dataset()
    columns = np.arange(64, dtype=np.int32) // 2
    drawn = [
        replace(scene, objects=np.where(scene.label == 1, 1 + columns, 0).astype(np.int32)) for scene in dataset.scenes
    ]
    count = len(dataset.training)
    choices = ReadingChoices(minimum_area=10, names={"1": "half"})
    return replace(
        dataset, training=tuple(drawn[:count]), validation=tuple(drawn[count:]), minimum_area=10, choices=choices
    )


DATASET = halves()
OBJECTS = [np.unique(scene.objects[scene.objects > 0], return_counts=True)[1] for scene in DATASET.validation]
COUNTED = sum(int((areas >= 10).sum()) for areas in OBJECTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "run", tiny_plan(20), DatasetReference.to(DATASET))
    for _ in execute(folder, DATASET, device="cpu", checkpoint_steps=10):
        pass
    return folder


def test_the_run_remembers_minimum_area_and_choices(folder: RunFolder) -> None:
    assert folder.dataset() == DatasetReference.to(DATASET)
    assert (folder.dataset().minimum_area, folder.dataset().choices) == (10, DATASET.choices)
    others = [replace(DATASET, minimum_area=9), replace(DATASET, choices=ReadingChoices(swap=True)), tiny_dataset()]
    assert all(DatasetReference.to(other) != folder.dataset() for other in others)


def test_a_reference_of_an_earlier_version_is_read_and_is_the_same(folder: RunFolder) -> None:
    written = json.loads(DatasetReference.to(tiny_dataset()).model_dump_json())
    del written["minimum_area"], written["choices"]
    assert DatasetReference.model_validate(written) == DatasetReference.to(tiny_dataset())


def test_the_summary_counts_drawn_objects_from_the_minimum_area_on(folder: RunFolder) -> None:
    summary = json.loads(folder.summary_file.read_text())
    assert (summary["minimum_area"], summary["match_rule"]) == (10, "IoU > 0.5")
    counts = summary["validation"]["classes"]["1"]["object"]
    assert counts["true_positives"] + counts["false_negatives"] == COUNTED > 1


def test_a_sweep_serves_every_minimum_area(folder: RunFolder) -> None:
    measured = sweep_thresholds(folder, DATASET, LAST, "cpu").of_class(1).object
    predictor = load_predictor(folder, LAST, "cpu")
    for minimum_area in (1, 10, 17):
        curve = measured.curve(minimum_area)
        there = sum(int((areas >= minimum_area).sum()) for areas in OBJECTS)
        assert (curve.true_positives + curve.false_negatives == there).all()
        scores = evaluate_scenes(predictor, DATASET.validation, 2, Scoring(minimum_area)).half
        at = curve.counts(curve.at(0.5)).scores()  # the most probable of two classes
        assert scores.classes[1].object == at
    assert measured.below(10) == sum(map(len, OBJECTS)) - COUNTED


def test_landscapes_know_minimum_area_and_drawn_objects(folder: RunFolder) -> None:
    kept = LandscapeData.load(folder.path / LANDSCAPE_DATA_FILE)
    assert kept.minimum_area == 10
    assert [len(np.unique(ids[ids > 0])) for ids in kept.crops.ids] == [len(areas) for areas in OBJECTS]


def test_gradients_are_those_of_drawn_objects(folder: RunFolder, tmp_path: Path) -> None:
    save_dataset(DATASET, tmp_path / "halves.npz")
    spec = LossSpec(kind="object_cross_entropy")
    maps = gradient_maps(folder.path, tmp_path / "halves.npz", LAST, 0, [spec], "cpu")
    crops = cut_crops(DATASET.validation, 2, DATASET.stretch)
    np.testing.assert_array_equal(maps.objects, crops.ids[0])
    images, labels, ids, owners = (
        torch.from_numpy(array[:1]) for array in (crops.images, crops.labels, crops.ids, crops.owners)
    )
    logits = load_segmenter(folder, LAST, "cpu")(images)
    value = build_loss(spec).of(Prediction(logits, labels, ids, owners)).item()
    assert maps.values[0] == pytest.approx(value, rel=1e-6)
    assert value != pytest.approx(build_loss(spec)(logits, labels).item(), rel=1e-5), "components would differ"
