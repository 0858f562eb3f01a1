"""Matching under every rule: against a matcher that tries all, against torchmetrics, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torchmetrics.functional.detection import panoptic_quality

from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import IGNORE
from explorer.metrics.confusion import Labelled, score_predictions
from explorer.metrics.counts import ObjectCounts, scores_to_json
from explorer.metrics.curves import sweep_objects
from explorer.metrics.matching import Matching, find_label_objects, match
from explorer.metrics.objects import count_objects, list_objects
from tests.metrics.brute_force import allowed, best_matching, components, label_objects, preference

RULES = [
    MatchRule.parse(text)
    for text in ("iou:0.5", "iou:0", "iou:0.1", "iou:0.25", "iou:0.4", "iou:0.75", "overlap", "centre", "centroid:0",
                 "centroid:1", "centroid:2.5", "centroid:40")
]  # fmt: skip


@st.composite
def scenes(draw):
    shape = draw(st.tuples(st.integers(2, 7), st.integers(2, 7)))
    label = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 0, 1, 1, IGNORE])))
    flips = draw(hnp.arrays(bool, shape, elements=st.sampled_from([False, False, True])))
    drawn = draw(st.one_of(st.none(), hnp.arrays(np.int32, shape, elements=st.sampled_from([0, 3, 5, 8]))))
    return (label == 1) ^ flips, label, drawn


def pixels_of(ids: np.ndarray, number: int) -> frozenset:
    return frozenset(map(tuple, np.argwhere(ids == number).tolist()))


def matched_by(rule: str, predicted: np.ndarray, label: np.ndarray, drawn: np.ndarray | None = None) -> Matching:
    return match(predicted, find_label_objects(label, 1, drawn), MatchRule.parse(rule))


@pytest.mark.parametrize("rule", RULES, ids=str)
@settings(max_examples=40, deadline=None)
@given(scenes(), st.sampled_from([1, 3]))
def test_no_matching_has_more_pairs_or_better_ones(rule, scene, minimum_area):
    predicted, label, drawn = scene
    objects = find_label_objects(label, 1, drawn)
    matching = match(predicted, objects, rule)
    mine, theirs = label_objects(label, 1, drawn), components(predicted & (label != IGNORE))
    pairs = [
        (pixels_of(objects.ids, i), pixels_of(matching.predicted_ids, int(j)))
        for i, j in enumerate(matching.partners, start=1)
        if j
    ]
    assert all(allowed(rule, *pair) for pair in pairs)
    assert len({other for _, other in pairs}) == len(pairs), "no predicted object finds two"
    most, sum_of_best = best_matching(rule, mine, theirs)
    assert len(pairs) == most
    assert sum(preference(rule, *pair) for pair in pairs) == pytest.approx(sum_of_best, abs=1e-6)
    for i, (partner, iou) in enumerate(zip(matching.partners, matching.ious, strict=True), start=1):
        other = pixels_of(matching.predicted_ids, int(partner)) if partner else frozenset()
        one = pixels_of(objects.ids, i)
        assert iou == pytest.approx(len(one & other) / len(one | other))

    partners = {other for _, other in pairs}
    wholes = components(predicted)
    false = 0
    for other in set(theirs) - partners:
        whole = next(each for each in wholes if other <= each)
        hidden = sum(label[pixel] == IGNORE for pixel in whole)
        false += 2 * hidden <= len(whole) and len(other) >= minimum_area
    counts = count_objects(matching, minimum_area)
    assert counts.true_positives == sum(len(one) >= minimum_area for one, _ in pairs)
    assert counts.true_positives + counts.false_negatives == sum(len(one) >= minimum_area for one in mine)
    assert counts.false_positives == false


@pytest.mark.parametrize("rule", ["iou:0.1", "overlap", "centre", "centroid:3"])
@settings(max_examples=30, deadline=None)
@given(scenes())
def test_predictions_at_ignored_pixels_change_no_partner(rule, scene):
    predicted, label, drawn = scene
    everywhere = matched_by(rule, predicted | (label == IGNORE), label, drawn)
    nowhere = matched_by(rule, predicted & (label != IGNORE), label, drawn)
    np.testing.assert_array_equal(everywhere.partners, nowhere.partners)
    np.testing.assert_array_equal(everywhere.ious, nowhere.ious)
    assert set(np.flatnonzero(everywhere.unexplained)) <= set(np.flatnonzero(nowhere.unexplained))


def row(text: str) -> np.ndarray:
    """Pixels of a map with one row: digits, and "." for 0."""
    return np.array([[0 if letter == "." else int(letter) for letter in text]], np.int32)


@pytest.mark.parametrize(
    ("rule", "label", "predicted", "partners"),
    [
        # Two objects of the label under one blob: one of them is found
        ("overlap", "11.2......", "111111....", [1, 0]),
        ("iou:0.1", "11.222....", "1111111...", [0, 1]),  # the one with the larger IoU
        ("centre", "11.222....", "1111111...", [0, 1]),
        # The blob could have either; the other predicted object only the first: both are found
        ("overlap", "111.222...", "1.22222...", [1, 2]),
        # More pairs go before better ones: 2 fits the second better, and is the only one that the third has
        ("overlap", "11.2222.33", "...1.2222.", [0, 1, 2]),
        # IoU 1/10 is not above 0.1
        ("iou:0.1", "1.........", "1111111111", [0]),
        ("iou:0.09", "1.........", "1111111111", [1]),
        # The centroid of the label's object, rounded up from 1.5, is pixel 2
        ("centre", "1111......", "..1.......", [1]),
        ("centre", "1111......", ".1........", [0]),
        ("centre", "1111......", "....1.....", [0]),
        # Centroids at 0.5 and at 4: apart by 3.5
        ("centroid:3.5", "11........", "....1.....", [1]),
        ("centroid:3.4", "11........", "....1.....", [0]),
        # The nearer one, not the first one
        ("centroid:4", "....1.....", "1....2....", [2]),
        # Both within reach of both: the sum of distances is least
        ("centroid:9", "1.......2.", ".1.....2..", [1, 2]),
    ],
)  # fmt: skip
def test_partners_by_hand(rule: str, label: str, predicted: str, partners: list[int]) -> None:
    drawn = row(label)
    objects = find_label_objects((drawn > 0).astype(np.uint8), 1, drawn)
    assert match(row(predicted) > 0, objects, MatchRule.parse(rule)).partners.tolist() == partners


def test_a_centroid_in_reach_is_found_though_nothing_overlaps() -> None:
    label, probability = np.zeros((9, 30), np.uint8), np.zeros((9, 30), np.float32)
    label[2:5, 2:5] = 1
    probability[2:5, 6:9] = 0.9
    objects, rule = find_label_objects(label, 1), MatchRule.parse("centroid:4")
    matching = match(probability > 0.5, objects, rule)
    assert (matching.ious.tolist(), matching.found.tolist()) == ([0.0], [True])
    assert count_objects(matching, 8) == ObjectCounts(1, 0, 0, 0.0)
    (listed,) = list_objects(matching, objects, 8)
    assert (listed.outcome, listed.iou) == ("found", 0.0)
    curve = sweep_objects(probability, objects, rule=rule).curve(8)
    assert (curve.recall[24], curve.precision[24], curve.f1[24]) == (1, 1, 1)
    assert sweep_objects(probability, objects).curve(8).recall[24] == 0, "IoU > 0.5 finds nothing there"


def test_blobs_cannot_find_more_objects_than_there_are_blobs() -> None:
    label = np.zeros((20, 20), np.uint8)
    label[::4, ::4] = 1
    everything = np.ones((20, 20), bool)
    for rule in ("overlap", "centre", "iou:0", "centroid:100"):
        assert count_objects(matched_by(rule, everything, label), 1).true_positives == 1


def test_a_rule_that_counts_pixels_matches_no_objects() -> None:
    with pytest.raises(ValueError, match="tolerance:3 matches no objects"):
        matched_by("tolerance:3", np.zeros((3, 3), bool), np.zeros((3, 3), np.uint8))


@pytest.mark.parametrize("seed", range(4))
def test_panoptic_quality_is_that_of_torchmetrics(seed: int) -> None:
    random = np.random.default_rng(seed)
    label, predicted = np.zeros((2, 60, 60), np.uint8)
    for top in range(0, 60, 10):  # boxes of 4 to 8 pixels a side, moved by up to 2; some are missing on either side
        for left in range(0, 60, 10):
            (height, width), (down, right) = random.integers(4, 9, 2), random.integers(0, 3, 2)
            shown = random.random(2) < 0.8
            label[top : top + height, left : left + width] = shown[0]
            predicted[top + down : top + down + height - 1, left + right : left + right + width - 1] = shown[1]
    counted = score_predictions([Labelled(predicted, label)], 2, minimum_area=1).classes[1].panoptic
    assert counted is not None

    def instances(mask: np.ndarray) -> torch.Tensor:
        ids = find_label_objects(mask, 1).ids
        return torch.from_numpy(np.stack([mask, ids], axis=-1).astype(np.int64))[None]

    pq, sq, rq = panoptic_quality(
        instances(predicted), instances(label), things={1}, stuffs={0}, return_per_class=True, return_sq_and_rq=True
    )[0].tolist()
    assert 0 < pq < 1
    got = (counted.panoptic_quality, counted.segmentation_quality, counted.recognition_quality)
    assert got == pytest.approx((pq, sq, rq), abs=1e-6)


def test_panoptic_quality_of_other_rules_is_undefined_with_the_reason() -> None:
    label = np.ones((4, 4), np.uint8)
    label[0] = 0
    written = scores_to_json(score_predictions([Labelled(label, label)], 2, 1, MatchRule.parse("iou:0.1")))
    assert written["match_rule"] == "IoU > 0.1"
    assert written["classes"]["1"]["panoptic"] == {
        "segmentation_quality": None,
        "recognition_quality": None,
        "panoptic_quality": None,
        "reason": "defined for IoU > 0.5; the match rule is IoU > 0.1",
    }
    assert written["classes"]["1"]["object"]["f1"] == 1


def test_rules_that_a_blob_wins_may_not_choose() -> None:
    assert {rule.kind for rule in RULES if not rule.may_choose} == {"overlap", "centre"}
    assert MatchRule.parse("tolerance:3").may_choose
