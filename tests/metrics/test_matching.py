from dataclasses import replace

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


def drawn_on(label):
    """Ids of objects drawn one by one: none for most pixels or for few, wherever they lie."""
    coarse = hnp.arrays(np.int32, label.shape, elements=st.sampled_from([0, 3, 3, 7, 9]))
    return st.one_of(st.none(), coarse)


def counted(predicted, label, minimum_area=8, drawn=None):
    objects = find_label_objects(label, 1, drawn)
    return count_objects(match(predicted, objects), minimum_area)


@settings(max_examples=150, deadline=None)
@given(cases(), st.data())
def test_matching_and_lists_agree_with_the_brute_force_matcher(case, data):
    predicted, label, minimum_area = case
    drawn = data.draw(drawn_on(label))
    found, missed, false = matched(predicted, label, 1, minimum_area, drawn)
    objects = find_label_objects(label, 1, drawn)
    matching = match(predicted, objects)

    counts = count_objects(matching, minimum_area)
    assert (counts.true_positives, counts.false_positives, counts.false_negatives) == (
        len(found),
        len(false),
        len(missed),
    )
    assert counts.iou_sum == pytest.approx(sum(found.values()))
    expected = [record("found", o, iou) for o, iou in found.items()]
    expected += [record("missed", o) for o in missed] + [record("false", o) for o in false]
    key = lambda r: (r.outcome, r.area, round(r.row, 6), round(r.column, 6))  # noqa: E731
    listed = sorted(list_objects(matching, objects, minimum_area), key=key)
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
def test_every_label_object_from_the_minimum_on_is_found_or_missed(case):
    predicted, label, minimum_area = case
    counts = counted(predicted, label, minimum_area)
    areas = find_label_objects(label, 1).areas
    assert counts.true_positives + counts.false_negatives == (areas >= minimum_area).sum()


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


@pytest.mark.parametrize(
    ("predicted", "label", "counts"),
    [
        (strip(40, 0, 7), strip(40, 0, 9), ObjectCounts(1, 0, 0, 7 / 9)),  # found by a smaller object
        (strip(40, 0, 9), strip(40, 0, 7), ObjectCounts()),  # found, but below the minimum: nothing
        (strip(40, 0, 7), strip(40, 0, 7), ObjectCounts()),
        (strip(40, 0, 8), strip(40, 0, 8), ObjectCounts(1, 0, 0, 1.0)),
        (strip(40, 0, 0), strip(40, 0, 7), ObjectCounts()),  # nobody has to find it
        (strip(40, 0, 0), strip(40, 0, 8), ObjectCounts(0, 0, 1)),
        (strip(40, 0, 7), strip(40, 0, 0), ObjectCounts()),  # alone, but too small for a false alarm
        (strip(40, 0, 8), strip(40, 0, 0), ObjectCounts(0, 1, 0)),
        (strip(40, 0, 14), strip(40, 0, 7), ObjectCounts(0, 1, 0)),  # IoU ½: covering it is no match
    ],
)
def test_the_minimum_area_is_applied_after_matching(predicted, label, counts):
    assert counted(predicted > 0, label) == counts


def test_objects_around_the_minimum_that_are_all_found_are_no_misses_and_no_false_alarms():
    label, predicted = np.zeros((2, 60, 60), np.uint8)
    for number, (of_label, of_prediction) in enumerate([(6, 8), (7, 9), (8, 6), (9, 7), (10, 8), (8, 10)]):
        label[10 * number, :of_label] = predicted[10 * number, :of_prediction] = 1
    counts = counted(predicted > 0, label)
    assert (counts.true_positives, counts.false_positives, counts.false_negatives) == (4, 0, 0)


ROW_HOUSES = strip(40, 0, 30)
DRAWN = np.repeat(np.int32([1, 2, 3, 0]), 10)[None]


@pytest.mark.parametrize(
    ("predicted", "counts"),
    [
        (strip(40, 0, 9) | strip(40, 11, 20) | strip(40, 21, 29), ObjectCounts(3, 0, 0, 0.9 + 0.9 + 0.8)),
        (strip(40, 0, 30), ObjectCounts(0, 1, 3)),  # one component: a third of each
        (strip(40, 0, 11), ObjectCounts(1, 0, 2, 10 / 11)),
        (strip(40, 0, 20), ObjectCounts(0, 1, 3)),  # half of each of two is no match
    ],
)
def test_touching_objects_that_were_drawn_one_by_one_are_matched_one_by_one(predicted, counts):
    of_ids = counted(predicted > 0, ROW_HOUSES, drawn=DRAWN)
    assert of_ids.iou_sum == pytest.approx(counts.iou_sum)
    assert replace(of_ids, iou_sum=counts.iou_sum) == counts
    assert counted(strip(40, 0, 30) > 0, ROW_HOUSES) == ObjectCounts(1, 0, 0, 1.0), "without ids they are one"


def test_ignored_pixels_of_an_object_with_an_id_are_no_part_of_it():
    label = ROW_HOUSES.copy()
    label[0, 7:13] = IGNORE  # the first keeps 7 pixels, the second 7, the third 10
    nothing = np.zeros((1, 40), bool)
    assert counted(nothing, label, minimum_area=8, drawn=DRAWN) == ObjectCounts(0, 0, 1)
    assert counted(nothing, label, minimum_area=7, drawn=DRAWN) == ObjectCounts(0, 0, 3)
    found = counted(label == 1, label, minimum_area=7, drawn=DRAWN)
    assert found.true_positives == 2, "the 7 of the first; 10 of 17, the third; not 7 of 17, the second"
