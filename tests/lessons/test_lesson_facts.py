"""What the lessons say about finished runs, grids, slices and claims is what these hold."""

from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pytest

from explorer.landscape.slice import Slice
from explorer.lessons.experiments import Misses
from explorer.lessons.model import ChoiceGuess, LineGuess, Step
from explorer.lessons.reading import LESSONS, read_lesson
from explorer.losses.experiments import (
    compare_missed,
    compare_misses,
    cost_of_finding_nothing,
    gradients_where_missed,
)
from explorer.losses.lab import synthetic_label
from explorer.losses.spec import LossSpec
from explorer.runs.finished_runs import FINISHED_RUNS
from explorer.runs.grid_plans import cell_plan
from explorer.runs.grids import load_grid
from explorer.runs.history import History, history
from explorer.ui.lesson_runs import below_centre
from tests.pages.conftest import ROOT


@cache
def run(run_id: str) -> History:
    folder = FINISHED_RUNS[run_id].folder
    return history(folder.events(), folder.plan())


def scores(run_id: str, scope: str, metric: str) -> dict[int, float]:
    steps, values = run(run_id).scores(1, scope, metric)
    return dict(zip((int(step) for step in steps), (float(value) for value in values), strict=True))


def step(slug: str, number: int) -> Step:
    return read_lesson(LESSONS / "en" / f"{slug}.md").steps[number - 1]


def right(slug: str, number: int) -> str:
    guess = step(slug, number).guess
    assert isinstance(guess, ChoiceGuess)
    return guess.options[guess.right - 1]


def test_switch_of_the_recipe() -> None:
    recall, precision = (scores("car_park-recipe", "pixel", name) for name in ("recall", "precision"))
    assert run("car_park-recipe").spans[0].end == 309
    assert (round(recall[309], 2), round(precision[309], 2)) == (0.95, 0.71)
    assert (round(recall[412], 2), round(precision[412], 2)) == (0.82, 0.91)
    assert right("recipe", 2) == "Recall falls, precision rises"


def test_jaccard_finds_something_before_cross_entropy() -> None:
    ce, jaccard = (scores(f"car_park-{name}", "pixel", "recall") for name in ("ce", "jaccard"))
    assert round(jaccard[105], 2) == 0.36
    assert all(value == 0 for at, value in ce.items() if at <= 630), "more than half of the time"
    assert round(ce[735], 2) == 0.91
    assert min(ce) > 0
    assert [at for at in ce if 630 < at < 735] == []
    guess = step("recipe", 3).guess
    assert isinstance(guess, LineGuess)
    assert set(guess.x) <= set(ce), "each x is a validation"
    assert right("recipe", 4) == "Jaccard alone"


def test_recipe_wins_on_the_car_park_and_was_better_before_its_end() -> None:
    ends = {name: run(f"car_park-{name}").validations[-1].scores.classes[1].object.f1 for name in ("ce", "jaccard")}
    f1 = scores("car_park-recipe", "object", "f1")
    assert f1[1200] > max(value or 0 for value in ends.values()) + 0.1
    assert max(f1, key=f1.__getitem__) == 618
    assert (round(f1[618], 2), round(f1[1200], 2)) == (0.95, 0.90)
    assert run("car_park-recipe").spans[2].start < 618 <= run("car_park-recipe").spans[2].end
    assert right("recipe", 5) == "The recipe"


def test_claims_that_lessons_repeat() -> None:
    findings = json.loads((ROOT / "assets" / "claims.json").read_text(encoding="utf-8"))["findings"]
    at_half = [each for each in findings if each["at"] == "half"]

    def found(text: str, measure: str) -> list[dict[str, object]]:
        return [each for each in at_half if each["text"].startswith(text) and each["measure"] == measure]

    over_ce = found("The recipe beats cross-entropy", "own")
    holds = [each["dataset"] for each in over_ce if each["verdict"] == "holds" and each["dataset"]]
    assert holds == ["Car park"]
    assert right("recipe", 6) == "1"
    text = step("recipe", 6).after
    for claim in (
        "The recipe beats cross-entropy",
        "The recipe beats Jaccard",
        "The recipe beats Dice + CE",
        "Cycling",
    ):
        (overall,) = (each for each in found(claim, "own") if each["dataset"] is None)
        assert overall["verdict"] == "undecided"
        effect = overall["effect"]
        assert isinstance(effect, dict)
        for name in ("mean", "low", "high"):
            assert f"{effect[name]:+.2f}".replace("-", "−").replace("−0.00", "+0.00") in text
    (weights,) = (each for each in found("Weighted cross-entropy raises recall", "pixel") if each["dataset"] is None)
    assert [round(weights["effect"][name], 2) for name in ("mean", "low", "high")] == [0.36, 0.14, 0.59]  # type: ignore[index]
    assert weights["verdict"] == "holds"


def claim(name: str, measure: str, at: str) -> tuple[str, list[float], list[float]]:
    """Verdict over all datasets, and mean and interval of the effect and of the recall beside it."""
    findings = json.loads((ROOT / "assets" / "claims.json").read_text(encoding="utf-8"))["findings"]
    (found,) = (
        each for each in findings
        if (each["claim"], each["measure"], each["at"], each["dataset"]) == (name, measure, at, None)
    )  # fmt: skip
    effects = (found["effect"], found["also"].get("recall", {}))
    first, second = ([round(each[key], 2) for key in ("mean", "low", "high") if key in each] for each in effects)
    return found["verdict"], first, second


def test_sequence_is_undecided_by_pixels_and_costs_recall() -> None:
    assert claim("switch", "pixel", "half") == ("undecided", [0.29, 0.17, 0.43], [-0.15, -0.24, -0.07])
    assert claim("jaccard", "pixel", "half")[0] == claim("weights", "pixel", "half")[0] == "holds"
    for text in ("0.29, 95 % interval 0.17 to\n0.43", "recall falls by 0.15 (0.07 to 0.24)", "undecided there"):
        assert text.replace("\n", " ") in step("recipe", 6).after.replace("\n", " ")


def test_weights_at_own_thresholds_and_at_the_same_recall() -> None:
    assert claim("weights", "pixel", "own") == ("holds", [0.24, 0.09, 0.40], [])
    assert claim("weights", "pixel", "matched") == ("undecided", [0.06, -0.07, 0.30], [])
    findings = json.loads((ROOT / "assets" / "claims.json").read_text(encoding="utf-8"))["findings"]
    (matched,) = (each for each in findings if (each["claim"], each["measure"], each["at"], each["dataset"])
                  == ("weights", "pixel", "matched", None))  # fmt: skip
    assert matched["units"] == 8
    text = step("class-weights", 4).after.replace("\n", " ")
    assert "which eight of the datasets allow" in text
    for said in ("+0.24 (95 % interval 0.09 to 0.40), but it holds", "+0.06 (−0.07 to +0.30), which is undecided"):
        assert said in text


def test_potholes_are_counted_in_objects() -> None:
    rows = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8").splitlines()
    weighted, jaccard, measure = (
        next(row for row in rows if row.startswith(f"| Road damage: potholes | {name} |"))
        for name in ("weighted CE", "Jaccard", "IoU > 0.1")
    )
    assert "| 0.73 [" in weighted
    assert "| 0.07 [" in weighted
    assert "| 0.00 [" in jaccard
    assert "| 180 |" in measure
    text = step("recipe", 4).after.replace("\n", " ")
    assert "Counted in objects (IoU > 0.1) at threshold ½" in text
    assert "recall of 0.73 at a precision of 0.07" in text


def test_focal_grid() -> None:
    grid = load_grid("focal")
    gammas, rates = (axis.values for axis in grid.axes)
    f1 = {cell.values: cell.f1 or 0.0 for cell in grid.cells}
    assert not any(cell.diverged or cell.restarts for cell in grid.cells)
    good = [sum(f1[gamma, rate] >= 0.5 for rate in rates) for gamma in gammas]
    assert good == [3, 1, 3, 2, 2]
    assert sum(good) == 11
    for gamma in gammas:
        assert max(rates, key=lambda rate: f1[gamma, rate]) == 0.0005
    assert [f"{f1[gamma, 0.0005]:.2f}" for gamma in gammas] == ["0.76", "0.75", "0.74", "0.66", "0.68"]
    assert max(f1[gamma, 0.1] for gamma in gammas) < 0.4
    assert (f"{f1[0.0, 0.1]:.2f}", f"{f1[2.0, 0.1]:.2f}") == ("0.38", "0.37")
    stuck = [cell for cell in grid.cells if cell.precision is None]
    assert all(recall == 0 for cell in stuck for _, recall in cell.recalls), "from the first validation on"
    assert {cell.values for cell in stuck if cell.values[0] == 0} == {(0.0, 0.005)}
    assert len([cell for cell in stuck if cell.values[0] > 0]) == 5
    assert {cell.values[1] for cell in stuck} == {0.002, 0.005}
    assert [cell.values[1] for cell in stuck if cell.values[0] == 2] == [0.002]
    best = {cell.values: max(2 * r * p / (r + p) for _, r, p in cell.curve if r and p) for cell in stuck}
    assert (f"{min(best.values()):.2f}", f"{max(best.values()):.2f}") == ("0.47", "0.56")
    assert f"{best[0.0, 0.005]:.2f}" == "0.51"
    left = grid.cell(2.0, 0.005)
    assert left.recalls[0][1] == 0
    assert left.recall
    text = step("focal", 4).after.replace("\n", " ")
    for said in ("11 of 25", "in 3, 1, 3, 2 and 2 of five", "0.76, 0.75, 0.74, 0.66 and 0.68", "no run reaches 0.4",
                 "No run exploded", "5 of the 20", "1 of the 5", "0.47 to 0.56"):  # fmt: skip
        assert said in text
    assert "0.51" in step("focal", 2).after


def test_weights_of_the_grid() -> None:
    grid = load_grid("class_weight")
    f1 = {cell.values[0]: cell.f1 or 0 for cell in grid.cells}
    assert max(f1, key=f1.__getitem__) == 5
    assert right("class-weights", 3) == "5"
    assert grid.cell(1.0).recall == 0
    precision = {cell.values[0]: cell.precision for cell in grid.cells if cell.precision is not None}
    assert max(precision, key=precision.__getitem__) == 5
    assert all(cell.recall and cell.recall > 0.85 for cell in grid.cells[1:]), "little left to gain"
    above = {}
    for cell in grid.cells[1:]:
        curve = [p for _, r, p in grid.cells[0].curve if r is not None and p is not None and r >= (cell.recall or 0)]
        above[cell.values[0]] = (cell.precision or 0) - max(curve)
    assert [weight for weight, better in above.items() if better < 0.05] == [20]
    assert min(above.values()) > -0.02
    assert right("class-weights", 4).startswith("mostly above it")


def test_cell_is_trained_with_its_values() -> None:
    grid = load_grid("class_weight")
    (phase,) = cell_plan(grid, (20.0,)).phases
    assert phase.loss == LossSpec(kind="weighted_cross_entropy", class_weights=(1.0, 20.0))
    assert (phase.learning_rate, phase.steps) == (grid.learning_rate, grid.steps)


def slice_of(kind: str) -> Slice:
    (file,) = (FINISHED_RUNS["car_park-recipe"].folder.path / "slices").glob(f"{kind}-*.npz")
    return Slice.load(file)


def test_planes_around_the_checkpoint() -> None:
    random, gradients = slice_of("random"), slice_of("gradients")
    assert below_centre(random, "weighted_cross_entropy") < 2
    assert below_centre(gradients, "weighted_cross_entropy") > 30
    assert round(random.meta.report.norms[0] / gradients.meta.report.norms[0]) == 71
    for each in (random, gradients):
        values = each.fields["weighted_cross_entropy"]
        assert np.nanmax(values) / values[len(each.beta) // 2, len(each.alpha) // 2] == pytest.approx(9, abs=0.6)
    least = {
        kind: below_centre(gradients, kind) for kind in ("cross_entropy", "weighted_cross_entropy", "focal", "jaccard")
    }
    assert min(least, key=least.__getitem__) == "jaccard"
    assert [round(value) for value in least.values()] == [16, 44, 17, 10]
    assert right("landscape", 5) == "Jaccard distance"
    measured = np.where(gradients.measured, gradients.fields["weighted_cross_entropy"], np.inf)
    lowest = np.unravel_index(int(measured.argmin()), measured.shape)
    middle = len(gradients.beta) // 2, len(gradients.alpha) // 2
    assert gradients.fields["recall_1"][lowest] > gradients.fields["recall_1"][middle]
    assert gradients.fields["precision_1"][lowest] < gradients.fields["precision_1"][middle]


def test_gradient_at_a_confident_miss() -> None:
    specs = [LossSpec(kind="cross_entropy"), LossSpec(kind="weighted_cross_entropy", class_weights=(1.0, 20.0)),
             LossSpec(kind="jaccard"), LossSpec(kind="dice"), LossSpec(kind="focal"),
             LossSpec(kind="dice_cross_entropy")]  # fmt: skip
    ce, weighted, jaccard, dice, focal, dice_ce = gradients_where_missed(specs, 0.01, (2e-9, 1e-6))
    assert jaccard[0] == pytest.approx(2.1e-11, rel=0.02)
    assert jaccard[0] / ce[0] == pytest.approx(1e-7, rel=0.05)
    assert jaccard[1] / jaccard[0] == pytest.approx(500, rel=0.01), "proportional to p"
    assert weighted[1] / ce[1] == pytest.approx(17, abs=0.5)
    assert dice[1] < 1e-3 * ce[1]
    assert focal[1] == pytest.approx(ce[1], rel=1e-3)
    assert dice_ce[1] == pytest.approx(ce[1], rel=1e-3)
    assert right("jaccard-gradient", 3).startswith("Weighted cross-entropy")


def test_painted_misses_against_as_many_in_few_objects() -> None:
    label = synthetic_label(50, 8, 0.3)
    first, second = (np.flatnonzero(label.ids == number)[:25] for number in (1, 2))
    specs = [LossSpec(kind="object_jaccard"), LossSpec(kind="cross_entropy")]
    halves = compare_missed(specs, label, (*first, *second), 0.99)
    assert halves[0].ratio == pytest.approx(0.5, abs=0.05)
    assert halves[1].ratio == pytest.approx(1)
    assert right("objects", 3) == "about half"
    nothing = compare_missed(specs, label, (0, -5, 10**9), 0.99)
    assert all(math.isclose(cost.first, 0, abs_tol=1e-12) and cost.ratio is None for cost in nothing)


def test_losses_that_see_objects() -> None:
    label = synthetic_label(50, 8, 0.3)
    experiment = step("objects", 2).experiment
    assert isinstance(experiment, Misses)
    _, costs = compare_misses(experiment.losses, label, 50, 50, 0.99)
    ratios = {cost.spec.kind: cost.ratio or 0 for cost in costs}
    assert [kind for kind, ratio in ratios.items() if ratio > 2] == ["object_jaccard"]
    assert round(ratios["component_dice_cross_entropy"], 2) == 1.09
    assert all(ratios[kind] == pytest.approx(1) for kind in ratios if not kind.startswith(("component", "object_j")))


def test_jaccard_of_misses_loses_in_the_intersection_and_not_in_the_union() -> None:
    label = synthetic_label(50, 8, 0.3)
    truth = label.label == 1
    for missed in compare_misses([LossSpec(kind="jaccard")], label, 50, 50, 0.99)[0]:
        found = truth & ~missed
        assert (found & truth).sum() == truth.sum() - 50
        assert (found | truth).sum() == truth.sum()
        assert found.sum() + truth.sum() == 2 * truth.sum() - 50, "the sum of the areas in Dice"


def test_cost_of_finding_nothing_is_the_share_above_a_perfect_prediction() -> None:
    label = synthetic_label(9, 4, 0.005)
    (nothing,) = cost_of_finding_nothing([LossSpec(kind="cross_entropy")], label, 0.99)
    assert nothing.share == pytest.approx(label.share)
    plain = ((1 - label.share) * math.log(0.99) + label.share * math.log(0.01)) / math.log(0.01)
    assert plain > 1.4 * label.share, "the ratio of the plain values would be another"
    guess = step("rare-class", 2).guess
    assert isinstance(guess, LineGuess)
    assert "above that of a perfect prediction" in guess.ask


def test_weight_of_cars_by_their_share() -> None:
    assert round(98.83 / 1.17) in (84, 85)
    assert "about 85" in step("class-weights", 1).text
