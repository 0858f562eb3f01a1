"""Objects that one prediction finds and another misses, and false alarms that they share."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.imagery.match_rule import MatchRule
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.object_differences import compare_objects
from explorer.metrics.objects import count_objects

LABEL = np.zeros((12, 24), np.uint8)
LABEL[1:4, 1:4] = LABEL[1:4, 8:11] = LABEL[1:4, 15:18] = 1
LABEL[1, 22] = 1  # a single pixel, below the minimum area


def predicted(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros(LABEL.shape, dtype=bool)
    for top, bottom, left, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


FIRST = predicted((1, 4, 1, 4), (1, 4, 8, 11), (7, 10, 1, 4), (7, 10, 10, 13))
SECOND = predicted((1, 4, 1, 4), (1, 4, 15, 18), (8, 11, 2, 5), (7, 10, 20, 23))
OBJECTS = find_label_objects(LABEL, 1)


def test_objects_of_the_label_keep_their_order_and_false_alarms_that_share_a_pixel_are_one() -> None:
    compared = compare_objects(OBJECTS, [match(FIRST, OBJECTS), match(SECOND, OBJECTS)], minimum_area=4)
    assert [each.outcomes for each in compared] == [
        ("found", "found"),
        ("found", "missed"),
        ("missed", "found"),
        ("false", "false"),
        ("false", None),
        (None, "false"),
    ]
    assert [(each.row, each.column) for each in compared[3:]] == [(8, 2), (8, 11), (8, 21)]
    assert compared[1].ious == (1.0, None)
    assert {each.area for each in compared} == {9}


@pytest.mark.parametrize("mask", [FIRST, SECOND, predicted()])
@pytest.mark.parametrize("minimum_area", [1, 4, 20])
def test_one_prediction_gives_what_is_counted(mask: np.ndarray, minimum_area: int) -> None:
    matching = match(mask, OBJECTS)
    counts = count_objects(matching, minimum_area)
    outcomes = [each.outcomes for each in compare_objects(OBJECTS, [matching], minimum_area)]
    assert outcomes.count(("found",)) == counts.true_positives
    assert outcomes.count(("missed",)) == counts.false_negatives
    assert outcomes.count(("false",)) == counts.false_positives


def test_a_false_alarm_over_several_of_the_other_is_of_both_and_counts_once() -> None:
    wide, parts = predicted((7, 10, 1, 12)), predicted((7, 10, 1, 4), (7, 10, 8, 12))
    one_way = compare_objects(OBJECTS, [match(wide, OBJECTS), match(parts, OBJECTS)], 4)
    other_way = compare_objects(OBJECTS, [match(parts, OBJECTS), match(wide, OBJECTS)], 4)
    assert [each.outcomes for each in one_way if "missed" not in each.outcomes] == [("false", "false")]
    assert [each.outcomes for each in other_way if "missed" not in each.outcomes] == [("false", "false")] * 2


def test_a_false_alarm_below_the_minimum_is_none_though_it_touches_one() -> None:
    speck = predicted((7, 8, 1, 2))
    compared = compare_objects(OBJECTS, [match(FIRST, OBJECTS), match(speck, OBJECTS)], 4)
    assert ("false", "false") not in [each.outcomes for each in compared]


def test_the_rule_decides_what_is_found() -> None:
    half = predicted((1, 3, 1, 3))
    rules = [MatchRule.parse(text) for text in ("iou:0.5", "overlap")]
    strict, loose = (compare_objects(OBJECTS, [match(half, OBJECTS, rule)], 4)[0] for rule in rules)
    assert (strict.outcomes, loose.outcomes) == (("missed",), ("found",))
