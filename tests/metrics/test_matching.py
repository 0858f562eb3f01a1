import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.imagery.scene import IGNORE
from explorer.metrics.counts import ObjectCounts
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import ObjectRecord, count_objects, list_objects
from tests.metrics.brute_force import matched

SIDES = st.tuples(st.integers(1, 14), st.integers(1, 14))


@st.composite
def blobs(draw, values):
    """Blocks of 1 to 3 pixels a side, so that objects have some size and often overlap."""
    coarse = draw(hnp.arrays(np.uint8, SIDES, elements=st.sampled_from(values)))
    return coarse.repeat(draw(st.integers(1, 3)), axis=0).repeat(draw(st.integers(1, 3)), axis=1)


@st.composite
def cases(draw):
    label = draw(blobs([0, 0, 1, 1, IGNORE]))
    flips = draw(hnp.arrays(bool, label.shape, elements=st.sampled_from([False] * 9 + [True])))
    return (label == 1) ^ flips, label, draw(st.sampled_from([1, 2, 8]))


def counted(predicted, label, minimum_area=8):
    objects = find_label_objects(label, 1, minimum_area)
    return count_objects(match(predicted, objects))


@settings(max_examples=150, deadline=None)
@given(cases())
def test_matching_and_lists_agree_with_the_brute_force_matcher(case):
    predicted, label, minimum_area = case
    found, missed, false = matched(predicted, label, 1, minimum_area)
    objects = find_label_objects(label, 1, minimum_area)
    matching = match(predicted, objects)

    counts = count_objects(matching)
    assert (counts.true_positives, counts.false_positives, counts.false_negatives) == (
        len(found),
        len(false),
        len(missed),
    )
    assert counts.iou_sum == pytest.approx(sum(found.values()))
    expected = [record("found", o, iou) for o, iou in found.items()]
    expected += [record("missed", o) for o in missed] + [record("false", o) for o in false]
    key = lambda r: (r.outcome, r.area, round(r.row, 6), round(r.column, 6))  # noqa: E731
    listed = sorted(list_objects(matching, objects), key=key)
    for got, wanted in zip(listed, sorted(expected, key=key), strict=True):
        assert (got.outcome, got.area) == (wanted.outcome, wanted.area)
        assert (got.row, got.column) == pytest.approx((wanted.row, wanted.column))
        assert got.iou == pytest.approx(wanted.iou)


def record(outcome, pixels, iou=None):
    rows, columns = zip(*pixels, strict=True)
    return ObjectRecord(
        outcome=outcome,
        row=float(np.mean(rows)),
        column=float(np.mean(columns)),
        area=len(pixels),
        iou=iou,
    )


@settings(max_examples=50, deadline=None)
@given(cases(), st.sampled_from(["rows", "columns", "transpose"]))
def test_turning_the_scene_changes_no_count(case, turn):
    predicted, label, minimum_area = case
    turned = {"rows": np.flipud, "columns": np.fliplr, "transpose": np.transpose}[turn]
    before = counted(predicted, label, minimum_area)
    after = counted(turned(predicted), turned(label), minimum_area)
    assert (after.true_positives, after.false_positives, after.false_negatives) == (
        before.true_positives,
        before.false_positives,
        before.false_negatives,
    )
    assert after.iou_sum == pytest.approx(before.iou_sum)


@settings(max_examples=50, deadline=None)
@given(cases())
def test_every_label_object_is_found_or_missed(case):
    predicted, label, minimum_area = case
    counts = counted(predicted, label, minimum_area)
    objects = find_label_objects(label, 1, minimum_area)
    assert counts.true_positives + counts.false_negatives == len(objects.areas)


@settings(max_examples=50, deadline=None)
@given(cases())
def test_what_is_predicted_under_ignored_pixels_finds_and_loses_nothing(case):
    predicted, label, minimum_area = case
    everywhere = counted(predicted | (label == IGNORE), label, minimum_area)
    nowhere = counted(predicted & (label != IGNORE), label, minimum_area)
    assert everywhere.true_positives == nowhere.true_positives
    assert everywhere.iou_sum == nowhere.iou_sum
    assert everywhere.false_positives <= nowhere.false_positives


def strip(length, start, stop):
    line = np.zeros((1, length), dtype=np.uint8)
    line[0, start:stop] = 1
    return line


@pytest.mark.parametrize(
    ("predicted", "found"),
    [
        (strip(40, 0, 10), 1),  # IoU 10/20 would be exactly ½ below
        (strip(40, 0, 21), 0),  # 10/21 < ½
        (strip(40, 0, 20), 0),  # exactly ½ is no match
        (strip(40, 0, 19), 1),  # 10/19 > ½
        (strip(40, 5, 10), 0),  # 5/10, and below the minimum area
    ],
)
def test_a_match_needs_an_iou_strictly_above_one_half(predicted, found):
    assert counted(predicted > 0, strip(40, 0, 10)).true_positives == found


def test_a_false_alarm_mostly_in_ignored_pixels_is_excused():
    label = np.zeros((1, 40), dtype=np.uint8)
    label[0, 20:] = IGNORE
    assert counted(strip(40, 10, 31) > 0, label).false_positives == 0  # 10 seen, 11 ignored
    assert counted(strip(40, 10, 30) > 0, label).false_positives == 1  # exactly half is not most


def test_two_predicted_objects_on_one_label_object_give_one_hit_and_one_false_alarm():
    label = strip(60, 0, 40)
    predicted = strip(60, 0, 30) | strip(60, 31, 40)
    assert counted(predicted > 0, label) == ObjectCounts(1, 1, 0, iou_sum=30 / 40)


def test_the_minimum_area_is_the_same_for_label_and_prediction():
    assert counted(strip(40, 0, 7) > 0, strip(40, 0, 7)) == ObjectCounts()
    assert counted(strip(40, 0, 8) > 0, strip(40, 0, 8)) == ObjectCounts(1, 0, 0, 1.0)
