"""Distances to contours, and the boundary loss that they make."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from explorer.imagery.scene import IGNORE
from explorer.losses import LossSpec
from explorer.losses.contours import contour_distance
from explorer.losses.loss import build_loss
from tests.losses.cases import of_truth, random_case


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """To the contour along the edges of pixels, negative inside, by SciPy."""
    outside, inside = ndimage.distance_transform_edt(~mask), ndimage.distance_transform_edt(mask)
    return np.where(mask, 0.5 - inside, outside - 0.5)


@pytest.mark.parametrize("reach", [1.0, 2.5, 7.0, 200.0])
@pytest.mark.parametrize("shape", [(13, 17), (1, 9), (9, 1), (40, 3)])
def test_distances_are_scipys_up_to_the_reach(reach: float, shape: tuple[int, int]) -> None:
    masks = np.random.default_rng(0).random((2, 3, *shape)) < 0.15
    masks[..., 0, 0], masks[..., -1, -1] = True, False  # both sides show
    expected = [[np.minimum(np.abs(signed_distance(mask)) / reach, 1) for mask in image] for image in masks]
    found = contour_distance(torch.from_numpy(masks).double(), torch.ones(2, *shape), reach)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_where_one_side_is_missing_every_pixel_is_out_of_reach() -> None:
    masks = torch.stack([torch.zeros(4, 5), torch.ones(4, 5)])[None]
    assert (contour_distance(masks, torch.ones(1, 4, 5), 3) == 1).all()


def test_ignored_pixels_are_on_neither_side() -> None:
    mask = torch.tensor([0.0, 0, 1, 0, 0]).view(1, 1, 1, 5)
    weight = torch.tensor([1.0, 1, 1, 0, 1]).view(1, 1, 5)
    found = contour_distance(mask, weight, 2).flatten()
    assert found[[0, 1, 2, 4]].tolist() == [0.75, 0.25, 0.25, 0.75]


def test_without_a_cut_the_gradient_is_that_of_the_mean_of_signed_distance_times_probability() -> None:
    """The loss of Kervadec et al.; theirs differs by what the labels add, and by the unit of distance."""
    logits, labels = random_case(4, 3, (2, 12, 10), ignored=0)
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    value = build_loss(LossSpec(kind="boundary", alpha=1, reach=50))(ours, labels)
    phi = np.stack([[signed_distance(label.numpy() == k) for k in (1, 2)] for label in labels]) / 50
    expected = (torch.from_numpy(phi) * theirs.softmax(1)[:, 1:]).mean()
    inside = np.stack([[label.numpy() == k for k in (1, 2)] for label in labels])
    assert value.item() == pytest.approx(expected.item() - (phi * inside).mean(), rel=1e-10)
    value.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-14)


def test_a_false_alarm_costs_more_the_farther_it_lies_and_no_more_beyond_the_reach() -> None:
    label = torch.zeros(1, 5, 60, dtype=torch.long)
    label[0, :, 5] = 1
    costs = []
    for column in (6, 10, 24, 26, 50):
        said = label.clone()
        said[0, 2, column] = 1
        costs.append(300 * build_loss(LossSpec(kind="boundary", alpha=1))(of_truth(said, 2, 40), label).item())
    assert costs == pytest.approx([0.5 / 20, 4.5 / 20, 18.5 / 20, 1, 1])


def test_an_image_without_objects_costs_its_mean_probability() -> None:
    logits, labels = random_case(5, 2, (1, 8, 8))
    labels[labels == 1] = 0
    value = build_loss(LossSpec(kind="boundary", alpha=1))(logits, labels)
    assert value.item() == pytest.approx(logits.softmax(1)[:, 1][labels != IGNORE].mean().item(), rel=1e-12)
