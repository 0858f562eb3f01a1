import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torchmetrics.functional.classification import (
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_precision,
    multiclass_recall,
)

from explorer.errors import InputError
from explorer.imagery.scene import IGNORE
from explorer.metrics.confusion import Labelled, confusion_matrix, score_predictions
from explorer.metrics.counts import ClassScores, ObjectScores, PanopticScores, PixelScores, scores_to_json
from tests.metrics.brute_force import outcome_counts

CLASSES = 3


@st.composite
def scenes(draw):
    shape = draw(st.tuples(st.integers(1, 10), st.integers(1, 10)))
    predicted = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, CLASSES - 1)))
    label = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, IGNORE])))
    scale = draw(st.integers(1, 2))
    return tuple(array.repeat(scale, axis=0).repeat(scale, axis=1) for array in (predicted, label))


@settings(max_examples=60, deadline=None)
@given(st.lists(scenes(), max_size=3), st.sampled_from([1, 4]))
def test_scores_are_those_of_pixels_and_objects_counted_one_by_one(pairs, minimum_area):
    scores = score_predictions([Labelled(*pair) for pair in pairs], CLASSES, minimum_area)
    ious = []
    for class_id in range(CLASSES):
        hits = sum(int(((p == class_id) & (y == class_id)).sum()) for p, y in pairs)
        false = sum(int(((p == class_id) & (y != class_id) & (y != IGNORE)).sum()) for p, y in pairs)
        missed = sum(int(((p != class_id) & (y == class_id)).sum()) for p, y in pairs)
        pixel = scores.classes[class_id].pixel
        assert pixel.precision == (hits / (hits + false) if hits + false else None)
        assert pixel.recall == (hits / (hits + missed) if hits + missed else None)
        assert pixel.iou == (hits / (hits + false + missed) if hits + false + missed else None)
        ious += [] if pixel.iou is None else [pixel.iou]
        counts = np.zeros(3, dtype=int)
        for p, y in pairs if class_id else []:
            counts += outcome_counts(p == class_id, y, class_id, minimum_area)
        of_objects = scores.classes[class_id].object
        got = (of_objects.true_positives, of_objects.false_positives, of_objects.false_negatives)
        assert got == tuple(counts)
    assert scores.mean_iou == (pytest.approx(np.mean(ious)) if ious else None)


@settings(max_examples=30, deadline=None)
@given(scenes())
def test_renaming_the_foreground_classes_renames_the_scores(pair):
    names = np.arange(256, dtype=np.uint8)
    names[[1, 2]] = [2, 1]
    scores, renamed = (
        score_predictions([Labelled(*pair)], CLASSES, 2),
        score_predictions([Labelled(*(names[ids] for ids in pair))], CLASSES, 2),
    )
    assert renamed.classes[1] == scores.classes[2]
    assert renamed.classes[2] == scores.classes[1]


@settings(max_examples=30, deadline=None)
@given(scenes())
def test_ignored_rows_count_as_if_cut_away(pair):
    predicted, label = pair
    strip = np.full((3, label.shape[1]), IGNORE, dtype=np.uint8)
    longer = (np.vstack([predicted, strip * 0]), np.vstack([label, strip]))
    assert score_predictions([Labelled(*longer)], CLASSES, 2) == score_predictions([Labelled(*pair)], CLASSES, 2)


@pytest.mark.parametrize("seed", range(3))
def test_pixel_scores_are_those_of_torchmetrics(seed):
    random = np.random.default_rng(seed)
    predicted = random.integers(0, CLASSES, (2, 16, 16)).astype(np.uint8)
    label = random.choice(np.array([0, 1, 2, IGNORE], dtype=np.uint8), (2, 16, 16))
    scores = score_predictions(map(Labelled, predicted, label), CLASSES, 8)
    pair = torch.from_numpy(predicted).long(), torch.from_numpy(label).long()
    for name, peer in (
        ("precision", multiclass_precision),
        ("recall", multiclass_recall),
        ("f1", multiclass_f1_score),
        ("iou", multiclass_jaccard_index),
    ):
        expected = peer(*pair, CLASSES, average="none", ignore_index=IGNORE).tolist()
        assert [getattr(scores.classes[k].pixel, name) for k in range(CLASSES)] == pytest.approx(expected)


def test_objects_with_ids_are_scored_one_by_one():
    label = np.zeros((4, 20), dtype=np.uint8)
    label[:, :10], label[:, 10:16] = 1, 2
    drawn = np.zeros((4, 20), dtype=np.int32)
    drawn[:, :5], drawn[:, 5:12] = 8, 3  # the second id is on both classes: one object of each
    scores = score_predictions([Labelled(label, label, drawn)], CLASSES, 8)
    of = {k: scores.classes[k].object for k in (1, 2)}
    assert (of[1].true_positives, of[1].false_negatives, of[1].false_positives) == (0, 2, 1), (
        "two halves, one component"
    )
    assert (of[2].true_positives, of[2].false_negatives) == (1, 1), "16 of 24 pixels are without an id, 8 have one"


BACKGROUND = ClassScores(PixelScores(None, None, None, None), ObjectScores(None, None, None, 0, 0, 0))
NOTHING = replace(BACKGROUND, panoptic=PanopticScores(None, None, None))


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint8))],
        [(np.ones((9, 9), np.uint8), np.full((9, 9), IGNORE, np.uint8))],
    ],
)
def test_nothing_against_nothing_has_no_score(pairs):
    scores = score_predictions([Labelled(*pair) for pair in pairs], CLASSES, 8)
    assert scores.mean_iou is None
    assert scores.classes == {0: BACKGROUND, 1: NOTHING, 2: NOTHING}


def test_classes_that_occur_nowhere_are_left_out_of_the_mean():
    label = np.zeros((10, 10), dtype=np.uint8)
    label[:5] = 1
    predicted = np.zeros_like(label)
    assert score_predictions([Labelled(predicted, label)], 3, 8).mean_iou == pytest.approx((0.5 + 0.0) / 2)


def test_json_has_the_shape_that_summary_and_evaluate_share():
    label = np.zeros((10, 10), dtype=np.uint8)
    label[2:6, 2:6] = 1
    wide = label.copy()
    wide[2:6, 6] = 1
    written = json.loads(json.dumps(scores_to_json(score_predictions([Labelled(wide, label)], 2, 8))))
    assert written == {
        "match_rule": "IoU > 0.5",
        "mean_iou": pytest.approx((80 / 84 + 16 / 20) / 2),
        "classes": {
            "0": {
                "pixel": {"precision": 1.0, "recall": 80 / 84, "iou": 80 / 84, "f1": 160 / 164},
                "object": {
                    "precision": None,
                    "recall": None,
                    "f1": None,
                    "true_positives": 0,
                    "false_positives": 0,
                    "false_negatives": 0,
                },
                "panoptic": None,
                "tolerance": None,
            },
            "1": {
                "pixel": {"precision": 0.8, "recall": 1.0, "iou": 0.8, "f1": 32 / 36},
                "object": {
                    "precision": 1.0,
                    "recall": 1.0,
                    "f1": 1.0,
                    "true_positives": 1,
                    "false_positives": 0,
                    "false_negatives": 0,
                },
                "panoptic": {
                    "segmentation_quality": 0.8,
                    "recognition_quality": 1.0,
                    "panoptic_quality": 0.8,
                    "reason": None,
                },
                "tolerance": None,
            },
        },
    }


@pytest.mark.parametrize(
    ("predicted", "label", "message"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), "same size"),
        (np.full((4, 4), 2, np.uint8), np.zeros((4, 4), np.uint8), "the prediction holds class 2"),
        (np.zeros((4, 4), np.uint8), np.full((4, 4), 3, np.uint8), "the label holds class 3"),
    ],
)
def test_what_cannot_be_scored_is_refused(predicted, label, message):
    with pytest.raises(InputError, match=message):
        confusion_matrix(predicted, label, 2)
