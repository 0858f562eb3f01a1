"""The histogram's counts against counting at each threshold, and against torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torchmetrics.functional.classification import binary_precision_recall_curve

from explorer.imagery.scene import IGNORE
from explorer.metrics.pixel_histogram import PixelHistogram


def case(seed: int, classes: int, shape: tuple[int, int, int] = (3, 12, 12)) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(shape[0], classes, *shape[1:], generator=random)
    labels = torch.randint(0, classes, shape, generator=random)
    labels[torch.rand(shape, generator=random) < 0.2] = IGNORE
    return logits.softmax(1), labels


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 4), bins=st.sampled_from([2, 5, 101]))
def test_counts_at_every_threshold(seed: int, classes: int, bins: int) -> None:
    probabilities, labels = case(seed, classes)
    histogram = PixelHistogram(classes, bins=bins)
    histogram.update(probabilities, labels)
    for class_id in range(classes):
        curve = histogram.curve(class_id)
        p = probabilities[:, class_id][labels != IGNORE].numpy()
        true = labels[labels != IGNORE].numpy() == class_id
        for i, threshold in enumerate(curve.thresholds):
            said = p >= threshold
            hits, false, missed = (said & true).sum(), (said & ~true).sum(), (~said & true).sum()
            counts = curve.counts(i)
            assert (counts.true_positives, counts.false_positives, counts.false_negatives) == (hits, false, missed)
            scores = counts.scores()
            for name in ("precision", "recall", "iou", "f1"):
                expected = getattr(scores, name)
                value = getattr(curve, name)[i]
                assert np.isnan(value) if expected is None else value == pytest.approx(expected, rel=1e-12)


def test_torchmetrics_counts_the_same() -> None:
    probabilities, labels = case(0, 2, (4, 32, 32))
    histogram = PixelHistogram(2)
    histogram.update(probabilities, labels)
    curve = histogram.curve(1)
    here = np.arange(1, 1000, 50)
    middles = ((probabilities[:, 1] * 1000).floor() + 0.5) / 1000  # of each pixel's bin: no rounding can matter
    precision, recall, _ = binary_precision_recall_curve(
        middles, labels, thresholds=torch.from_numpy(here).float() / 1000, ignore_index=IGNORE
    )
    torch.testing.assert_close(torch.from_numpy(curve.precision[here]).float(), precision[:-1])
    torch.testing.assert_close(torch.from_numpy(curve.recall[here]).float(), recall[:-1])


def test_pieces_add_up_to_the_whole() -> None:
    probabilities, labels = case(1, 3)
    whole, pieces = PixelHistogram(3), PixelHistogram(3)
    whole.update(probabilities, labels)
    for n in range(len(labels)):
        for columns in (slice(0, 5), slice(5, None)):
            pieces.update(probabilities[n : n + 1, ..., columns], labels[n : n + 1, ..., columns].to(torch.uint8))
    for class_id in range(3):
        for name in ("true_positives", "false_positives", "false_negatives"):
            assert (getattr(whole.curve(class_id), name) == getattr(pieces.curve(class_id), name)).all()


def test_certain_probabilities_fall_in_the_outer_bins() -> None:
    histogram = PixelHistogram(2, bins=11)
    foreground = torch.tensor([[[1.0, 0.0, float("nan"), 1.0]]])
    histogram.update(torch.stack([1 - foreground, foreground], 1), torch.tensor([[[1, 0, 1, IGNORE]]]))
    curve = histogram.curve(1)
    assert curve.true_positives.tolist() == [2] + [1] * 10  # what is not a number is never above 0
    assert curve.false_positives.tolist() == [1] + [0] * 10
    assert curve.at(0.52) == 5


def test_undefined_is_not_a_number() -> None:
    histogram = PixelHistogram(2)
    empty = histogram.curve(1)
    for name in ("precision", "recall", "iou", "f1"):
        assert np.isnan(getattr(empty, name)).all()
    histogram.update(torch.full((1, 2, 4, 4), 0.5), torch.zeros(1, 4, 4, dtype=torch.long))
    curve = histogram.curve(1)
    assert np.isnan(curve.recall).all()
    assert np.isnan(curve.precision[501:]).all()
    assert (curve.precision[:501] == 0).all()


def test_shapes_that_do_not_belong_together() -> None:
    with pytest.raises(ValueError, match=r"probabilities must be \(N, 2, H, W\)"):
        PixelHistogram(2).update(torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))


def test_counting_stays_on_the_device() -> None:
    with FakeTensorMode(), torch.device("meta"):
        histogram = PixelHistogram(3, "meta")
        histogram.update(torch.empty(2, 3, 8, 8), torch.empty(2, 8, 8, dtype=torch.uint8))
