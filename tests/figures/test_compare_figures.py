"""Figures of Compare: a panel a quantity, seeds as a band, pictures that move together, and tiles of objects."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.compared_curves import Quantity, RunLook, curves_figure, curves_height
from explorer.figures.object_tiles import part_pictures, surroundings, tile_picture
from explorer.figures.outcome_grid import Pane, grid_figure, grid_height
from explorer.imagery.scene import Scene, Stretch
from explorer.runs.compared_curves import lines_of

X = np.array([0.0, 10.0, 20.0])
LOOKS = {
    ("a",): RunLook("one <b>", "#0072B2"),
    ("b",): RunLook("two", "#E69F00"),
    ("c",): RunLook("three", "#009E73"),
    ("a", "b"): RunLook("one <b> (n = 2 seeds)", "#0072B2"),
}


def quantity(
    title: str, is_score: bool, reach: float = 0.0, groups: tuple[tuple[str, ...], ...] = (("a",), ("b",))
) -> Quantity:
    values = {"a": [0.1, 0.5, 0.4], "b": [0.2, 0.1, 0.3], "c": [0.3, 0.3, 0.1]}
    curves = {name: (X, np.array(each)) for name, each in values.items()}
    return Quantity(title, lines_of(groups, curves, reach, is_score), is_score)


def test_no_two_quantities_share_an_axis_and_all_have_one_x_range() -> None:
    names = ["object recall", "Dice", "Focal", "Tversky"]
    panels = [quantity(name, name == "object recall") for name in names]
    figure = curves_figure(panels, LOOKS, "step", 20, log=True)
    assert [annotation.text for annotation in figure.layout.annotations] == names
    axes = [f"yaxis{number}" if number > 1 else "yaxis" for number in range(1, 5)]
    assert [figure.layout[axis].type for axis in axes] == [None, "log", "log", "log"]
    x_axes = [axis.replace("y", "x", 1) for axis in axes]
    assert len({figure.layout[axis].range for axis in x_axes}) == 1
    assert figure.layout.height == curves_height(4)
    for number in range(4):
        axis = f"y{number + 1}" if number else "y"
        assert sum(trace.yaxis == axis and trace.line.width == 2 for trace in figure.data) == 2
    linear = curves_figure(panels, LOOKS, "step", 20, log=False)
    assert linear.layout.yaxis2.type is None


def test_each_run_is_in_the_legend_once_and_its_name_is_no_markup() -> None:
    figure = curves_figure([quantity("recall", True), quantity("Dice", False)], LOOKS, "step", 20, log=True)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["one &lt;b&gt;", "two"]


def test_stars_mark_the_best_measured_value_and_what_was_measured_stays_pale() -> None:
    figure = curves_figure(
        [quantity("recall", True, reach=15), quantity("Dice", False, reach=15)], LOOKS, "step", 20, True
    )
    stars = [(trace.x[0], trace.y[0]) for trace in figure.data if trace.marker.symbol == "star"]
    assert stars == [(10, 0.5), (20, 0.3), (0, 0.1), (10, 0.1)]
    assert sum(trace.opacity == 0.3 for trace in figure.data) == 4
    plain = curves_figure([quantity("recall", True)], LOOKS, "step", 20, log=True)
    assert not [trace for trace in plain.data if trace.opacity == 0.3], "nothing is smoothed"


def test_a_band_reaches_from_lowest_to_highest() -> None:
    figure = curves_figure([quantity("recall", True, groups=(("a", "b"), ("c",)))], LOOKS, "step", 20, log=True)
    low, high = figure.data[:2]
    assert list(low.y) == [0.1, 0.1, 0.3]
    assert list(high.y) == [0.2, 0.5, 0.4]
    assert high.fill == "tonexty"
    assert [trace.name for trace in figure.data if trace.showlegend] == ["one &lt;b&gt; (n = 2 seeds)", "three"]


def test_a_run_of_a_group_without_a_band_has_its_own_name() -> None:
    lines = lines_of([["a", "b"]], {"a": (X, np.array([0.1, 0.5, 0.4])), "b": (np.empty(0), np.empty(0))}, 0.0, True)
    figure = curves_figure([Quantity("recall", lines, True)], LOOKS, "step", 20, log=True)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["one &lt;b&gt;"]


def test_pictures_move_together_and_lie_on_the_pixels_of_the_scene() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    panes = [Pane(name, picture) for name in ("image", "label", "a run with a name that is long", "b", "c")]
    figure = grid_figure(panes, columns=4, origin=(100, 200), size=(20, 40))
    assert len(figure.data) == 5
    assert tuple(figure.layout.xaxis.range) == (200, 240)
    assert tuple(figure.layout.yaxis.range) == (120, 100), "row 0 is above"
    assert {figure.layout[f"xaxis{number}"].matches for number in range(2, 6)} == {"x"}
    assert {figure.layout[f"yaxis{number}"].matches for number in range(2, 6)} == {"y"}
    assert (figure.data[0].x0, figure.data[0].dx) == (200.25, 0.5), "edges of pixels at whole numbers"
    assert figure.layout.xaxis5.domain[0] == 0, "the second row"
    assert figure.layout.yaxis5.domain[1] < figure.layout.yaxis.domain[0]
    _, per_width = grid_height(panes, 4, (20, 40))
    assert per_width == pytest.approx(2 / 4 * 20 / 40)
    assert grid_height(panes, 4, (512, 1))[1] <= 2, "a part of one column is no figure of thousands of pixels"


@pytest.mark.parametrize(
    ("row", "column", "area", "expected"),
    [
        (50, 50, 100, (35, 35, 32, 32)),
        (2, 99, 100, (0, 68, 32, 32)),
        (50, 50, 400, (20, 20, 60, 60)),
        (50, 50, 10_000, (0, 0, 100, 100)),
    ],
)
def test_surroundings_lie_inside_the_scene(row: float, column: float, area: int, expected: tuple[int, ...]) -> None:
    top, left, height, width = surroundings((100, 100), row, column, area)
    assert (height, width) == expected[2:]
    assert abs(top - expected[0]) <= 1
    assert abs(left - expected[1]) <= 1
    assert top + height <= 100
    assert left + width <= 100


def test_tiles_show_image_and_outcomes_side_by_side() -> None:
    label = np.zeros((64, 64), np.uint8)
    label[30:34, 30:34] = 1
    scene = Scene("s", np.full((3, 64, 64), 90, np.uint8), label, ("r", "g", "b"))
    masks = [label == 1, np.zeros(label.shape, bool)]
    part = top, left, height, width = surroundings(scene.size, 31.5, 31.5, 16)
    masks = [mask[top : top + height, left : left + width] for mask in masks]
    pictures = part_pictures(scene, Stretch((0,) * 3, (255,) * 3), masks, 1, part, 128)
    assert [each.shape for each in pictures] == [(128, 128, 3)] * 3
    middle = [tuple(int(v) for v in each[64, 64]) for each in pictures]
    assert middle[1][2] > middle[1][0], "a hit is blue"
    assert middle[2][0] > middle[2][2], "a miss is orange"
    assert tile_picture(pictures).shape == (128, 3 * 128 + 2 * 3, 3)
