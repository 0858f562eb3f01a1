"""The table of phases: a plan goes in and comes out the same, and what is wrong is named by row."""

from __future__ import annotations

import pytest

from explorer.errors import InputError
from explorer.losses.spec import LossSpec
from explorer.training.plan import Phase, Plan, Trigger
from explorer.training.presets import PRESETS, preset_plan
from explorer.ui.plan_table import phases_of, table_of


def settings_of(plan: Plan) -> dict[str, LossSpec]:
    return {phase.loss.kind: phase.loss for phase in plan.phases}


@pytest.mark.parametrize("key", list(PRESETS))
def test_preset_goes_through_the_table_unchanged(key: str) -> None:
    plan = preset_plan(key)
    assert phases_of(table_of(plan), settings_of(plan), class_id=1) == plan.phases


def test_trigger_goes_through_the_table_unchanged() -> None:
    triggers = (
        Trigger(metric="f1", scope="object", threshold=0.7, class_id=2),
        Trigger(kind="plateau", threshold=0.02, class_id=2),
        Trigger(metric="recall", threshold=0.8, relative=True, class_id=2),
    )
    phases = tuple(
        Phase(loss=LossSpec(kind="dice"), steps=50, minimum_steps=10, trigger=trigger) for trigger in triggers
    )
    plan = Plan(phases=phases)
    assert phases_of(table_of(plan), settings_of(plan), class_id=2) == phases


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("Learning rate", 3.0, "phase 2, learning_rate"),
        ("Steps", 0, "phase 2, steps"),
        ("Minimum steps", 9999, "phase 2"),
    ],
)
def test_what_is_wrong_is_named_by_row(column: str, value: float, said: str) -> None:
    plan = preset_plan("recall_first")
    table = table_of(plan)
    table.loc[1, column] = value
    with pytest.raises(InputError, match=said):
        phases_of(table, settings_of(plan), class_id=1)


def test_empty_table_says_what_to_do() -> None:
    plan = preset_plan("focal")
    with pytest.raises(InputError, match="add a row"):
        phases_of(table_of(plan).iloc[:0], settings_of(plan), class_id=1)
