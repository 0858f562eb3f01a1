"""A run's own thresholds: chosen at its end on scenes that it held out, kept, and applied by evaluation."""

from __future__ import annotations

import json
import shutil
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import Dataset, Scene
from explorer.imagery.splitting import hold_out
from explorer.metrics.class_map import classes_at
from explorer.metrics.confusion import Labelled, score_predictions
from explorer.metrics.counts import scores_to_json
from explorer.metrics.cut_choice import LabelSizes
from explorer.metrics.splitting_predictions import ObjectCut, cut_classes
from explorer.runs.class_thresholds import parse_threshold, read_own_thresholds, thresholds_of
from explorer.runs.evaluation import Scoring, evaluate_scenes, median_over_scenes
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.own_threshold import choose_thresholds, label_sizes, near_share, own_thresholds
from explorer.runs.segmenters import load_predictor
from explorer.runs.training import execute
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.prediction import Predictor
from tests.runs.tiny import tiny_dataset, tiny_plan

DATASET = tiny_dataset()
LAST, EARLIER = "step_00000060.safetensors", "step_00000050.safetensors"


def trained(path: Path, dataset: Dataset = DATASET, **changes: object) -> RunFolder:
    folder = RunFolder.create(path, tiny_plan(60, **changes), DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu"):
        pass
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return trained(tmp_path_factory.mktemp("runs") / "run", choose_threshold=True)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return trained(tmp_path_factory.mktemp("runs") / "run", choose_threshold=False)


def summary_of(folder: RunFolder) -> dict:
    return json.loads(folder.summary_file.read_text())


def test_a_run_that_has_ended_has_its_thresholds(folder: RunFolder) -> None:
    own = read_own_thresholds(folder)
    assert own is not None
    assert own == read_own_thresholds(folder, LAST)
    held_out = hold_out(DATASET.training, 2).validation
    assert own.scenes == tuple(scene.name for scene in held_out)
    assert all(name.endswith("(threshold block)") for name in own.scenes)
    assert (own.checkpoint, own.match_rule, own.minimum_area) == (LAST, HALF_IOU, DATASET.minimum_area)
    sizes = label_sizes(DATASET.training, 2, 8)
    assert own.diameters == (round(sizes[0].diameter, 1),)
    assert own.classes == choose_thresholds(
        load_predictor(folder, LAST, "cpu"),
        held_out,
        DATASET.training,
        sizes,
        Scoring(DATASET.minimum_area),
    )
    assert own.cuts() == (ObjectCut(None, own.classes[0].smallest),)
    assert own.cuts(split=True) == (ObjectCut(own.diameters[0], own.classes[0].smallest),)
    assert own.values != (0.5,), "the case would show nothing"
    written = json.loads(folder.threshold_file.read_text())
    assert written["thresholds"] == {"1": own.values[0]}
    assert (written["match_rule"], written["min_area"]) == ("iou:0.5", 8)
    assert written["classes"]["1"]["name"] == "square"


def test_summary_tells_scores_at_own_thresholds_and_at_half(folder: RunFolder) -> None:
    summary, own = summary_of(folder), read_own_thresholds(folder)
    assert own is not None
    assert summary["threshold"] == {"1": own.values[0]}
    assert summary["threshold_scenes"] == list(own.scenes)
    assert summary["threshold_source"].startswith(f"own: chosen on {len(own.scenes)} threshold scenes")
    assert "halfway from there to ½" in summary["threshold_choice"]["1"]["rule"]
    assert (summary["match_rule"], summary["match"], summary["scale"]) == ("IoU > 0.5", "iou:0.5", 1.0)
    assert summary["min_area"] == summary["minimum_area"] == 8
    predictor = load_predictor(folder, LAST, "cpu")
    assert own.cuts()[0].smallest > 1, "the case would show nothing"
    assert (summary["split"], summary["smallest"]) == ({"1": False}, {"1": own.cuts()[0].smallest})
    for key, thresholds, cuts in (("validation", own.values, own.cuts()), ("validation_half", (0.5,), ())):
        predicted = [predictor.probabilities(scene.image) for scene in DATASET.validation]
        masks = [
            Labelled(cut_classes(classes_at(probabilities, thresholds), probabilities, cuts), scene.label)
            for probabilities, scene in zip(predicted, DATASET.validation, strict=True)
        ]
        assert summary[key] == json.loads(json.dumps(scores_to_json(score_predictions(masks, 2, 8))))
    assert set(summary["scenes"]) == {scene.name for scene in DATASET.validation}
    assert summary["found_nothing"] == {"1": False}


def test_a_run_that_held_nothing_out_uses_half_and_says_so(without: RunFolder) -> None:
    summary = summary_of(without)
    assert summary["threshold"] == {"1": 0.5}
    assert summary["threshold_source"] == "none: no scenes were held out; ½ is used"
    assert (summary["threshold_scenes"], summary["threshold_choice"]) == ([], {})
    assert summary["validation"] == summary["validation_half"]
    own = read_own_thresholds(without)
    assert own is not None
    assert (own.values, own.scenes, own.cuts()) == ((), (), ())
    (cut,) = thresholds_of(without, "own", 2, LAST, split=True).cuts
    assert cut == ObjectCut(own.diameters[0]), "sizes of objects are known all the same"
    without.threshold_file.unlink()  # as in a run of an earlier version
    assert read_own_thresholds(without) is None
    assert thresholds_of(without, "own", 2, LAST).source == "none: no scenes were held out; ½ is used"
    with pytest.raises(InputError, match="omit --split"):
        thresholds_of(without, "half", 2, LAST, split=True)


def test_thresholds_of_another_checkpoint_are_chosen_once(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = folder.threshold_file.read_bytes()
    applied = thresholds_of(folder, "own", 2, EARLIER)
    assert applied.source.endswith(f", for {LAST}"), "those of the run stand for it"
    first = own_thresholds(folder, DATASET, EARLIER, "cpu")
    assert first.checkpoint == EARLIER
    monkeypatch.setattr("explorer.runs.own_threshold.load_predictor", None)  # nothing is predicted any more
    assert own_thresholds(folder, DATASET, EARLIER, "cpu") == first
    assert own_thresholds(folder, DATASET, LAST, "cpu") == read_own_thresholds(folder)
    assert folder.threshold_file.read_bytes() == before
    again = thresholds_of(folder, "own", 2, EARLIER)
    assert (again.values, again.own) == (first.values, first)
    assert LAST not in again.source


def test_scenes_too_small_to_be_cut_give_half(folder: RunFolder, tmp_path: Path) -> None:
    copied = RunFolder(tmp_path / "run")
    shutil.copytree(folder.path, copied.path)
    small = [replace(scene, image=scene.image[:, :20, :20], label=scene.label[:20, :20]) for scene in DATASET.training]
    own_thresholds(copied, replace(DATASET, training=tuple(small)), LAST, "cpu", last=True)
    applied = thresholds_of(copied, "own", 2, LAST)
    assert applied.values is None
    assert applied.source == "none: the training scenes are too small to hold a part out; ½ is used"


def test_an_unreadable_file_says_what_to_do(folder: RunFolder, tmp_path: Path) -> None:
    copied = RunFolder(tmp_path / "run")
    shutil.copytree(folder.path, copied.path)
    copied.threshold_file.write_text("{")
    with pytest.raises(InputError, match="remove the file"):
        read_own_thresholds(copied)


def test_a_run_that_has_not_ended_uses_half_and_says_so(folder: RunFolder, tmp_path: Path) -> None:
    copied = RunFolder(tmp_path / "run")
    shutil.copytree(folder.path, copied.path)
    copied.threshold_file.unlink()
    assert thresholds_of(copied, "own", 3, LAST).source == (
        "none: none have been chosen yet; the most probable class is used"
    )


@pytest.mark.parametrize(
    ("request_", "classes", "values", "by_class"),
    [
        ("half", 2, None, {"1": 0.5}),
        ("half", 3, None, None),
        (0.3, 2, (0.3,), {"1": 0.3}),
        (0.3, 3, (0.3, 0.3), {"1": 0.3, "2": 0.3}),
    ],
)
def test_half_and_numbers_need_no_file(folder: RunFolder, request_, classes, values, by_class) -> None:
    applied = thresholds_of(folder, request_, classes, LAST)
    assert (applied.values, applied.by_class(classes), applied.own) == (values, by_class, None)


def test_cuts_belong_to_the_own_threshold_wherever_another_is_chosen(folder: RunFolder) -> None:
    applied = thresholds_of(folder, "own", 2, LAST)
    assert applied.values is not None
    assert applied.cuts[0].smallest > 1, "the case would show nothing"
    assert applied.cuts_at(applied.values) == applied.cuts
    assert applied.cuts_at((0.3,)) == (ObjectCut(),), "as a command takes a number:"
    assert thresholds_of(folder, 0.3, 2, LAST).cuts == applied.cuts_at(None) == ()
    of_two = replace(applied, values=(0.4, 0.6), cuts=(ObjectCut(None, 4), ObjectCut(7.0, 9)))
    assert of_two.cuts_at((0.3, 0.6)) == (ObjectCut(), ObjectCut(7.0, 9))
    assert thresholds_of(folder, "own", 2, LAST, smallest=7).cuts == (replace(applied.cuts[0], smallest=7),)
    assert thresholds_of(folder, 0.3, 2, LAST, smallest=7).cuts == (ObjectCut(None, 7),)


@pytest.mark.parametrize(
    ("text", "wanted"), [("own", "own"), ("half", "half"), ("0.3", 0.3), ("1", 1.0), ("0.001", 0.001)]
)
def test_thresholds_as_arguments(text: str, wanted: object) -> None:
    assert parse_threshold(text) == wanted


@pytest.mark.parametrize("text", ["0", "1.1", "best", "nan", "", "-0.5", "0.0001"])
def test_other_arguments_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="neither own, half nor a number"):
        parse_threshold(text)


class Drawn(Predictor):
    """Gives the image back as the probability of class 1."""

    def probabilities(self, image: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
        foreground = image[0].astype(np.float32) / 1000
        return np.stack([1 - foreground, foreground])


def drawn(squares: Sequence[tuple[int, int]], found: dict[tuple[int, int], int], name: str = "a") -> Scene:
    """Squares of 6×6 pixels: those of the label, and those that are predicted, with a probability in thousandths."""
    image, label = np.zeros((1, 60, 60), np.int32), np.zeros((60, 60), np.uint8)
    for row, column in squares:
        label[row : row + 6, column : column + 6] = 1
    for (row, column), value in found.items():
        image[0, row : row + 6, column : column + 6] = value
    return Scene(name, image, label, ("grey",))


PREDICTOR = Drawn(None, DATASET.stretch, InputSpec())  # type: ignore[arg-type]
SIZES = [LabelSizes(diameter=6.8, small_area=36.0)]
PLACES = [(row, column) for row in range(2, 50, 8) for column in range(2, 50, 8)]  # 36


def test_the_threshold_lies_between_what_is_there_and_what_is_not() -> None:
    there, empty = PLACES[:31], PLACES[31:]
    scene = drawn(there, dict.fromkeys(there, 300) | dict.fromkeys(empty, 101))
    (chosen,) = choose_thresholds(PREDICTOR, [scene] * 5, [scene], SIZES, Scoring(minimum_area=8))
    assert chosen.threshold == pytest.approx((0.12 + 0.3) / 2, abs=0.011)
    assert (chosen.value, chosen.objects) == (1.0, 155)
    few_there, few_empty = PLACES[:5], PLACES[5:7]
    scene = drawn(few_there, dict.fromkeys(few_there, 300) | dict.fromkeys(few_empty, 101))
    (few,) = choose_thresholds(PREDICTOR, [scene] * 5, [scene], SIZES, Scoring(8))
    assert few.threshold == pytest.approx((chosen.threshold + 0.5) / 2, abs=0.006)


def test_nothing_found_at_any_threshold_gives_half() -> None:
    (chosen,) = choose_thresholds(PREDICTOR, [drawn(PLACES, {})], [], SIZES, Scoring(8))
    assert (chosen.threshold, chosen.value) == (0.5, 0.0)
    assert "nothing is found" in chosen.rule
    (none,) = choose_thresholds(PREDICTOR, [drawn([], {(2, 2): 900})], [], SIZES, Scoring(8))
    assert (none.threshold, none.value, none.scenes) == (0.5, None, ("a",))
    assert "does not occur" in none.rule


@pytest.mark.parametrize(
    ("rule", "criterion"),
    [
        ("iou:0.5", "mean of F1 under IoU > 0.5 and F1 of pixels"),
        ("centroid:2", "mean of F1 under centroids within 2 px and F1 of pixels"),
        ("tolerance:2", "mean of F1 under pixels within 2 px and F1 of pixels"),
        ("overlap", "F1 of pixels"),
        ("centre", "F1 of pixels"),
    ],
)
def test_rules_that_a_blob_wins_choose_no_threshold(rule: str, criterion: str) -> None:
    there = PLACES[:31]
    blob = {(row, column): 101 for row in range(0, 54, 6) for column in range(0, 54, 6)}  # low everywhere
    scene = drawn(there, blob | dict.fromkeys(there, 700))
    (chosen,) = choose_thresholds(PREDICTOR, [scene] * 5, [scene], SIZES, Scoring(8, MatchRule.parse(rule)))
    assert chosen.criterion == criterion
    assert chosen.threshold == pytest.approx((0.12 + 0.7) / 2, abs=0.02)
    assert chosen.value == 1.0


def test_touching_predictions_are_split_where_that_is_asked_for() -> None:
    image, label = np.zeros((1, 40, 60), np.int32), np.zeros((40, 60), np.uint8)
    rows, columns = np.indices(label.shape)
    for column in (15, 33):  # two discs that touch in the prediction only
        distance = np.hypot(rows - 20, columns - column)
        label[distance < 8] = 1
        image[0] = np.maximum(image[0], (1000 - 45 * distance).clip(0))
    scene = Scene("a", image, label, ("grey",))

    def found(*cuts: ObjectCut) -> list[tuple[int, int]]:
        result = evaluate_scenes(PREDICTOR, [scene], 2, Scoring(8, cuts=cuts), (0.5,))
        counts = [scores.classes[1].object for scores in (result.scores, result.scenes["a"], result.half)]
        return [(each.true_positives, each.false_negatives) for each in counts]

    assert found() == [(0, 2)] * 3
    assert found(ObjectCut(15.0)) == [(2, 0), (2, 0), (0, 2)], "at ½ predictions are taken as they are"
    assert found(ObjectCut(15.0, smallest=450))[0] == (0, 2)


def test_how_objects_are_cut_out_is_chosen_where_it_can_be_told() -> None:
    label, ids = np.zeros((200, 200), np.uint8), np.zeros((200, 200), np.int32)
    image = np.zeros((1, 200, 200), np.int32)
    rows, columns = np.indices(label.shape)
    for number, (row, column) in enumerate((r, c) for r in range(12, 190, 22) for c in (15, 33, 65, 83, 150)):
        distance = np.hypot(rows - row, columns - column)
        disc = (distance < 9) & (ids == 0)
        label[disc], ids[disc] = 1, number + 1
        image[0][distance < 9.5] = 900  # pairs touch at every threshold
    image[0, 2::22, 120:126] = 700  # specks of 6 pixels
    scene = Scene("a", image, label, ("grey",), objects=ids)
    plain = Scene("a", image, label, ("grey",))
    (sizes,) = label_sizes([scene], 2, 1)
    (chosen,) = choose_thresholds(PREDICTOR, [scene], [scene], [sizes], Scoring(4))
    assert (chosen.split, chosen.value, chosen.objects) == (True, pytest.approx(1.0, abs=0.05), 45)
    assert chosen.split_rule.startswith("split, with which the criterion is")
    assert chosen.smallest > 6
    (unsplit,) = choose_thresholds(PREDICTOR, [plain], [plain], [sizes], Scoring(4, MatchRule.parse("tolerance:2")))
    assert (unsplit.split, unsplit.split_rule) == (False, "not split, because the match rule counts pixels")


def test_sizes_of_labelled_objects() -> None:
    label = np.zeros((20, 20), np.uint8)
    label[2:6, 2:10] = label[10:14, 2:6] = 1
    ids = np.zeros((20, 20), np.int32)
    ids[2:6, 2:6], ids[2:6, 6:10], ids[10:14, 2:6] = 1, 2, 3
    scene = Scene("a", np.zeros((1, 20, 20), np.uint8), label, ("grey",))
    drawn_apart = replace(scene, objects=ids)
    one, absent = label_sizes([drawn_apart], 3, 1)
    assert (one.small_area, one.diameter) == (16.0, pytest.approx(2 * np.sqrt(16 / np.pi)))
    assert absent.diameter == 0.0
    assert label_sizes([scene], 2, 1)[0].small_area == pytest.approx(17.6)
    assert label_sizes([scene], 2, 17)[0].small_area == 32.0
    assert near_share([drawn_apart], 1, 4.0) == pytest.approx(2 / 3)
    assert near_share([drawn_apart], 1, 45.0) == 1.0, "the third is 4 pixels away"
    assert [near_share([each], 1, 4.0) for each in (scene, replace(scene, label=0 * label))] == [0.0, 0.0]


def test_labels_decide_where_there_are_few_objects() -> None:
    label = np.zeros((40, 60), np.uint8)
    label[5:25, 5:25] = label[5:25, 26:46] = 1  # a gap of one pixel
    scene = Scene("a", 900 * label[None].astype(np.int32), label, ("grey",))
    (chosen,) = choose_thresholds(PREDICTOR, [scene], [scene], label_sizes([scene], 2, 1), Scoring(4))
    assert (chosen.split, chosen.smallest, chosen.objects) == (True, 166, 2)
    assert chosen.split_rule == (
        "split, because 2 objects are too few to tell, and 100 % of the labelled objects are near another"
    )


def test_one_odd_scene_moves_the_median_little() -> None:
    good = [drawn([(2, 2)], {(2, 2): 900}, name) for name in "abc"]
    odd = drawn([(2, 2)], dict.fromkeys(PLACES[1:], 900), "odd")
    empty = drawn([], {}, "empty")
    result = evaluate_scenes(PREDICTOR, [*good, odd, empty], 2, Scoring(8), (0.5,))
    assert list(result.scenes) == ["a", "b", "c", "odd", "empty"]
    assert result.scores.classes[1].pixel.f1 == pytest.approx(2 * 3 / (2 * 3 + 35 + 1))
    median = median_over_scenes(result.scenes.values())["classes"]["1"]
    assert median["pixel"]["f1"] == 1.0  # of 1, 1, 1 and 0; the empty scene has none
    assert set(median["object"]) == {"precision", "recall", "f1"}


def test_scores_at_half_are_kept_beside_those_at_the_threshold() -> None:
    scene = drawn([(2, 2), (20, 20)], {(2, 2): 900, (20, 20): 300})
    result = evaluate_scenes(PREDICTOR, [scene], 2, Scoring(8), (0.25,))
    assert (result.scores.classes[1].object.recall, result.half.classes[1].object.recall) == (1.0, 0.5)
    assert result.scenes["a"] == result.scores
