"""Curves of several runs: seconds, smoothing, the best point, seeds as a band."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from explorer.losses.spec import LossSpec
from explorer.metrics.counts import Scores
from explorer.runs.compared_curves import (
    band,
    best_point,
    in_seconds,
    lines_of,
    seed_groups,
    smoothed,
    unequal_validations,
    was_steered,
)
from explorer.runs.history import History, history
from explorer.runs.records import RunRecord, RunStatus
from explorer.training.events import Intervened, PhaseChange, Started, Step, Validation
from explorer.training.plan import Intervention, Phase, Plan
from tests.runs.tiny import tiny_plan


def record(run_id: str, plan: Plan, dataset: str = "a") -> RunRecord:
    return RunRecord(run_id, plan.name, RunStatus.DONE, dataset, dataset, plan, datetime.now(UTC), 20, "", None)


def points(*pairs: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    x, y = zip(*pairs, strict=True)
    return np.array(x, dtype=float), np.array(y, dtype=float)


def test_seconds_are_those_of_the_steps() -> None:
    steps = [Step(n, 0, 0, 1.0, {}, 1.0, 0.1, 2.0 * n) for n in range(1, 41)]
    done = history([Started(0, "cpu", 9, (1.0,)), PhaseChange(0, 0, 0, "start"), *steps], tiny_plan(40))
    x, y = in_seconds(done, points((0, 0.1), (10, 0.2), (25, 0.3)))
    np.testing.assert_allclose(x, [0, 20, 50])
    assert y.tolist() == [0.1, 0.2, 0.3]
    nothing = history([], tiny_plan(40))
    assert not len(in_seconds(nothing, points((1, 1)))[0])


def test_validations_of_other_parts_are_said_with_their_pixels() -> None:
    def validated(pixels: int | None) -> History:
        scored = [Validation(5, 0, 0, Scores(None, {}), pixels, 0.1)] if pixels else []
        return history([Started(0, "cpu", 9, (1.0,)), PhaseChange(0, 0, 0, "start"), *scored], tiny_plan(40))

    assert not unequal_validations({"one": validated(200_000), "two": validated(200_000), "new": validated(None)})
    text = unequal_validations({"one": validated(200_000), "two": validated(400_000)})
    assert "(one 200,000 px, two 400,000 px in each validation)" in text


def test_smoothing_keeps_a_constant_and_holes_and_follows_a_change_by_its_reach() -> None:
    x = np.arange(0.0, 200.0)
    constant = np.full(200, 0.7)
    np.testing.assert_allclose(smoothed((x, constant), 10)[1], constant)
    jump = np.where(x < 100, 0.0, 1.0)
    after = smoothed((x, jump), 10)[1]
    assert after[99] == 0
    assert after[109] == pytest.approx(1 - np.exp(-1), abs=0.01)
    holed = jump.copy()
    holed[50] = np.nan
    assert np.isnan(smoothed((x, holed), 10)[1][50])
    assert np.isfinite(smoothed((x, holed), 10)[1][51])
    assert smoothed((x, jump), 0)[1] is jump


def test_smoothing_does_not_depend_on_how_densely_a_constant_stretch_is_measured() -> None:
    sparse = smoothed(points((0, 0.0), (10, 1.0)), 5)[1][-1]
    apart = smoothed(points((0, 0.0), (20, 1.0)), 5)[1][-1]
    assert apart > sparse, "what lies further back counts less"


def test_best_point() -> None:
    curve = points((1, 0.2), (2, np.nan), (3, 0.6), (4, 0.6))
    assert best_point(curve, highest=True) == (3, 0.6)
    assert best_point(curve, highest=False) == (1, 0.2)
    assert best_point(points((1, np.nan)), highest=True) is None
    assert best_point(points((1, 0.0), (2, 0.0)), highest=True) is None, "nothing was found: there is no best"


def test_only_runs_that_differ_in_seed_and_name_are_a_group() -> None:
    plan = tiny_plan(20)
    other = plan.model_copy(update={"phases": (Phase(loss=LossSpec(kind="dice"), steps=20),)})
    records = [
        record("a", plan),
        record("b", other),
        record("c", plan.model_copy(update={"seed": 1})),
        record("d", plan.model_copy(update={"seed": 2, "name": "again"})),
        record("e", plan, dataset="b"),
        record("f", replace_batch(plan)),
    ]
    assert [[each.id for each in group] for group in seed_groups(records)] == [["a", "c", "d"], ["b"], ["e"], ["f"]]


def test_a_run_that_was_steered_is_alone() -> None:
    plan = tiny_plan(20)
    begun = [Started(0, "cpu", 9, (1.0,)), PhaseChange(0, 0, 0, "start")]
    steered = [*begun, Intervened(5, Intervention(step=5, learning_rate=0.5))]
    shorter = [*begun, Intervened(5, Intervention(step=5, length_factor=0.5))]
    steps = [Step(n, 0, 0, 1.0, {}, 1.0, 0.1, 1.0) for n in range(1, 10)]
    assert was_steered(plan, history([*steered, *steps], plan))
    assert not was_steered(plan, history([*shorter, *steps], plan)), "it keeps its time, as planned"
    records = [record("a", plan), record("b", plan), record("c", plan)]
    assert [[each.id for each in group] for group in seed_groups(records, {"b"})] == [["a", "c"], ["b"]]


def replace_batch(plan: Plan) -> Plan:
    return plan.model_copy(update={"batch_size": plan.batch_size + 1})


def test_band_is_over_the_part_that_all_have() -> None:
    made = band([points((0, 0), (10, 1)), points((5, 1), (20, 1)), points((0, 0.5), (15, 0.5))])
    assert made is not None
    assert (made.x[0], made.x[-1]) == (5, 10)
    np.testing.assert_allclose(made.low, [0.5, 0.5])
    np.testing.assert_allclose(made.high, [1, 1])
    np.testing.assert_allclose(made.mean, [2 / 3, 2.5 / 3])
    assert band([points((0, 0), (1, 1)), points((2, 0), (3, 1))]) is None
    assert band([points((0, 0), (1, 1)), (np.empty(0), np.empty(0))]) is None


def test_a_group_without_a_band_is_shown_run_by_run() -> None:
    curves = {"a": points((0, 1), (4, 3)), "b": points((0, 3), (4, 5)), "c": points((0, 2)), "d": points((0, np.nan))}
    together = lines_of([["a", "b"], ["c"], ["d"]], curves, 0, highest=True)
    assert [line.runs for line in together] == [("a", "b"), ("c",)]
    assert together[0].best == (4, 4)
    assert together[0].measured is None
    apart = lines_of([["a", "c"]], curves | {"c": points((9, 1))}, 0, highest=True)
    assert [line.runs for line in apart] == [("a",), ("c",)]
