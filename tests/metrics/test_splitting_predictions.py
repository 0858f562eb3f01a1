"""Predictions that touch, split from peak to peak."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from explorer.imagery.match_rule import MatchRule
from explorer.imagery.objects import components_by_region, connected_components, peak_distances
from explorer.imagery.scene import Scene
from explorer.metrics.curves import sweep_objects
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import count_objects
from explorer.metrics.splitting_predictions import find_regions, split_touching


def discs(centres: list[tuple[int, int]], radius: int, shape: tuple[int, int] = (60, 90)) -> np.ndarray:
    """An id a disc; where two overlap, the nearer centre has it."""
    rows, columns = np.indices(shape)
    distances = np.stack([np.hypot(rows - r, columns - c) for r, c in centres])
    return np.where(distances.min(0) <= radius, distances.argmin(0) + 1, 0).astype(np.int32)


TOUCHING = discs([(30, 20), (30, 37), (30, 54), (12, 74)], 9)


def test_touching_discs_come_apart_and_each_finds_its_own() -> None:
    label = (TOUCHING > 0).astype(np.uint8)
    objects = find_label_objects(label, 1, TOUCHING)
    for probability in (label.astype(np.float32), ndimage.gaussian_filter(label.astype(np.float32), 2)):
        mask = probability >= 0.5
        assert connected_components(mask)[1] == 2
        assert count_objects(match(mask, objects), 8).true_positives == 1, "three are one component"
        ids = split_touching(probability, mask, minimum_distance=9)
        assert (ids > 0).tolist() == mask.tolist()
        counts = count_objects(match(ids, objects), 8)
        assert (counts.true_positives, counts.false_positives) == (4, 0)


def test_one_large_object_stays_whole() -> None:
    square = np.zeros((60, 60), np.float32)
    square[15:45, 15:45] = 1
    assert split_touching(square, square > 0.5, 15).max() == 1


def test_regions_found_once_serve_every_threshold() -> None:
    probability = ndimage.gaussian_filter((TOUCHING > 0).astype(np.float32), 2)
    regions = find_regions(probability, 9)
    objects = find_label_objects((TOUCHING > 0).astype(np.uint8), 1, TOUCHING)
    thresholds = np.array([0.3, 0.5, 0.7])
    curve = sweep_objects(probability, objects, thresholds, regions=regions).curve(8)
    assert curve.true_positives.tolist() == [4, 4, 4]
    assert sweep_objects(probability, objects, thresholds).curve(8).true_positives.tolist()[0] == 1
    for i, threshold in enumerate(thresholds):
        ids = split_touching(probability, probability >= threshold, 9)
        assert count_objects(match(ids, objects), 8) == curve.counts(i)


def test_points_that_merged_are_found_by_their_peaks() -> None:
    centres = [(20, 20), (20, 26), (26, 23), (40, 60)]
    rows, columns = np.indices((60, 90))
    probability = np.max([np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 12) for r, c in centres], axis=0)
    points = discs(centres, 2)
    objects = find_label_objects((points > 0).astype(np.uint8), 1, points)
    rule, mask = MatchRule.parse("centroid:3"), probability > 0.2
    assert count_objects(match(mask, objects, rule), 1).true_positives == 1, "the middle of three is 4 px off"
    ids = split_touching(probability.astype(np.float32), mask, 3)
    assert count_objects(match(ids, objects, rule), 1).true_positives == 4


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.float32, (12, 14), elements=st.sampled_from([0, 0.01, 0.3, 0.6, 1])), st.integers(1, 5))
def test_splitting_cuts_and_never_joins_adds_or_drops(probability, distance) -> None:
    mask = probability >= 0.3
    ids = split_touching(probability, mask, distance)
    np.testing.assert_array_equal(ids > 0, mask)
    whole, count = connected_components(mask)
    assert set(np.unique(ids)) - {0} == set(range(1, ids.max() + 1))
    assert all(len(np.unique(whole[ids == i])) == 1 for i in range(1, ids.max() + 1))
    assert ids.max() >= count


def test_nothing_predicted_is_no_object() -> None:
    nothing = np.zeros((5, 6), np.float32)
    assert split_touching(nothing, nothing > 0, 3).max() == 0
    assert components_by_region(np.zeros((0, 0), bool), np.zeros((0, 0), np.int32)).shape == (0, 0)


def test_the_distance_is_half_the_median_diameter() -> None:
    label = np.zeros((60, 90), np.uint8)
    label[TOUCHING > 0] = 1
    label[50:52, 2] = 2
    scene = Scene("a", np.zeros((1, 60, 90), np.uint8), label, ("grey",), objects=TOUCHING)
    assert peak_distances([scene], 4) == (9, 2, 2)
