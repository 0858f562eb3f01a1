"""Edited plans behind the short ids of links."""

from __future__ import annotations

from pathlib import Path

from explorer.runs.linked_plans import plan_id
from explorer.runs.store import Store
from explorer.training.presets import preset_plan


def test_a_plan_comes_back_by_its_id_also_from_another_opening_of_the_store(tmp_path: Path) -> None:
    plan = preset_plan("focal", seed=3)
    store = Store(tmp_path)
    key = store.linked_plans.keep(plan)
    assert store.linked_plans.keep(plan) == key == plan_id(plan)
    store.close()
    assert Store(tmp_path).linked_plans.read(key) == plan


def test_an_id_of_no_plan_gives_none(tmp_path: Path) -> None:
    assert Store(tmp_path).linked_plans.read("0123456789abcdef") is None
