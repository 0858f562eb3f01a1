"""Objects at every threshold against the brute-force matcher; recall by size."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.imagery.scene import IGNORE
from explorer.metrics.curves import THRESHOLDS, ObjectCurve, sweep_objects
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import ObjectRecord, SizeBin, list_objects, recall_by_size
from tests.metrics.brute_force import matched

GRID = np.array([0.2, 0.4, 0.6, 0.8])


@st.composite
def scenes(draw):
    shape = draw(st.tuples(st.integers(2, 8), st.integers(2, 8)))
    label = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 1, 1, IGNORE])))
    probability = draw(hnp.arrays(np.float32, shape, elements=st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])))
    return tuple(array.repeat(2, axis=0).repeat(2, axis=1) for array in (probability, label))


@settings(max_examples=50, deadline=None)
@given(scenes(), st.sampled_from([1, 5]))
def test_each_threshold_is_what_the_brute_force_matcher_says(scene, minimum_area) -> None:
    probability, label = scene
    curve = sweep_objects(probability, find_label_objects(label, 1), GRID).curve(minimum_area)
    for i, threshold in enumerate(GRID):
        found, missed, false = matched(probability >= threshold, label, 1, minimum_area)
        counts = curve.counts(i)
        assert (counts.true_positives, counts.false_positives, counts.false_negatives) == (
            len(found),
            len(false),
            len(missed),
        )
        assert counts.iou_sum == pytest.approx(sum(found.values()))
        scores = counts.scores()
        for name in ("precision", "recall", "f1"):
            expected = getattr(scores, name)
            assert getattr(curve, name)[i] == pytest.approx(np.nan if expected is None else expected, nan_ok=True)
        quality = counts.panoptic_quality
        assert curve.panoptic_quality[i] == pytest.approx(np.nan if quality is None else quality, nan_ok=True)


def test_curves_of_scenes_are_pooled_by_adding() -> None:
    label = np.zeros((20, 20), np.uint8)
    label[2:8, 2:8] = 1
    objects = find_label_objects(label, 1)
    found = sweep_objects(np.where(label == 1, 0.9, 0.1).astype(np.float32), objects)
    missed = sweep_objects(np.zeros((20, 20), np.float32), objects)
    hit, miss, both = (sweep.curve(8) for sweep in (found, missed, found + missed))
    middle = both.at(0.5)
    assert both.counts(middle) == hit.counts(middle) + miss.counts(middle)
    assert both.recall[middle] == 0.5
    assert both.precision[middle] == 1
    assert np.isnan(miss.precision).all()
    with pytest.raises(ValueError, match="same thresholds"):
        found + sweep_objects(np.zeros((20, 20), np.float32), objects, GRID)


def test_every_minimum_area_is_read_from_one_sweep() -> None:
    label = np.zeros((9, 40), np.uint8)
    label[0, :4] = label[4, :10] = 1
    probability = np.where(label == 1, 0.7, 0.1).astype(np.float32)
    probability[8, :5] = 0.5  # a false alarm of 5 pixels at 0.2 and 0.4
    sweep = sweep_objects(probability, find_label_objects(label, 1), GRID)
    other = sweep_objects(np.where(label == 0, 0.3, 0.0).astype(np.float32), find_label_objects(label, 1), GRID)
    assert [sweep.below(area) for area in (4, 5, 11)] == [0, 1, 2]

    def counts(of, area):
        curve = of.curve(area)
        return [list(values) for values in (curve.true_positives, curve.false_positives, curve.false_negatives)]

    assert counts(sweep, 1) == [[2, 2, 2, 0], [1, 1, 0, 0], [0, 0, 0, 2]]
    assert counts(sweep, 6) == [[1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert counts(sweep, 11) == [[0] * 4] * 3
    assert counts(sweep + other, 5) == [[1, 1, 1, 0], [2, 1, 0, 0], [1, 1, 1, 2]]
    assert counts(other + sweep, 5) == counts(sweep + other, 5)


def test_touching_objects_with_ids_are_swept_one_by_one() -> None:
    label = np.ones((1, 20), np.uint8)
    drawn = np.repeat(np.int32([5, 2]), 10)[None]
    probability = np.where(drawn == 5, 0.9, 0.5).astype(np.float32)
    curve = sweep_objects(probability, find_label_objects(label, 1, drawn), GRID).curve(1)
    assert curve.true_positives.tolist() == [0, 0, 1, 1], "from 0.6 on the first is alone"


def test_no_objects_at_all_is_undefined() -> None:
    curve = sweep_objects(np.zeros((9, 9), np.float32), find_label_objects(np.zeros((9, 9), np.uint8), 1)).curve(8)
    assert isinstance(curve, ObjectCurve)
    assert len(curve.thresholds) == len(THRESHOLDS)
    for values in (curve.precision, curve.recall, curve.f1, curve.panoptic_quality):
        assert np.isnan(values).all()


def records(areas: list[int], found: list[bool]) -> list[ObjectRecord]:
    return [
        ObjectRecord("found" if hit else "missed", 0.0, 0.0, area, 0.9 if hit else None)
        for area, hit in zip(areas, found, strict=True)
    ]


def test_recall_by_size_by_hand() -> None:
    listed = records([8, 9, 10, 11, 50, 60, 70, 80], [False, False, True, False, True, True, True, False])
    alarm = ObjectRecord("false", 0.0, 0.0, 500, None)
    bins = recall_by_size([*listed, alarm], 4)
    assert bins == (SizeBin(8, 9, 2, 0), SizeBin(10, 11, 2, 1), SizeBin(50, 60, 2, 2), SizeBin(70, 80, 2, 1))
    assert [each.recall for each in bins] == [0, 0.5, 1, 0.5]
    assert recall_by_size([alarm]) == ()
    assert recall_by_size(records([9] * 5, [True] * 5)) == (SizeBin(9, 9, 5, 5),)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=40), st.integers(1, 6))
def test_every_object_is_in_one_group_and_groups_do_not_overlap(objects, bins) -> None:
    areas, found = (list(each) for each in zip(*objects, strict=True))
    groups = recall_by_size(records(areas, found), bins)
    assert 1 <= len(groups) <= bins
    assert sum(group.objects for group in groups) == len(areas)
    assert sum(group.found for group in groups) == sum(found)
    assert all(a.largest < b.smallest for a, b in itertools.pairwise(groups))


def test_sizes_come_from_the_list_of_objects() -> None:
    label = np.zeros((30, 30), np.uint8)
    label[1:4, 1:4] = label[10:20, 10:20] = 1
    objects = find_label_objects(label, 1)
    predicted = np.zeros((30, 30), bool)
    predicted[10:20, 10:20] = True
    small, large = recall_by_size(list_objects(match(predicted, objects), objects, 8), 2)
    assert (small.recall, large.recall) == (0, 1)
