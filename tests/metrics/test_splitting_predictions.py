"""Predictions that touch come apart along lines, specks go, and one cut holds at every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from explorer.imagery.match_rule import MatchRule
from explorer.imagery.objects import connected_components, median_diameter
from explorer.metrics import splitting_predictions
from explorer.metrics.class_map import classes_at, in_thousandths
from explorer.metrics.curves import sweep_objects
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import count_objects
from explorer.metrics.splitting_predictions import (
    ObjectCut,
    cut_classes,
    cut_thousandths,
    find_lines,
    find_regions,
    without_specks,
)


def discs(centres: list[tuple[int, int]], radius: int, shape: tuple[int, int] = (60, 90)) -> np.ndarray:
    """An id a disc; where two overlap, the nearer centre has it."""
    rows, columns = np.indices(shape)
    distances = np.stack([np.hypot(rows - r, columns - c) for r, c in centres])
    return np.where(distances.min(0) <= radius, distances.argmin(0) + 1, 0).astype(np.int32)


def with_background(foreground: np.ndarray) -> np.ndarray:
    return np.stack([1 - foreground, foreground]).astype(np.float32)


TOUCHING = discs([(30, 20), (30, 37), (30, 54), (12, 74)], 9)
DIAMETER = 19.0


def test_touching_discs_come_apart_and_each_finds_its_own() -> None:
    label = (TOUCHING > 0).astype(np.uint8)
    objects = find_label_objects(label, 1, TOUCHING)
    for probability in (label.astype(np.float32), ndimage.gaussian_filter(label.astype(np.float32), 2)):
        probabilities = with_background(probability)
        classes = classes_at(probabilities, (0.5,))
        assert connected_components(classes == 1)[1] == 2
        assert count_objects(match(classes == 1, objects), 8).true_positives == 1, "three are one component"
        cut = cut_classes(classes, probabilities, [ObjectCut(DIAMETER)])
        counts = count_objects(match(cut == 1, objects), 8)
        assert (counts.true_positives, counts.false_positives) == (4, 0)
        assert 0 < np.count_nonzero(classes) - np.count_nonzero(cut) <= 2 * 14, (
            "two lines, each about 10 long and one pixel wide"
        )


def test_one_large_object_stays_whole() -> None:
    square = np.zeros((60, 60), np.uint16)
    square[15:45, 15:45] = 1000
    for diameter in (10.0, 34.0, 100.0):
        assert not find_lines(square, diameter).any()


def test_everything_predicted_is_one_object() -> None:
    everywhere = np.full((20, 30), 990, np.uint16)
    assert not find_lines(everywhere, 10.0).any()
    assert not find_lines(np.zeros((20, 30), np.uint16), 10.0).any()


def test_one_cut_serves_every_threshold() -> None:
    values = in_thousandths(ndimage.gaussian_filter((TOUCHING > 0).astype(np.float32), 2))
    objects = find_label_objects((TOUCHING > 0).astype(np.uint8), 1, TOUCHING)
    thresholds = np.array([300.0, 500.0, 700.0])
    cut = cut_thousandths(values, ObjectCut(DIAMETER)).astype(np.float32)
    assert sweep_objects(cut, objects, thresholds).curve(8).true_positives.tolist() == [4, 4, 4]
    assert sweep_objects(values.astype(np.float32), objects, thresholds).curve(8).true_positives.tolist()[0] == 1


def test_of_two_neighbours_the_less_probable_pixel_goes() -> None:
    # one row of pixels: two mounds that meet; 400 is the lowest between them, and beside it 500 of the other mound
    row = np.array([0, 0, 600, 900, 990, 900, 600, 400, 500, 900, 990, 900, 600, 0, 0], np.uint16)
    values = np.repeat(row[None], 1, axis=0)
    values = np.pad(values, ((3, 3), (0, 0)))
    values[2] = values[4] = values[3]
    lines = find_lines(values, 5.0)
    assert set(values[lines].tolist()) == {400}
    assert connected_components((values >= 300) & ~lines)[1] == 2


def test_specks_go_and_what_is_large_enough_stays() -> None:
    mask = np.zeros((10, 12), bool)
    mask[1:3, 1:3] = mask[5:7, 1:4] = True
    mask[3, 3] = True  # at the corner of the first one: 5 pixels
    assert np.count_nonzero(without_specks(mask, 5)) == 11
    assert np.count_nonzero(without_specks(mask, 6)) == 6
    assert not without_specks(mask, 7).any()
    assert without_specks(mask, 1).sum() == 11


def test_a_class_is_cut_where_it_won_and_no_other_is() -> None:
    probabilities = np.zeros((3, 6, 12), np.float32)
    probabilities[1, 1:3, 1:4], probabilities[2, 1:3, 4:10] = 0.9, 0.9
    probabilities[2, 4, 1] = 0.9
    probabilities[0] = 1 - probabilities[1:].sum(0)
    classes = classes_at(probabilities, None)
    cut = cut_classes(classes, probabilities, [ObjectCut(smallest=7), ObjectCut(smallest=2)])
    assert (np.count_nonzero(cut == 1), np.count_nonzero(cut == 2)) == (0, 12)
    assert np.array_equal(cut_classes(classes, probabilities, ()), classes)
    kept = cut_classes(classes, probabilities, [ObjectCut(smallest=6), ObjectCut()])
    assert np.array_equal(kept, classes)


PROBABILITIES = hnp.arrays(np.uint16, (12, 14), elements=st.sampled_from([0, 10, 300, 301, 600, 1000]))


@settings(max_examples=60, deadline=None)
@given(PROBABILITIES, st.floats(2, 12), st.integers(1, 8), st.sampled_from([0.3, 0.5, 0.9]))
def test_the_components_after_a_cut_are_the_objects(values, diameter, smallest, threshold) -> None:
    probabilities = with_background(values / np.float32(1000))
    values = in_thousandths(probabilities[1])
    classes = classes_at(probabilities, (threshold,))
    cut = cut_classes(classes, probabilities, [ObjectCut(diameter, smallest)])
    assert not (cut > classes).any(), "nothing is added"
    ids, count = connected_components(cut == 1)
    regions = find_regions(values, diameter)
    whole = connected_components(classes == 1)[0]
    for i in range(1, count + 1):
        assert np.count_nonzero(ids == i) >= smallest
        assert len(np.unique(whole[ids == i])) == 1, "nothing is joined"
        assert len(np.unique(regions[ids == i][regions[ids == i] > 0])) <= 1, "no object is in two regions"
    in_sweep = cut_thousandths(values, ObjectCut(diameter, smallest)) >= threshold * 1000
    np.testing.assert_array_equal(in_sweep, cut == 1)


def test_points_that_merged_are_found_by_their_peaks() -> None:
    centres = [(20, 20), (20, 28), (28, 24), (40, 60)]
    rows, columns = np.indices((60, 90))
    probability = np.max([np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 12) for r, c in centres], axis=0)
    points = discs(centres, 2)
    objects = find_label_objects((points > 0).astype(np.uint8), 1, points)
    rule, probabilities = MatchRule.parse("centroid:3"), with_background(probability)
    classes = classes_at(probabilities, (0.2,))
    assert count_objects(match(classes == 1, objects, rule), 1).true_positives < 4
    cut = cut_classes(classes, probabilities, [ObjectCut(6.0)])
    assert count_objects(match(cut == 1, objects, rule), 1).true_positives == 4


@pytest.mark.parametrize(("areas", "wanted"), [([], 0.0), ([314], 20.0), ([3, 314, 900], 20.0), ([1], 1.1)])
def test_the_diameter_is_that_of_the_median_area(areas: list[int], wanted: float) -> None:
    assert median_diameter(np.array(areas, np.int64)) == pytest.approx(wanted, abs=0.05)


def test_blocks_of_a_large_scene_separate_the_same_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, columns = np.mgrid[:90, :150]
    middles = [(row, column) for row in range(8, 90, 14) for column in range(8, 150, 13)]  # of discs that touch
    near = np.min([np.hypot(rows - row, columns - column) for row, column in middles], axis=0)
    values = np.where(near < 7.6, 1000 - 60 * near, 0).astype(np.uint16)

    def separated() -> int:
        counted: list[int] = []
        lines = splitting_predictions.find_lines(values, 14.0, lambda: counted.append(1))
        assert len(counted) == splitting_predictions.blocks_of(values.shape)
        return connected_components((values > 0) & ~lines)[1]

    assert connected_components(values > 0)[1] < len(middles)
    assert separated() == len(middles)
    monkeypatch.setattr(splitting_predictions, "_BLOCK", 48)
    assert splitting_predictions.blocks_of(values.shape) == 8
    assert separated() == len(middles), "also where a border of blocks cuts them"
