"""Losses that count objects: what they are for, and who owns a false positive."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.imagery.objects import object_maps
from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec
from explorer.losses.lab import synthetic_label
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from tests.losses.cases import of_truth, random_case

OBJECT_JACCARD = build_loss(LossSpec(kind="object_jaccard"))


def cost(wrong: np.ndarray, synthetic, loss=OBJECT_JACCARD) -> float:
    """The loss of a segmenter that is certain everywhere and wrong on these pixels, for squares on a background."""
    label = torch.from_numpy(synthetic.label).long()[None]
    said = torch.where(torch.from_numpy(wrong)[None], 1 - label, label)
    maps = torch.from_numpy(synthetic.ids)[None], torch.from_numpy(synthetic.owners)[None, None]
    return loss.of(Prediction(of_truth(said, 2, 30), label, *maps)).item()


def test_one_pixel_of_each_of_fifty_objects_costs_far_less_than_half_of_one() -> None:
    synthetic = synthetic_label(50, 10, 0.05)
    half = (synthetic.ids == 7) & (np.cumsum(synthetic.ids == 7).reshape(synthetic.ids.shape) <= 50)
    one_each = np.zeros_like(half)
    one_each.flat[np.unique(synthetic.ids, return_index=True)[1][1:]] = True
    assert half.sum() == one_each.sum() == 50
    assert cost(half, synthetic) == pytest.approx(0.5**2 / 50, rel=1e-4)  # 0.005
    assert cost(one_each, synthetic) == pytest.approx(0.01**2, rel=1e-3)  # 0.0001
    for kind in ("cross_entropy", "focal", "jaccard", "dice", "lovasz", "object_cross_entropy"):
        loss = build_loss(LossSpec(kind=kind))
        assert cost(half, synthetic, loss) == pytest.approx(cost(one_each, synthetic, loss), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 1, 2])))
def test_every_pixel_is_owned_by_a_nearest_object_of_each_class(label: np.ndarray) -> None:
    maps = object_maps(label, 3)
    for class_id in (1, 2):
        pixels = np.argwhere(label == class_id)
        for place in np.ndindex(label.shape):
            owner = maps.owners[class_id - 1][place]
            if not len(pixels):
                assert owner == 0
                continue
            distances = np.hypot(*(pixels - place).T)
            ids = maps.ids[tuple(pixels.T)]
            assert distances[ids == owner].min() == distances.min()


def test_a_false_positive_counts_against_the_object_in_whose_cell_it_lies() -> None:
    label = torch.zeros(1, 9, 20, dtype=torch.long)
    label[0, 3:6, 1:4] = 1  # 9 pixels
    label[0, 3:6, 16:19] = 1
    near_first, near_second = label.clone(), label.clone()
    near_first[0, 0, 5:8] = 1
    near_second[0, 0, 13:16] = 1
    for said, owner in ((near_first, 1), (near_second, 2)):
        logits = of_truth(said, 2, 30).requires_grad_()
        value = OBJECT_JACCARD(logits, label)
        assert value.item() == pytest.approx((1 - 9 / 12) ** 2 / 2, rel=1e-6)
        _, owners, _ = Prediction(logits, label).objects
        assert (owners[0, 0][(said != label)[0]] == owner).all()


def test_false_alarms_without_an_object_in_sight_cost_their_probability() -> None:
    label = torch.zeros(1, 10, 10, dtype=torch.long)
    said = label.clone()
    said[0, 2:4, 2:5] = 1
    assert OBJECT_JACCARD(of_truth(said, 2, 30), label).item() == pytest.approx(0.06, rel=1e-6)
    outside = torch.full((1, 1, 10, 10), 5)  # cells of an object that the crop does not show
    prediction = Prediction(of_truth(said, 2, 30), label, torch.zeros_like(label), outside)
    assert OBJECT_JACCARD.of(prediction).item() == pytest.approx(0.06, rel=1e-6)


def test_object_cross_entropy_gives_every_object_the_same_weight_and_keeps_the_total() -> None:
    label = torch.zeros(1, 12, 12, dtype=torch.long)
    label[0, 0:6, 0:6] = 1  # 36 pixels
    label[0, 9, 9:11] = 1  # 2 pixels
    logits = torch.zeros(1, 2, 12, 12, dtype=torch.float64, requires_grad=True)
    value = build_loss(LossSpec(kind="object_cross_entropy"))(logits, label)
    assert value.item() == pytest.approx(math.log(2))
    (gradient,) = torch.autograd.grad(value, logits)
    toward = -gradient[0, 1]
    totals = [toward[0:6, 0:6].sum().item(), toward[9, 9:11].sum().item()]
    assert totals == pytest.approx([0.5 * 19 / 144] * 2)


def test_objects_of_a_crop_are_those_of_its_scene() -> None:
    """Ids and cells from the scene: an object cut in two by ignored pixels or by the crop stays one."""
    label = np.zeros((12, 12), dtype=np.uint8)
    label[4:8, 1:11] = 1
    label[4, 4:8] = 0
    maps = object_maps(label, 2)
    crop = np.s_[0:5, :]  # the upper edge of a U: two pieces of one object
    prediction = Prediction(
        torch.zeros(1, 2, 5, 12, dtype=torch.float64),
        torch.from_numpy(label[crop])[None],
        torch.from_numpy(maps.ids[crop])[None],
        torch.from_numpy(maps.owners[:, *crop])[None],
    )
    ids, owners, bound = prediction.objects
    assert ids.unique().tolist() == [0, 1]
    assert owners.unique().tolist() == [1]
    assert bound == 2


def test_maps_and_their_bound_may_be_given() -> None:
    logits, labels = random_case(0, 3, (3, 12, 12))
    maps = [object_maps(label.numpy().astype(np.uint8), 3) for label in labels]
    given = [torch.from_numpy(np.stack([getattr(m, name) for m in maps])) for name in ("ids", "owners")]
    assert Prediction(logits, labels).objects[2] == 1 + given[0].max()
    for kind in ("object_jaccard", "object_cross_entropy"):
        loss = build_loss(LossSpec(kind=kind))
        expected = loss(logits, labels).item()
        assert loss.of(Prediction(logits, labels, *given)).item() == pytest.approx(expected, rel=1e-12)
        assert loss.of(Prediction(logits, labels, *given, id_bound=999)).item() == pytest.approx(expected, rel=1e-12)


def test_ignored_pixels_of_an_object_do_not_count_in_its_area() -> None:
    label = torch.zeros(1, 6, 6, dtype=torch.long)
    label[0, 1:5, 1:5] = 1
    maps = Prediction(torch.zeros(1, 2, 6, 6), label).objects[:2]
    said = label.clone()
    said[0, 1] = 0
    label[0, 1] = IGNORE  # the missed row
    assert OBJECT_JACCARD.of(Prediction(of_truth(said, 2, 30), label, *maps)).item() == pytest.approx(0, abs=1e-12)
