"""Verdicts from result rows that are made by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.training.evidence import Evidence, read_evidence
from tests.benchmarks.claim_analysis import (
    CLAIMS,
    Inequality,
    Runs,
    collected,
    differences,
    evidence,
)
from tests.benchmarks.claim_document import END, START, filled, write_report
from tests.benchmarks.claim_plans import CE, CE_GRID, FOCAL_GRID, MAIN, ONCE, WEIGHTED
from tests.benchmarks.scoring import GRID, f1, false_alarms, precision, recall

RULES = ("iou:0.5", "iou:0.1", "overlap", "pixel")


def row(
    dataset: str, seed: int, plan: str, half: tuple[int, int, int], curve: list[tuple[int, int, int]] | None = None
) -> dict[str, Any]:
    """A run with two scenes of equal counts."""
    scene = {
        "half": dict.fromkeys(RULES, half),
        "own": dict.fromkeys(RULES, (0, 0, sum(half))),
        "curves": {rule: curve or [half] * len(GRID) for rule in ("iou:0.5", "pixel")},
    }
    scenes = {name: {"unit": name, **scene} for name in ("a", "b")}
    losses = ["cross_entropy"] if plan == CE else ["weighted_cross_entropy"]
    return {"kind": "claims", "key": f"{dataset}{seed}{plan}", "set": dataset, "seed": seed, "plans": [plan],
            "losses": losses, "steps": 10, "segmenter": "unet", "options": "--steps 10", "scenes": scenes}  # fmt: skip


def rows(better: str, worse: str) -> list[dict[str, Any]]:
    """In every run of two datasets the one plan finds 8 of 10 objects, the other 2 or 3, without false alarms."""
    return [
        row(dataset, seed, plan, (found, 0, 10 - found))
        for dataset in ("car_park", "harbour")
        for seed in range(6)
        for plan, found in ((better, 8), (worse, 2 + seed % 2))
    ]


def verdicts(found: Evidence, claim: str) -> set[tuple[str | None, str]]:
    return {
        (each.dataset, each.verdict)
        for each in found.findings
        if (each.claim, each.measure, each.at) == (claim, "own", "half")
    }


def test_difference_that_is_always_there_holds_everywhere() -> None:
    found = evidence(rows(WEIGHTED, CE), "2026-01-01")
    assert found.command == "python -m tests.benchmarks.claims --steps 10"
    assert verdicts(found, "weights") == {("Car park", "holds"), ("Harbour", "holds"), (None, "holds")}


def test_opposite_difference_fails() -> None:
    found = evidence(rows(CE, WEIGHTED), "2026-01-01")
    assert verdicts(found, "weights") == {("Car park", "fails"), ("Harbour", "fails"), (None, "fails")}


def test_difference_of_one_sign_in_half_of_the_runs_is_undecided() -> None:
    made = [
        row("car_park", seed, plan, (found, 0, 10 - found))
        for seed in range(6)
        for plan, found in ((WEIGHTED, 5 + (-1) ** seed), (CE, 5))
    ]
    assert verdicts(evidence(made, ""), "weights") == {("Car park", "undecided")}


def test_claim_whose_plans_were_not_run_has_no_verdict() -> None:
    found = evidence(rows(WEIGHTED, CE), "")
    assert {each.claim for each in found.findings} == {"weights"}


def test_claims_about_a_plan_are_those_that_compare_it() -> None:
    found = evidence(rows(WEIGHTED, CE), "")
    (about,) = found.claims_about(CE).values()
    assert {at: finding.verdict for at, finding in about.items()}["half"] == "holds"
    assert found.claims_about(WEIGHTED) == found.claims_about(CE)
    assert found.claims_about("another") == {}


def test_a_claim_of_two_inequalities_shows_both() -> None:
    found = evidence(
        [row("car_park", seed, plan, counts) for seed in range(6)
         for plan, counts in ((WEIGHTED, (8, 6, 2)), (ONCE, (7, 2, 3)))], "")  # fmt: skip
    shown = next(each for each in found.findings if (each.claim, each.at, each.measure) == ("switch", "half", "own"))
    assert shown.effect.mean == 0.5
    assert shown.also["recall"].mean == pytest.approx(-0.1)


def test_outcome_has_means_and_seeds() -> None:
    found = evidence(rows(WEIGHTED, CE), "")
    (outcome,) = (each for each in found.of_loss("weighted_cross_entropy") if each.dataset == "Harbour")
    assert (outcome.recall.mean, outcome.recall.low, outcome.recall.high) == (0.8, 0.8, 0.8)
    assert (outcome.precision.mean, outcome.seeds, outcome.units) == (1.0, 6, 2)
    (of_preset,) = (each for each in found.of_preset("ce_only") if each.dataset == "Harbour")
    assert of_preset.recall.mean == pytest.approx(0.25)
    (at_own,) = (each for each in found.of_loss("cross_entropy", "own") if each.dataset == "Harbour")
    assert (at_own.recall.mean, at_own.precision.mean) == (0.0, None)


def test_undefined_precision_is_left_out() -> None:
    runs = collected(
        [
            row("car_park", seed, plan, counts)
            for seed, counts in ((0, (4, 4, 2)), (1, (0, 0, 6)))
            for plan in ("x", "y")
        ]
    )["car_park"]
    table = differences(runs, Inequality(precision, ("x",), ("y",)), "own", "half")
    assert table is not None
    assert np.array_equal(table, [[0, 0], [math.nan, math.nan]], equal_nan=True)


def test_two_versions_of_one_run_are_refused() -> None:
    one = row("car_park", 0, CE, (1, 2, 3))
    with pytest.raises(InputError, match="twice"):
        collected([one, {**one, "key": "other"}])


def test_scenes_of_one_unit_are_added() -> None:
    made = row("car_park", 0, CE, (1, 2, 3))
    for scene in made["scenes"].values():
        scene["unit"] = "site"
    runs = collected([made])["car_park"]
    assert runs.half[CE][0] == {"site": dict.fromkeys(RULES, (2, 4, 6))}
    assert runs.curves[CE][0]["site"]["pixel"][0] == (2, 4, 6)


def test_precision_is_compared_where_recall_is_equal() -> None:
    half = int(np.abs(GRID - 0.5).argmin())
    # x reaches recall .5 at ½ with precision ½; y has recall 1 at ½, and .5 one threshold higher with precision 1
    x = [(5, 5, 5) if place <= half else (0, 0, 10) for place in range(len(GRID))]
    y = [(10, 30, 0) if place <= half else (5, 0, 5) if place == half + 1 else (0, 0, 10) for place in range(len(GRID))]
    runs = collected([row("car_park", 0, "x", x[half], x), row("car_park", 0, "y", y[half], y)])["car_park"]
    table = differences(runs, Inequality(precision, ("y",), ("x",)), "own", "matched")
    assert table is not None
    assert table.tolist() == [[0.5, 0.5]]


def test_nothing_is_compared_at_equal_recall_where_one_plan_finds_nothing() -> None:
    runs = collected([row("car_park", 0, "x", (0, 0, 10)), row("car_park", 0, "y", (10, 0, 0))])["car_park"]
    table = differences(runs, Inequality(precision, ("y",), ("x",)), "own", "matched")
    assert table is not None
    assert np.isnan(table).all()


def test_spread_does_not_grow_with_the_number_of_plans() -> None:
    # F1 of 8 found of 10: 16/18; of 2: 4/12; pairs of (8, 2, 8): two of three differ
    made = [row("car_park", 0, name, counts) for name, counts in
            (("p", (8, 0, 2)), ("q", (2, 0, 8)), ("r", (8, 0, 2)), ("s", (8, 0, 2)), ("t", (8, 0, 2)))]  # fmt: skip
    table = differences(collected(made)["car_park"], Inequality(f1, ("p", "q", "r"), ("s", "t")), "own", "half")
    assert table == pytest.approx(np.full((1, 2), 2 / 3 * (16 / 18 - 4 / 12)))


def test_measure_that_a_dataset_does_not_have_is_left_out() -> None:
    assert Runs("car_park").measure("centroid:8") is None
    assert Runs("trees").measure("own") == "centroid:8"


def test_metrics_by_hand() -> None:
    assert recall((6, 2, 4)) == 0.6
    assert precision((6, 2, 4)) == 0.75
    assert f1((6, 2, 4)) == pytest.approx(12 / 18)
    assert false_alarms((6, 2, 4)) == 2
    assert all(math.isnan(metric((0, 0, 0))) for metric in (recall, precision, f1))


@pytest.mark.parametrize(("plus", "minus", "expected"), [(30, 10, 0.5), (0, 7, -1), (7, 0, 1), (0, 0, 0)])
def test_false_alarms_are_compared_relative_to_their_sum(plus: int, minus: int, expected: float) -> None:
    made = [row("car_park", 0, "x", (1, plus, 0)), row("car_park", 0, "y", (1, minus, 0))]
    inequality = Inequality(false_alarms, ("x",), ("y",), relative=True)
    table = differences(collected(made)["car_park"], inequality, "own", "half")
    assert table is not None
    assert (table == expected).all()


def test_claims_name_plans_that_are_run() -> None:
    known = {*MAIN, *FOCAL_GRID, *CE_GRID}
    assert {name for claim in CLAIMS for name in claim.plans} <= known
    assert {claim.key: claim.matched().plus[0] for claim in CLAIMS if claim.matched()}["switch"].endswith("once")


def test_report_is_read_back_and_replaces_the_tables(tmp_path: Path) -> None:
    data, document = tmp_path / "claims.json", tmp_path / "claims.md"
    document.write_text(f"before\n{START}earlier\n{END}\nafter\n", encoding="utf-8")
    found = evidence(rows(WEIGHTED, CE), "2026-01-01")
    write_report(found, data, document)
    assert read_evidence(data) == found
    text = document.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{START}")
    assert text.endswith(f"{END}\nafter\n")
    assert "earlier" not in text
    assert "**holds** +0.55 [+0." in text
    assert filled(text, found) == text


def test_there_is_nothing_to_show_without_a_report(tmp_path: Path) -> None:
    assert read_evidence(tmp_path / "claims.json") is None
