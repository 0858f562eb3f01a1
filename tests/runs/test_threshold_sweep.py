"""A checkpoint at every threshold: curves, overlay and table of objects agree, and the file comes back the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.metrics.class_map import classes_at
from explorer.metrics.confusion import Labelled, score_predictions
from explorer.metrics.curves import ToleranceCurve
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import list_objects
from explorer.metrics.splitting_predictions import ObjectCut, cut_classes
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.segmenters import load_predictor, sweep_thresholds
from explorer.runs.threshold_sweep import ThresholdSweep, load_sweep, save_sweep, sweep_file
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan

DATASET = tiny_dataset()
LAST = "step_00000060.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder.create(tmp_path_factory.mktemp("run"), tiny_plan(60), DatasetReference.to(DATASET))
    for _ in execute(folder, DATASET, device="cpu"):
        pass
    return folder


@pytest.fixture(scope="module")
def measured(folder: RunFolder) -> ThresholdSweep:
    return sweep_thresholds(folder, DATASET, LAST, "cpu")


@pytest.mark.parametrize("minimum_area", [1, 8, 40])
@pytest.mark.parametrize("threshold", [0.02, 0.3, 0.5, 0.7, 0.98])
def test_curves_agree_with_what_is_drawn(measured: ThresholdSweep, threshold: float, minimum_area: int) -> None:
    both = measured.of_class(1)
    pixels = {"true_positives": 0, "false_positives": 0, "false_negatives": 0}
    outcomes = {"found": 0, "false": 0, "missed": 0}
    for i, scene in enumerate(DATASET.validation):
        predicted = measured.predicted(i, 1, threshold)
        np.testing.assert_array_equal(measured.predicted(i, 1, threshold, (3, 5, 20, 10)), predicted[3:23, 5:15])
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


def test_what_earlier_versions_kept_means_what_it_meant(measured: ThresholdSweep, folder: RunFolder) -> None:
    path = sweep_file(folder, "step_00000001.safetensors")
    save_sweep(measured, path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if not name.endswith("_found")}
    meta = json.loads(str(arrays.pop("meta")))
    del meta["match_rule"]
    np.savez_compressed(path, meta=np.array(json.dumps(meta)), **arrays)
    again = load_sweep(path)
    assert again.match_rule == HALF_IOU
    np.testing.assert_array_equal(again.of_class(1).object.found, measured.of_class(1).object.found)
    assert measured.of_class(1).object.found.any()


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("text", ["iou:0.1", "centroid:4", "overlap", "centre"])
def test_curves_under_other_rules_agree_with_what_is_drawn(folder: RunFolder, text: str, split: bool) -> None:
    rule = MatchRule.parse(text)
    cuts = (ObjectCut(9.0, smallest=12),) if split else ()
    measured = sweep_thresholds(folder, DATASET, LAST, "cpu", rule=rule, cuts=cuts)
    path = sweep_file(folder, LAST, rule, split)
    save_sweep(measured, path)
    again = load_sweep(path)
    assert again.match_rule == rule
    for threshold in (0.1, 0.5, 0.9):
        listed = [each for scene in again.objects(DATASET.validation, 1, threshold, 8) for each in scene]
        curve = again.of_class(1).curve("object", 8)
        at = curve.at(threshold)
        counted = (curve.true_positives[at], curve.false_positives[at], curve.false_negatives[at])
        assert counted == tuple(sum(each.outcome == name for each in listed) for name in ("found", "false", "missed"))


def test_cuts_hold_for_pixels_objects_and_what_is_drawn(folder: RunFolder) -> None:
    cut, predictor = ObjectCut(9.0, smallest=40), load_predictor(folder, LAST, "cpu")
    measured = sweep_thresholds(folder, DATASET, LAST, "cpu", cuts=(cut,))
    for threshold in (0.3, 0.5, 0.72):
        labelled = []
        for number, scene in enumerate(DATASET.validation):
            probabilities = predictor.probabilities(scene.image)
            plain = classes_at(probabilities, (threshold,))
            predicted = cut_classes(plain, probabilities, [cut])
            np.testing.assert_array_equal(measured.predicted(number, 1, threshold), predicted == 1)
            labelled.append(Labelled(predicted, scene.label))
        wanted = score_predictions(labelled, 2, 8).classes[1]
        pixels, objects = measured.of_class(1).pixel, measured.of_class(1).object.curve(8)
        assert pixels.counts(pixels.at(threshold)).scores() == wanted.pixel
        assert objects.counts(objects.at(threshold)).scores() == wanted.object


def test_a_sweep_within_a_tolerance_counts_pixels(folder: RunFolder) -> None:
    rule = MatchRule.parse("tolerance:2")
    save_sweep(sweep_thresholds(folder, DATASET, LAST, "cpu", rule=rule), sweep_file(folder, LAST, rule))
    again = load_sweep(sweep_file(folder, LAST, rule))
    curve = again.of_class(1).curve("object", 8)
    assert isinstance(curve, ToleranceCurve)
    predictions = [again.predicted(i, 1, 0.5).astype(np.uint8) for i in range(len(DATASET.validation))]
    labelled = [Labelled(each, scene.label) for each, scene in zip(predictions, DATASET.validation, strict=True)]
    assert curve.counts(curve.at(0.5)).scores() == score_predictions(labelled, 2, 8, rule).classes[1].tolerance
    assert again.objects(DATASET.validation, 1, 0.5, 8) == [()] * len(DATASET.validation)


def test_each_rule_has_a_file_of_its_own(folder: RunFolder) -> None:
    rules = [MatchRule.parse(text) for text in ("iou:0.5", "iou:0.1", "centroid:4", "centroid:5", "tolerance:2.5")]
    files = {sweep_file(folder, LAST, rule, split) for rule in rules for split in (False, True)}
    assert len(files) == 10
    assert sweep_file(folder, LAST).name == "step_00000060.npz", "as earlier versions named it"


def test_unreadable_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "step.npz"
    path.write_bytes(b"torn")
    with pytest.raises(InputError, match="measure the checkpoint again"):
        load_sweep(path)
