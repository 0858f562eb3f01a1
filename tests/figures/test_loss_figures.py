"""Figures of the Loss lab: panels in even rows, exact outlines, shares that sum to 100, gaps for undefined values."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.loss_gradients import (
    cosines_figure,
    gradient_maps_figure,
    gradient_shares,
    gradient_shares_figure,
    outline,
)
from explorer.figures.loss_lab import (
    all_background_figure,
    curves_figure,
    excess_loss_figure,
    in_rows,
    synthetic_label_picture,
)
from explorer.losses.lab import AllBackgroundLoss, Cost, GradientMaps, LossCurve, synthetic_label
from explorer.losses.spec import LossSpec

CE, JACCARD = LossSpec(kind="cross_entropy"), LossSpec(kind="jaccard")


def maps(gradients: np.ndarray | None = None) -> GradientMaps:
    """Two losses on four pixels: a hit, a miss, a false alarm, and background that is right."""
    label = np.array([[1, 1], [0, 0]], np.uint8)
    foreground = np.array([[0.9, 0.2], [0.8, 0.1]], np.float32)
    if gradients is None:
        away = np.stack([np.array([[1, 3], [4, 2]]), np.zeros((2, 2))]).astype(np.float32)
        gradients = np.stack([-away, away], axis=1)
    return GradientMaps(
        (CE, JACCARD),
        label,
        label.astype(np.int32),
        np.stack([1 - foreground, foreground]),
        gradients,
        np.ones(2),
        np.array([[1, np.nan]] * 2),
    )


@pytest.mark.parametrize(("count", "shape"), [(1, (1, 1)), (4, (1, 4)), (5, (2, 3)), (8, (2, 4)), (11, (3, 4))])
def test_rows_are_as_even_as_they_can_be(count: int, shape: tuple[int, int]) -> None:
    assert in_rows(count) == shape


@pytest.mark.parametrize("count", [1, 5, 7, 11])
def test_panels_fill_the_width_of_every_row(count: int) -> None:
    curve = LossCurve(CE, np.array([0.5]), np.array([0.7]), np.array([0.5]), np.array([0.5]))
    layout = curves_figure([curve] * count).layout
    rows, columns = in_rows(count)
    for row in range(rows):
        last = min((row + 1) * columns, count)
        assert layout[f"xaxis{2 * row * columns + 1}"].domain[0] == pytest.approx(0)
        assert layout[f"xaxis{2 * last}"].domain[1] == pytest.approx(1)


def test_an_outline_runs_between_pixels() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 3] = True
    x, y = outline(mask)
    edges = {frozenset(zip(x[i : i + 2], y[i : i + 2], strict=True)) for i in range(0, len(x), 3)}
    corners = [(2.5, 1.5), (3.5, 1.5), (3.5, 2.5), (2.5, 2.5)]
    assert edges == {frozenset((corners[i - 1], corners[i])) for i in range(4)}
    assert np.isnan(x[2::3]).all()


def test_gradient_shares_sum_to_100_and_are_nan_without_a_gradient() -> None:
    shares = gradient_shares(maps())
    np.testing.assert_allclose(shares[0], [10, 30, 40, 0, 20])
    assert np.isnan(shares[1]).all()
    assert [bar.name for bar in gradient_shares_figure(maps()).data] == [
        "hit",
        "miss",
        "false alarm",
        "true background",
    ]


def test_each_loss_has_a_map_on_its_own_symmetric_scale() -> None:
    figure = gradient_maps_figure(maps(), 1, np.zeros((2, 2, 3), np.uint8), pixel=(1, 0))
    heatmaps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(heatmaps) == 3, "the probability, then the losses"
    assert heatmaps[1].zmin == -heatmaps[1].zmax
    assert heatmaps[1].zmax == pytest.approx(4, rel=0.01)
    assert heatmaps[2].zmax == 1, "a loss without a gradient still has a scale"
    assert cosines_figure(maps()).data[0].zmin == -1


def test_a_loss_of_zero_has_no_ratio() -> None:
    zero, double = Cost(CE, 0.0, 1.0), Cost(JACCARD, 2.0, 1.0)
    bar = excess_loss_figure([zero, double], "one", "other").data[0]
    assert bar.x[0] is None
    assert tuple(bar.text) == ("n/a", "×2")
    assert "(n/a)" in bar.y[0]
    blind = all_background_figure([AllBackgroundLoss(double, 4.0), AllBackgroundLoss(zero, 0.0)]).data[0]
    assert tuple(blind.text) == ("50 %", "n/a")


def test_a_field_shows_missed_pixels_in_another_colour() -> None:
    field = synthetic_label(4, 2, 0.25)
    missed = np.zeros_like(field.label, dtype=bool)
    missed[tuple(np.argwhere(field.label)[0])] = True
    picture = synthetic_label_picture(field, missed)
    assert min(picture.shape[:2]) >= 480
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 3
