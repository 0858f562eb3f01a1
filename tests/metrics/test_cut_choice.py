"""Whether neighbours are split and which specks go: by the criterion where it can tell, by the labels elsewhere."""

from __future__ import annotations

import pytest

from explorer.imagery.match_rule import MatchRule
from explorer.metrics.cut_choice import LabelSizes, choose_cut

LARGE, SMALL, DISCS, NONE = LabelSizes(30.0, 400.0), LabelSizes(9.9, 60.0), LabelSizes(16.0, 40.0), LabelSizes(0.0, 1.0)
NEAR, APART = 0.2, 0.19

BETTER = {False: 0.5, True: 0.7}
WORSE = {False: 0.7, True: 0.5}
EQUAL = {False: 0.7, True: 0.7}

CASES = [
    # sizes, match rule, held-out objects, criterion without and with a split, near others, split, words
    (LARGE, "iou:0.5", 15, BETTER, APART, True, "split, with which the criterion is 0.70; without, 0.50"),
    (LARGE, "iou:0.5", 15, WORSE, NEAR, False, "not split, without which the criterion is 0.70; with a split, 0.50"),
    (LARGE, "iou:0.5", 15, EQUAL, NEAR, False, "not split, without which"),
    (LARGE, "centroid:5", 15, BETTER, APART, True, "split, with which"),
    (LARGE, "iou:0.5", 14, WORSE, NEAR, True, "split, because 14 objects are too few to tell, and 20 % of the"),
    (LARGE, "iou:0.5", 14, BETTER, APART, False, "not split, because 14 objects are too few to tell, and 19 %"),
    (LARGE, "overlap", 99, WORSE, NEAR, True, "split, because the match rule cannot tell"),
    (LARGE, "centre", 99, BETTER, APART, False, "not split, because the match rule cannot tell"),
    (SMALL, "iou:0.1", 99, BETTER, NEAR, False, "objects are less than 10 px across"),
    (LARGE, "tolerance:2", 99, BETTER, NEAR, False, "the match rule counts pixels"),
    (DISCS, "centroid:5", 99, BETTER, NEAR, False, "the objects are points"),
    (NONE, "iou:0.5", 0, BETTER, NEAR, False, "objects are less than 10 px across"),
]


@pytest.mark.parametrize(("sizes", "rule", "count", "values", "near", "split", "said"), CASES)
def test_split_is_chosen(
    sizes: LabelSizes, rule: str, count: int, values: dict[bool, float], near: float, split: bool, said: str
) -> None:
    found = choose_cut(sizes, MatchRule.parse(rule), count, lambda split, _: values[split], lambda: near)
    assert found.split == split
    assert said in found.split_rule


# sizes, match rule, held-out objects, smallest at which the criterion is highest, smallest that is taken, words
SMALLEST = [
    # 400 px are a disc with a radius of 11.28 px; with one of 10.28 px it has 332
    (LARGE, "iou:0.5", 29, 332, 166, "half of the 10th percentile (400 px)"),
    (LARGE, "iou:0.5", 30, 166, 166, "166 px, with which the criterion is highest of ½ and ¼"),
    (LARGE, "iou:0.5", 30, 332, 166, "166 px, with which"),  # more than half is never tried
    (LARGE, "iou:0.5", 30, 83, 83, "83 px, with which"),
    (LARGE, "iou:0.5", 30, 7, 166, "166 px, with which"),
    (LARGE, "tolerance:2", 30, 83, 83, "83 px, with which"),
    (LARGE, "overlap", 30, 332, 166, "half of the 10th percentile"),
    (DISCS, "centroid:5", 99, 20, 4, "4 px, because the objects are points"),
    (DISCS, "iou:0.5", 99, 5, 5, "5 px, with which"),
    (DISCS, "iou:0.5", 29, 21, 10, "half of the 10th percentile (40 px)"),
    (LARGE, "centroid:5", 99, 83, 83, "83 px, with which"),
    (NONE, "iou:0.5", 0, 1, 1, "half of"),
]


@pytest.mark.parametrize(("sizes", "rule", "count", "best", "smallest", "said"), SMALLEST)
def test_smallest_is_chosen(sizes: LabelSizes, rule: str, count: int, best: int, smallest: int, said: str) -> None:
    found = choose_cut(sizes, MatchRule.parse(rule), count, lambda _, tried: float(tried == best), lambda: 0.0)
    assert found.smallest == smallest
    assert said in found.smallest_rule


def test_the_smallest_is_tried_with_the_split_that_was_chosen() -> None:
    asked = []

    def value(split: bool, smallest: int) -> float:
        asked.append((split, smallest))
        return float(split)

    assert choose_cut(LARGE, MatchRule.parse("iou:0.5"), 30, value, lambda: 0.0).split
    assert asked == [(False, 166), (True, 166), (True, 166), (True, 83)]
