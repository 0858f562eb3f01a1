"""The Loss lab's experiments say what the closed forms say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.losses.experiments import blind_spot, compare_misses, loss_curves
from explorer.losses.lab import objects_found, synthetic_label
from explorer.losses.spec import LossSpec

CE = LossSpec(kind="cross_entropy")
WEIGHTED = LossSpec(kind="weighted_cross_entropy", class_weights=(1, 9))
FOCAL = LossSpec(kind="focal", gamma=2)


@pytest.mark.parametrize(("objects", "side", "share"), [(1, 2, 0.001), (3, 4, 0.01), (50, 7, 0.1), (64, 4, 0.4)])
def test_a_field_has_the_objects_and_the_share_it_was_asked_for(objects: int, side: int, share: float) -> None:
    field = synthetic_label(objects, side, share)
    assert field.ids.max() == objects
    assert (np.bincount(field.ids.ravel())[1:] == side**2).all()
    assert field.share == pytest.approx(share, rel=0.2)
    inside = field.ids > 0
    assert (field.owners[inside] == field.ids[inside]).all()
    assert field.owners.min() >= 1


def test_curves_follow_the_closed_forms() -> None:
    ce, weighted, focal = loss_curves([CE, WEIGHTED, FOCAL], share=0.1, points=9)
    p = ce.probability
    np.testing.assert_allclose(ce.loss, -np.log(p))
    np.testing.assert_allclose(ce.object_pull, 1 - p)
    np.testing.assert_allclose(focal.loss, -((1 - p) ** 2) * np.log(p))
    share = synthetic_label(26, 4, 0.1).share
    scale = 1 / (1 - share + 9 * share)  # Σw/N in the mean over weights
    np.testing.assert_allclose(weighted.object_pull, 9 * scale * (1 - p), rtol=0.02)
    np.testing.assert_allclose(weighted.object_pull / weighted.background_pull, 9)


def test_a_confident_miss_gets_almost_no_pull_from_jaccard() -> None:
    (jaccard,) = loss_curves([LossSpec(kind="jaccard")], share=0.01, points=33)
    assert jaccard.object_pull[0] < 0.1 * jaccard.object_pull.max()


def test_only_an_object_wise_loss_tells_one_lost_object_from_fifty_nibbled_ones() -> None:
    field = synthetic_label(50, 9, 0.05)
    object_jaccard = LossSpec(kind="object_jaccard")
    (lost, nibbled), (ce, by_object) = compare_misses([CE, object_jaccard], field, 50, 50, confidence=0.9999)
    assert lost.sum() == nibbled.sum() == 50
    assert len(np.unique(field.ids[lost])) == 1
    assert len(np.unique(field.ids[nibbled])) == 50
    assert (objects_found(field, lost), objects_found(field, nibbled)) == (49, 50)
    assert ce.ratio == pytest.approx(1)
    assert by_object.ratio is not None
    assert by_object.ratio > 3


def test_cross_entropy_charges_missing_everything_by_the_share_of_the_foreground() -> None:
    field = synthetic_label(9, 6, 0.01)
    (blindness,) = blind_spot([CE], field, confidence=0.99)
    cost = blindness.against_false_alarms
    assert cost.first == pytest.approx(field.share * math.log(0.99 / 0.01))
    assert cost.ratio == pytest.approx(1)
    assert blindness.share == pytest.approx(field.share)
