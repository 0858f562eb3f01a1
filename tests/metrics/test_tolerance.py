"""Pixels within a tolerance and skeletons: one comparison a pair of pixels, and lines by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import IGNORE
from explorer.metrics.confusion import Labelled, score_by_scene, score_predictions
from explorer.metrics.counts import ObjectScores, ToleranceCounts, scores_to_json
from explorer.metrics.curves import ToleranceCurve
from explorer.metrics.matching import find_label_objects
from explorer.metrics.operating_point import minimum_cost_point, operating_point
from explorer.metrics.tolerance import count_within, greatest_within, sweep_within

GRID = np.array([0.2, 0.4, 0.6, 0.8])


@st.composite
def scenes(draw):
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    label = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 0, 1, IGNORE])))
    probability = draw(hnp.arrays(np.float32, shape, elements=st.sampled_from([0.1, 0.1, 0.3, 0.5, 0.9])))
    return probability, label, draw(st.sampled_from([0, 1, 1.5, 2, 3.7, 100]))


def near(mask: np.ndarray, others: np.ndarray, tolerance: float) -> int:
    """How many pixels of the mask have one of the others at most so far away."""
    points = np.argwhere(others)
    return sum(bool((((points - pixel) ** 2).sum(1) <= tolerance**2).any()) for pixel in np.argwhere(mask))


@settings(max_examples=80, deadline=None)
@given(scenes())
def test_counts_are_those_of_all_pairs_of_pixels(scene):
    probability, label, tolerance = scene
    objects = find_label_objects(label, 1)
    curve = sweep_within(probability, objects, tolerance, GRID)
    for i, threshold in enumerate(GRID):
        predicted = (probability >= threshold) & (label != IGNORE)
        counts = curve.counts(i)
        assert counts == count_within(probability >= threshold, objects, tolerance)
        assert (counts.predicted, counts.labelled) == (predicted.sum(), (label == 1).sum())
        assert counts.predicted_near == near(predicted, label == 1, tolerance)
        assert counts.labelled_near == near(label == 1, predicted, tolerance)
        scores = counts.scores()
        for name in ("precision", "recall", "f1", "skeleton_precision", "skeleton_recall", "cl_dice"):
            expected = getattr(scores, name)
            got = getattr(curve, name)[i]
            assert got == pytest.approx(np.nan if expected is None else expected, nan_ok=True), name
        point = operating_point(curve, threshold)
        assert (point.precision, point.recall, point.f1) == (scores.precision, scores.recall, scores.f1)


def test_without_tolerance_they_are_plain_precision_and_recall() -> None:
    random = np.random.default_rng(0)
    label, predicted = (random.random((2, 30, 30)) < 0.4).astype(np.uint8)
    scores = score_predictions([Labelled(predicted, label)], 2, 1, MatchRule.parse("tolerance:0")).classes[1]
    assert scores.object.precision == scores.pixel.precision
    assert scores.object.recall == scores.pixel.recall
    assert scores.object.f1 == pytest.approx(scores.pixel.f1)


def road(rows: slice, columns: slice = slice(None)) -> np.ndarray:
    label = np.zeros((21, 40), np.uint8)
    label[rows, columns] = 1
    return label


def test_a_road_beside_a_road_by_hand() -> None:
    """A road of 3 rows, predicted 2 rows further down, where its left half is missing."""
    label, predicted = road(slice(9, 12)), road(slice(11, 14), slice(20, 40))
    counts = count_within(predicted > 0, find_label_objects(label, 1), 1)
    assert (counts.predicted, counts.labelled) == (60, 120)
    assert counts.predicted_near == 40, "rows 11 and 12 are at most 1 from row 11"
    assert counts.labelled_near == 41, "row 11 from column 19 on, row 10 from column 20 on"
    assert counts.skeleton_labelled_inside == 0, "the middle row, 10, is outside the prediction"
    assert counts.skeleton_predicted_inside <= 1, "as is row 12 outside the label; thinning may bend its end"
    assert counts.skeleton_labelled > 30


def test_a_gap_costs_the_skeleton_its_share_and_a_side_street_counts_as_much_as_a_wide_one() -> None:
    label = road(slice(2, 13)) | road(slice(18, 19))
    broken = label.copy()
    broken[18] = 0
    scores = count_within(broken > 0, find_label_objects(label, 1), 0).scores()
    assert scores.recall == pytest.approx(11 / 12), "of the pixels, a twelfth is missing"
    assert scores.skeleton_recall is not None
    assert 0.35 < scores.skeleton_recall < 0.6, "of the lines, half"
    assert scores.skeleton_precision == 1


def test_scores_under_a_tolerance_name_it_and_give_the_counts() -> None:
    label, predicted = road(slice(9, 12)), road(slice(10, 13))
    rule = MatchRule.parse("tolerance:1")
    pooled, (first, second) = score_by_scene(
        [("hit", Labelled(predicted, label)), ("miss", Labelled(label * 0, label))], 2, 8, rule
    )
    assert (first[0], second[0]) == ("hit", "miss")
    assert first[1].classes[1].object == ObjectScores(1.0, 1.0, 1.0, 120, 0, 0)
    assert second[1].classes[1].object == ObjectScores(None, 0.0, 0.0, 0, 0, 120)
    of_class = pooled.classes[1]
    assert of_class.object == ObjectScores(1.0, 0.5, 2 / 3, 120, 0, 120)
    written = scores_to_json(pooled)
    assert written["match_rule"] == "pixels within 1 px"
    within = written["classes"]["1"]["tolerance"]
    assert [within[name] for name in ("predicted", "predicted_near", "labelled", "labelled_near")] == [
        120,
        120,
        240,
        120,
    ]
    assert within["skeleton_recall"] == pytest.approx(0.5, abs=0.02), "thinning may bend the end of a line"
    assert "IoU > 0.5" in written["classes"]["1"]["panoptic"]["reason"]


def test_curves_are_pooled_and_the_cheapest_threshold_found() -> None:
    label = road(slice(9, 12))
    objects = find_label_objects(label, 1)
    sharp = sweep_within(np.where(label == 1, 0.9, 0.1).astype(np.float32), objects, 1, GRID)
    faint = sweep_within(np.where(label == 1, 0.5, 0.3).astype(np.float32), objects, 1, GRID)
    both = sharp + faint
    assert isinstance(both, ToleranceCurve)
    assert both.true_positives.tolist() == [240, 240, 120, 120]
    assert both.counts(1) == ToleranceCounts(240, 240, 240, 240, *both_skeletons(both, 1))
    assert minimum_cost_point(both, miss=1).threshold == 0.4
    with pytest.raises(ValueError, match="same thresholds"):
        both + sweep_within(np.zeros((21, 40), np.float32), objects, 1)


def both_skeletons(curve: ToleranceCurve, i: int) -> list[int]:
    return [
        int(values[i])
        for values in (
            curve.skeleton_predicted,
            curve.skeleton_predicted_inside,
            curve.skeleton_labelled,
            curve.skeleton_labelled_inside,
        )
    ]


def test_greatest_value_in_a_disc() -> None:
    values = np.zeros((7, 7), np.float32)
    values[3, 3] = 2
    rows, columns = np.mgrid[:7, :7] - 3
    for distance in (0, 1, 1.4, 1.5, 2.2, 3, 50):
        disc = rows**2 + columns**2 <= distance**2
        np.testing.assert_array_equal(greatest_within(values, distance), np.where(disc, 2, 0))
