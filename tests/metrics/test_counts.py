import pytest

from explorer.metrics.counts import ObjectCounts, ObjectScores, PixelCounts, PixelScores


@pytest.mark.parametrize(
    ("hits", "false", "missed", "expected"),
    [
        (0, 0, 0, PixelScores(None, None, None, None)),
        (0, 0, 5, PixelScores(None, 0.0, 0.0, 0.0)),  # nothing predicted
        (0, 5, 0, PixelScores(0.0, None, 0.0, 0.0)),  # nothing there
        (6, 2, 4, PixelScores(0.75, 0.6, 0.5, 12 / 18)),
    ],
)
def test_pixel_scores(hits, false, missed, expected):
    assert PixelCounts(hits, false, missed).scores() == expected


@pytest.mark.parametrize(
    ("counts", "expected", "qualities"),
    [
        (ObjectCounts(), ObjectScores(None, None, None, 0, 0, 0), (None, None, None)),
        (ObjectCounts(0, 0, 3), ObjectScores(None, 0.0, 0.0, 0, 0, 3), (None, 0.0, 0.0)),
        (ObjectCounts(0, 2, 0), ObjectScores(0.0, None, 0.0, 0, 2, 0), (None, 0.0, 0.0)),
        (ObjectCounts(3, 1, 2, 2.4), ObjectScores(0.75, 0.6, 6 / 9, 3, 1, 2), (0.8, 6 / 9, 0.8 * 6 / 9)),
    ],
)
def test_object_scores_and_panoptic_quality(counts, expected, qualities):
    assert counts.scores() == expected
    parts = (counts.segmentation_quality, counts.recognition_quality, counts.panoptic_quality)
    assert parts == pytest.approx(qualities)


def test_counts_of_two_scenes_are_pooled_by_adding():
    assert ObjectCounts(1, 2, 3, 0.5) + ObjectCounts(4, 5, 6, 0.25) == ObjectCounts(5, 7, 9, 0.75)
