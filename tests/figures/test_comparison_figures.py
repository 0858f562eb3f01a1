"""Several runs in one figure: each in its own colour, each loss on its own axis, nothing that only one run has."""

from __future__ import annotations

import numpy as np

from explorer.figures.colours import colours_of, run_colours
from explorer.figures.comparison import compared_losses_figure, compared_scores_figure
from explorer.figures.tradeoffs import AT_SLIDER, threshold_figure
from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores, Scores
from explorer.metrics.curves import PixelCurve
from explorer.runs.history import history
from explorer.training.events import PhaseChange, Started, Step, Validation
from tests.runs.tiny import tiny_plan

CURVE = PixelCurve(np.array([0.3, 0.6]), np.array([8, 5]), np.array([8, 0]), np.array([2, 5]))


def made(recall: float, **losses: float) -> object:
    scores = Scores(
        None, {1: ClassScores(PixelScores(0.5, recall, 0.3, 0.4), ObjectScores(0.1, 0.2, 0.3, 1, 2, 3))}
    )  # fmt: skip
    return history(
        [
            Started(0, "cpu", 10, (1.0, 5.0)),
            PhaseChange(0, 0, 0, "start"),
            Step(1, 0, 0, 0.9, losses, 1.0, 0.01, 0.1),
            Validation(1, 0, 0, scores, 64, 0.1),
        ],
        tiny_plan(4),
    )


def test_scores_of_runs_lie_over_each_other() -> None:
    figure = compared_scores_figure({"a": made(0.7), "b": made(0.9)}, colours_of("ab"), 1, "pixel")
    drawn = [(trace.name, trace.xaxis, tuple(trace.y), trace.line.color) for trace in figure.data]
    first, second = run_colours(2)
    assert drawn == [
        ("a", "x", (0.7,), first),
        ("b", "x", (0.9,), second),
        ("a", "x2", (0.5,), first),
        ("b", "x2", (0.5,), second),
    ]
    assert figure.layout.yaxis.title.text == "pixel recall"


def test_losses_that_all_runs_logged_have_an_axis_each() -> None:
    both = {"a": made(0.7, dice=0.4, focal=0.2), "b": made(0.9, dice=0.3)}
    figure = compared_losses_figure(both, colours_of("ab"))
    assert [(trace.name, tuple(trace.y)) for trace in figure.data] == [("a", (0.4,)), ("b", (0.3,))]
    assert [each.text for each in figure.layout.annotations] == ["Dice"]


def test_points_that_a_slider_moves_are_named() -> None:
    figure = threshold_figure({"b": CURVE}, {"a": 0.4, "b": 0.6}, "object", {"b": (1, "#123456")})
    moved = [trace for trace in figure.data if trace.meta]
    assert [trace.meta for trace in moved] == [f"{AT_SLIDER} 1"]
    assert (moved[0].x[0], moved[0].y[0]) == (0.5, 1.0)
    own = next(trace for trace in figure.data if trace.name == "b, own threshold")
    assert own.marker.color == "#123456"
    none = threshold_figure({"b": CURVE}, {"b": None}, "object", {"b": (0, "#123456")})
    assert "b, ½" in [trace.name for trace in none.data]
