"""What is sent of the figures of a run: applied to those of an earlier moment it gives those of a later one."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer.figures import live
from explorer.figures.live import Moment, Schedule, changes, structure
from explorer.figures.training import (
    other_losses_figure,
    rates_figure,
    schedule_figure,
    scores_figure,
    trained_loss_figure,
)
from explorer.losses.spec import LossSpec
from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores, Scores
from explorer.runs.history import Columns, History
from explorer.training.events import Event, Intervened, PhaseChange, Started, Step, Validation
from explorer.training.plan import Intervention, Phase
from tests.runs.tiny import tiny_plan

DICE, JACCARD = LossSpec(kind="dice"), LossSpec(kind="jaccard")
PLAN = tiny_plan(phases=(Phase(loss=DICE, steps=20_000), Phase(loss=JACCARD, steps=500)))
RNG = np.random.default_rng(0)


def validation_at(step: int) -> Validation:
    pixels, objects = PixelScores(float(RNG.random()), 0.5, 0.4, 0.3), ObjectScores(0.5, None, 0.5, 1, 1, 1)
    scores = ClassScores(pixels, objects)
    return Validation(step, 0, 0, Scores(0.5, {0: scores, 1: scores}), 100, 0.1)


def figures(history: History) -> dict[str, dict[str, Any]]:
    made: dict[str, go.Figure] = {
        live.TRAINED: trained_loss_figure(history, history.most_steps),
        live.SCORES: scores_figure(history, 1, "car", history.most_steps),
        live.OTHERS: other_losses_figure(history, history.most_steps),
        live.RATES: rates_figure(history, history.most_steps),
        live.SCHEDULE: schedule_figure(PLAN, history),
    }
    return {name: json.loads(figure.to_json()) for name, figure in made.items()}


def moment(history: History, before: Moment | None = None) -> Moment:
    return live.moment(history, 2, Schedule.of(PLAN, history, before.schedule if before else None))


def sent(before: Moment | None, now: Moment) -> dict[str, Any]:
    """Of all figures, as JSON."""
    changed: dict[str, Any] = json.loads(json.dumps({name: changes(before, now, name) for name in live.FIGURES}))
    return changed


def apply(shown: dict[str, dict[str, Any]], change: dict[str, Any]) -> None:
    """As the browser does it."""
    for name, parts in change.items():
        if "figure" in parts:
            shown[name] = unpacked(parts["figure"])
        for trace in shown[name]["data"]:
            if trace.get("meta") in parts.get("curves", {}):
                kept, x, y = parts["curves"][trace["meta"]]
                trace["x"], trace["y"] = trace["x"][:kept] + x, trace["y"][:kept] + y
        for path, value in parts.get("layout", {}).items():
            *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
            place: Any = shown[name]["layout"]
            for part in outer:
                place = place[part]
            place[last] = value


def unpacked(value: Any) -> Any:
    """Without templates, and with plain lists: plotly packs arrays."""
    if isinstance(value, dict) and "bdata" in value:
        value = np.frombuffer(base64.b64decode(value["bdata"]), dtype=np.dtype(value["dtype"])).tolist()
    if isinstance(value, dict):
        return {key: unpacked(each) for key, each in value.items() if key != "template"}
    if isinstance(value, list | tuple):
        return [unpacked(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def assert_alike(one: Any, other: Any, where: str = "") -> None:
    """Equal, but for the digits that are not sent."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_alike(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_alike(a, b, f"{where}.{place}")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-4), where
    else:
        assert one == other, where


def steps(first: int, last: int, phase: int = 0) -> list[Event]:
    losses = {"cross_entropy": 0.5, "lovasz": 0.25}
    return [
        Step(n, phase, 0, float(RNG.random()), losses if n % 20 == 1 else {"cross_entropy": 1 / n}, 1 / n, 1e-3, n / 10)  # type: ignore[arg-type]
        for n in range(first, last + 1)
    ]


COURSE: list[list[Event]] = [
    [Started(0, "cpu", 9, (1.0, 1.0)), PhaseChange(0, 0, 0, "start")],
    steps(1, 1),
    steps(2, 5),
    [*steps(6, 9), validation_at(9)],
    steps(10, 40),
    [*steps(41, 47), validation_at(47)],
    [*steps(48, 50), PhaseChange(50, 1, 0, "length")],
    steps(51, 53, phase=1),
    [*steps(54, 80, phase=1), validation_at(80)],
    [Intervened(80, Intervention(step=80, length_factor=0.5)), *steps(81, 90, phase=1)],
]


def test_each_change_leads_from_one_moment_to_the_next() -> None:
    columns = Columns(PLAN)
    shown: dict[str, dict[str, Any]] = {}
    before, structure_before, kept = None, None, 0
    for piece in COURSE:
        assert columns.add(piece)
        history = columns.history()
        now = moment(history, before)
        if structure(history) == structure_before:
            kept += 1
            apply(shown, sent(before, now))
        else:
            shown = unpacked(figures(history))
        assert_alike(shown, unpacked(figures(history)))
        before, structure_before = now, structure(history)
    assert kept >= 6, "the figures are kept but where a phase begins, and at the first step and validation"


@pytest.mark.parametrize("before", [100, 10_000])
def test_what_is_sent_each_second_is_small_however_long_the_run(before: int) -> None:
    columns = Columns(PLAN, [*COURSE[0], *steps(1, before)])
    then = moment(columns.history())
    columns.add(steps(before + 1, before + 8))
    assert len(json.dumps(sent(then, moment(columns.history(), then)))) < 1500


def test_nothing_new_is_nothing_sent() -> None:
    now = moment(Columns(PLAN, [*COURSE[0], *steps(1, 30)]).history())
    assert not any(sent(now, now).values())
    whole = sent(None, now)
    assert all(whole[name]["layout"] for name in live.FIGURES)
    assert all(kept == 0 for parts in whole.values() for kept, _, _ in parts.get("curves", {}).values())
    assert "figure" in whole[live.SCHEDULE], "what is known of it may be of other phases"
