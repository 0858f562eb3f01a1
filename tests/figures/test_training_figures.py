"""Figures of a run: one axis per loss, bands for phases, gaps for undefined values, readable log axes."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.colours import FALSE_ALARM, HIT, MISS
from explorer.figures.outcome import outcome_picture
from explorer.figures.training import (
    log_ticks,
    other_losses_figure,
    rates_figure,
    schedule_figure,
    scores_figure,
    trained_loss_figure,
)
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores, Scores
from explorer.runs.history import history
from explorer.training.events import PhaseChange, Step, Validation
from explorer.training.plan import Phase, Plan, Trigger
from explorer.training.presets import preset_plan
from explorer.training.schedule import Position, effective_learning_rate

PLAN = Plan(phases=(Phase(loss=LossSpec(kind="dice"), steps=3), Phase(loss=LossSpec(kind="jaccard"), steps=3)))


def steps(*values: float | None) -> list[Step]:
    return [
        Step(number, (number - 1) // 3, 0, value, {"dice": value, "jaccard": 0.5}, 1.0, 1e-3, number / 10)
        for number, value in enumerate(values, start=1)
    ]


HISTORY = history(
    [
        PhaseChange(0, 0, 0, "start"),
        *steps(0.9, None, 0.7, 0.6, 0.5, 0.4)[:3],
        PhaseChange(3, 1, 0, "length"),
        *steps(0.9, None, 0.7, 0.6, 0.5, 0.4)[3:],
    ],
    PLAN,
)


def test_trained_loss_breaks_at_the_phase_and_leaves_a_gap_for_nan() -> None:
    figure = trained_loss_figure(HISTORY, PLAN.steps)
    assert [trace.name for trace in figure.data] == [LOSSES["dice"].name, LOSSES["jaccard"].name]
    assert list(figure.data[0].x) == [1, 2, 3]
    assert np.isnan(figure.data[0].y[1])
    assert [shape.fillcolor for shape in figure.layout.shapes] == [LOSSES["dice"].color, LOSSES["jaccard"].color]


def test_every_loss_has_an_axis_of_its_own() -> None:
    figure = other_losses_figure(HISTORY, PLAN.steps)
    axes = [trace.yaxis for trace in figure.data]
    assert len(set(axes)) == len(axes) == 2


def test_undefined_score_is_a_gap() -> None:
    undefined = ClassScores(PixelScores(None, 0.0, 0.0, 0.0), ObjectScores(None, 0.0, 0.0, 0, 0, 3))
    validation = Validation(2, 0, 0, Scores(0.5, {0: undefined, 1: undefined}), 100, 0.1)
    figure = scores_figure(history([PhaseChange(0, 0, 0, "start"), validation], PLAN), 1, "car", PLAN.steps)
    by_name = {trace.name: trace.y[0] for trace in figure.data}
    assert np.isnan(by_name["pixel precision"])
    assert by_name["pixel recall"] == 0.0


def test_schedule_covers_all_cycles() -> None:
    plan = preset_plan("recall_first")
    figure = schedule_figure(plan, history([PhaseChange(0, 0, 0, "start"), *steps(*[1.0] * 7)], plan))
    assert figure.data[0].x[-1] == plan.steps
    assert len(figure.layout.shapes) == len(plan.phases) * plan.cycles + 1  # and where the run is


TRIGGERED = Plan(
    phases=(
        Phase(loss=LossSpec(kind="dice"), learning_rate=4e-3, steps=40, warmup_steps=4, decay="cosine",
              trigger=Trigger()),
        Phase(loss=LossSpec(kind="jaccard"), learning_rate=1e-3, steps=20, decay="cosine"),
    ),
    carry_over=True,
)  # fmt: skip
FIRED = "trigger: pixel recall of class 1 0.920 ≥ 0.9"


def test_schedule_shows_the_fall_of_the_rate_in_each_phase() -> None:
    line = schedule_figure(TRIGGERED).data[0]
    rates = dict(zip(line.x, line.y, strict=True))
    assert rates[0] == pytest.approx(1e-3)
    assert rates[4] == pytest.approx(4e-3)
    assert rates[22] == pytest.approx(2e-3)  # half of the 36 steps after the warm-up
    assert rates[60] == pytest.approx(0, abs=1e-9)
    assert line.y[list(line.x).index(40) + 1] == pytest.approx(1e-3), "the second phase has a peak of its own"
    assert schedule_figure(TRIGGERED).layout.yaxis.type != "log", "which cannot show zero"


@pytest.mark.parametrize(("carried", "end"), [(True, 60), (False, 45)])
def test_schedule_of_a_run_marks_where_a_trigger_fired_and_moves_what_follows(carried: bool, end: int) -> None:
    plan = TRIGGERED.model_copy(update={"carry_over": carried})
    shown = history([PhaseChange(0, 0, 0, "start"), *steps(0.9), PhaseChange(25, 1, 0, FIRED)], plan)
    figure = schedule_figure(plan, shown)
    marker = figure.data[1]
    assert list(marker.x) == [25]
    assert marker.hovertext == (f"step 25: {FIRED}",)
    assert marker.y[0] == pytest.approx(effective_learning_rate(plan, Position(), 25))
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes[:2]] == [(0, 25), (25, end)]
    assert tuple(figure.layout.xaxis.range) == (0, end)
    middle = dict(zip(figure.data[0].x, figure.data[0].y, strict=True))
    assert min(middle) == 0
    assert max(middle) == end


def test_schedule_has_no_marker_where_a_phase_ended_at_its_length() -> None:
    shown = history([PhaseChange(0, 0, 0, "start"), PhaseChange(40, 1, 0, "length")], TRIGGERED)
    assert len(schedule_figure(TRIGGERED, shown).data) == 1


def test_outcomes_have_their_colours_and_ignored_pixels_none() -> None:
    label = np.array([[1, 1, 0, 255]], np.uint8)
    prediction = np.array([[1, 0, 1, 1]], np.uint8)
    picture = outcome_picture(np.full((1, 4, 3), 100, np.uint8), prediction, label)
    for column, colour in enumerate((HIT, MISS, FALSE_ALARM)):
        wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        assert np.abs(picture[0, column] - wanted).max() < 30
    assert len(set(picture[0, 3].tolist())) == 1, "grey"


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (0.00025, 0.005, 5, [0.0005, 0.001, 0.002, 0.005]),
        (0.00025, 0.005, 3, [0.0005, 0.001, 0.005]),
        (1e-5, 1.0, 5, [1e-5, 1e-3, 1e-1]),
        (0.005, 0.005, 5, [0.005]),
        (0.3, 0.4, 5, [0.3, 0.35, 0.4]),
        (0.31, 0.38, 5, [0.32, 0.34, 0.36, 0.38]),
        (0.3111, 0.3118, 5, [0.311]),
        (0.001, 0.0022, 5, [0.001, 0.0015, 0.002]),
        (0.001, 0.02, 9, [0.001, 0.002, 0.005, 0.01, 0.02]),
    ],
)
def test_log_ticks_are_few_round_numbers(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert log_ticks(low, high, most) == pytest.approx(ticks)


def test_log_axes_are_labelled_with_full_numbers() -> None:
    axes = [
        schedule_figure(preset_plan("recall_first")).layout.yaxis,
        trained_loss_figure(HISTORY, PLAN.steps).layout.yaxis,
        rates_figure(HISTORY, PLAN.steps).layout.yaxis2,
    ]
    assert list(axes[0].ticktext) == ["0.0005", "0.001", "0.002", "0.005"]
    for axis in axes:
        assert axis.type == "log"
        assert [float(text) for text in axis.ticktext] == pytest.approx(list(axis.tickvals))
