"""The Loss lab's experiments agree with closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.losses.experiments import compare_misses, cost_of_finding_nothing, loss_curves
from explorer.losses.lab import objects_found, synthetic_label
from explorer.losses.spec import LossSpec

CE = LossSpec(kind="cross_entropy")
WEIGHTED = LossSpec(kind="weighted_cross_entropy", class_weights=(1, 9))
FOCAL = LossSpec(kind="focal", gamma=2)


@pytest.mark.parametrize(("objects", "side", "share"), [(1, 2, 0.001), (3, 4, 0.01), (50, 7, 0.1), (64, 4, 0.4)])
def test_a_label_has_the_wanted_objects_and_share(objects: int, side: int, share: float) -> None:
    synthetic = synthetic_label(objects, side, share)
    assert synthetic.ids.max() == objects
    assert (np.bincount(synthetic.ids.ravel())[1:] == side**2).all()
    assert synthetic.share == pytest.approx(share, rel=0.2)
    inside = synthetic.ids > 0
    assert (synthetic.owners[inside] == synthetic.ids[inside]).all()
    assert synthetic.owners.min() >= 1


def test_curves_follow_the_closed_forms() -> None:
    ce, weighted, focal = loss_curves([CE, WEIGHTED, FOCAL], share=0.1, points=9)
    p = ce.probability
    np.testing.assert_allclose(ce.loss, -np.log(p))
    np.testing.assert_allclose(ce.object_gradient, 1 - p)
    np.testing.assert_allclose(focal.loss, -((1 - p) ** 2) * np.log(p))
    share = synthetic_label(26, 4, 0.1).share
    scale = 1 / (1 - share + 9 * share)  # Σw/N in the mean over weights
    np.testing.assert_allclose(weighted.object_gradient, 9 * scale * (1 - p), rtol=0.02)
    np.testing.assert_allclose(weighted.object_gradient / weighted.background_gradient, 9)


def test_a_confident_miss_gets_almost_no_gradient_from_jaccard() -> None:
    (jaccard,) = loss_curves([LossSpec(kind="jaccard")], share=0.01, points=33)
    assert jaccard.object_gradient[0] < 0.1 * jaccard.object_gradient.max()


def test_only_an_object_wise_loss_tells_one_lost_object_from_a_pixel_of_fifty() -> None:
    synthetic = synthetic_label(50, 9, 0.05)
    object_jaccard = LossSpec(kind="object_jaccard")
    (lost, one_each), (ce, by_object) = compare_misses([CE, object_jaccard], synthetic, 50, 50, confidence=0.9999)
    assert lost.sum() == one_each.sum() == 50
    assert len(np.unique(synthetic.ids[lost])) == 1
    assert len(np.unique(synthetic.ids[one_each])) == 50
    assert (objects_found(synthetic, lost), objects_found(synthetic, one_each)) == (49, 50)
    assert ce.ratio == pytest.approx(1)
    assert by_object.ratio is not None
    assert by_object.ratio > 3


def test_under_cross_entropy_finding_nothing_costs_the_foreground_share() -> None:
    synthetic = synthetic_label(9, 6, 0.01)
    (nothing,) = cost_of_finding_nothing([CE], synthetic, confidence=0.99)
    cost = nothing.against_false_alarms
    assert cost.first == pytest.approx(synthetic.share * math.log(0.99 / 0.01))
    assert cost.ratio == pytest.approx(1)
    assert nothing.share == pytest.approx(synthetic.share)
