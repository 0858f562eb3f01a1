"""The tables of the benchmark on real imagery, from rows that are made by hand."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.real import BARS, FOREST, METHODS, NATIVE, OURS, REDUCED, tables
from tests.benchmarks.sets import SETS


def row(dataset: str, seed: int, method: str, own: tuple[int, int, int], half: tuple[int, int, int]) -> dict[str, Any]:
    rules = SETS[dataset].rules
    return {"set": dataset, "seed": seed, "method": method, "seconds": 90.0, "own_threshold": 0.4, "words": "words",
            "own": dict.fromkeys(rules, own), "half": dict.fromkeys(rules, half)}  # fmt: skip


def cells(text: str, first: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_mean_and_spread_at_both_thresholds() -> None:
    # F1 2·5 / (10 + 5 + 5) = .5 and 2·6 / (12 + 4 + 4) = .6; nothing found at ½
    rows = [row("planes", 0, OURS, (5, 5, 5), (0, 0, 10)), row("planes", 1, OURS, (6, 4, 4), (0, 0, 10))]
    shown = cells(tables(rows), OURS)
    assert shown[:3] == [OURS, "2", "0.55 ± 0.07 (½: 0.00 ± 0.00)"]


def test_ours_is_divided_by_the_best_peer() -> None:
    found = {OURS: (6, 4, 4), NATIVE: (2, 0, 8), REDUCED: (4, 6, 6), FOREST: (1, 0, 9)}  # F1 .6, .33, .4, .18
    rows = [row("planes", 0, method, counts, counts) for method, counts in found.items()]
    rows += [row("cars", 0, method, (6, 4, 4), (6, 4, 4)) for method in METHODS]
    text = tables(rows)
    assert cells(text, "Planes") == ["Planes", "iou:0.5", "1.50", "1.50", "iou:0.5 ≥ 0.5: 0.60, met"]
    assert cells(text, "Cars")[2:4] == ["1.00", "1.00"]
    assert cells(text, "median")[2:4] == ["1.25", "1.25"]


def test_bar_that_is_not_met_is_named() -> None:
    rows = [row("nuclei", 0, method, (6, 4, 4), (6, 4, 4)) for method in METHODS]
    assert cells(tables(rows), "Nuclei")[-1] == "iou:0.5 ≥ 0.75: 0.60, NOT met"


def test_bars_name_measures_that_are_counted() -> None:
    assert all(measure in SETS[key].rules for key, (measure, _) in BARS.items())
