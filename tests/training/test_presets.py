"""Presets fit any dataset and have equal budgets; controls differ from their plan in the loss alone."""

from __future__ import annotations

import pytest

from explorer.training.plan import Plan
from explorer.training.presets import PRESETS, controls, preset_plan


def test_the_recipe_comes_first() -> None:
    assert next(iter(PRESETS)) == "recall_first"
    first, second = preset_plan("recall_first").phases
    assert (first.loss.kind, second.loss.kind) == ("weighted_cross_entropy", "jaccard")
    assert second.learning_rate == pytest.approx(first.learning_rate / 10)


@pytest.mark.parametrize("key", PRESETS)
def test_a_preset_is_a_plan_for_any_dataset(key: str) -> None:
    plan = preset_plan(key, seed=3)
    assert plan.name == PRESETS[key].name
    assert plan.seed == 3
    assert Plan.read(plan.model_dump_json()) == plan
    assert not any(isinstance(phase.loss.class_weights, tuple) for phase in plan.phases)  # rules fit any classes
    for text in (PRESETS[key].when_to_use, PRESETS[key].what_to_watch):
        assert text.endswith(".")


def test_all_presets_have_the_same_number_of_steps() -> None:
    assert len({preset_plan(key).steps for key in PRESETS}) == 1


@pytest.mark.parametrize("key", PRESETS)
def test_controls_differ_in_the_loss_alone(key: str) -> None:
    plan = preset_plan(key, seed=5)
    alone = controls(plan)
    names = ["Control: CE only", "Control: Jaccard only", "Control: Dice + CE"]
    own = {"ce_only": names[0], "jaccard_only": names[1], "dice_ce": names[2]}.get(key)
    assert [control.name for control in alone] == [name for name in names if name != own]
    for control in alone:
        assert control.steps == plan.steps
        assert len(control.phases) == 1
        first = plan.phases[0].model_dump(exclude={"loss", "steps"})
        assert control.phases[0].model_dump(exclude={"loss", "steps"}) == first
        same = {"name", "phases", "cycles", "interventions"}
        assert control.model_dump(exclude=same) == plan.model_dump(exclude=same)
