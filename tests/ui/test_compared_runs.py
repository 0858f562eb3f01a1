"""Names of compared runs: a group says how many seeds it has, and each of its runs keeps its own name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from explorer.runs.records import RunRecord, RunStatus
from explorer.ui.compared_runs import run_looks
from tests.runs.tiny import tiny_plan


def record(run_id: str, seed: int) -> RunRecord:
    plan = tiny_plan(20, seed=seed)
    return RunRecord(run_id, plan.name, RunStatus.DONE, "a", "a", plan, datetime.now(UTC), 20, "", None)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [((0, 1, 2), "n = 3 seeds"), ((4, 4), "n = 2 repeats of one seed"), ((0, 0, 1), "n = 3 runs, 2 seeds")],
)
def test_a_group_is_named_by_its_distinct_seeds(seeds: tuple[int, ...], words: str) -> None:
    records = [record(f"run{number}", seed) for number, seed in enumerate(seeds)]
    looks = run_looks(records, [records])
    assert looks[tuple(each.id for each in records)].name == f"tiny ({words})"
    assert looks["run0",].name == "tiny · run0"
    assert looks["run0",].colour == looks[tuple(each.id for each in records)].colour
