"""A plan as a table: every setting is in it, by its label, and what differs is told from what is equal."""

from __future__ import annotations

import pytest

from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec, Term
from explorer.segmenter.spec import PretrainedSpec, UNetSpec
from explorer.training.plan import Augmentation, Intervention, Phase, Plan, Trigger
from explorer.training.plan_terms import NONE, compare_plans, loss_settings, settings_of, until_in_words
from explorer.training.presets import PRESETS, preset_plan
from tests.runs.tiny import tiny_plan

BASE = tiny_plan(20)
PHASE = BASE.phases[0]
CHANGES: dict[str, object] = {
    "name": "other", "cycles": 2, "seed": 3, "segmenter": UNetSpec(width=8, depth=1), "batch_size": 5, "crop_size": 32,
    "object_share": 0.25, "balance_classes": True, "upright": True, "weight_decay": 0.5, "clip_gradient": 1.0,
    "averaging": 0.9, "carry_over": True, "choose_threshold": True, "validations": 7, "flips": True, "seconds": 60.0,
    "augmentation": Augmentation(gain=0.2), "inputs": BASE.inputs.model_copy(update={"scale": 0.5}),
    "interventions": (Intervention(step=5, learning_rate=0.1),), "phases": (PHASE, PHASE),
}  # fmt: skip
PHASE_CHANGES: dict[str, object] = {
    "loss": LossSpec(kind="dice"), "learning_rate": 0.5, "steps": 7, "minimum_steps": 3, "trigger": Trigger(),
    "optimizer": "reset", "warmup_steps": 2, "decay": "cosine",
}  # fmt: skip


@pytest.mark.parametrize("name", Plan.model_fields)
def test_every_setting_of_a_plan_is_seen_to_differ(name: str) -> None:
    other = BASE.model_copy(update={name: CHANGES[name]})
    assert any(each.differs for each in compare_plans([BASE, other]))


@pytest.mark.parametrize("name", Phase.model_fields)
def test_every_setting_of_a_phase_is_seen_to_differ(name: str) -> None:
    other = BASE.model_copy(update={"phases": (PHASE.model_copy(update={name: PHASE_CHANGES[name]}),)})
    assert any(each.differs and each.label.startswith("Phase 1: ") for each in compare_plans([BASE, other]))


@pytest.mark.parametrize("name", Trigger.model_fields)
def test_every_setting_of_a_trigger_is_seen_to_differ(name: str) -> None:
    given = Trigger()
    other = {"metric": "f1", "scope": "object", "kind": "plateau", "class_id": 2, "threshold": 0.5, "relative": True,
             "smoothing": 0.1, "patience": 4}[name]  # fmt: skip
    plans = [
        BASE.model_copy(update={"phases": (PHASE.model_copy(update={"trigger": trigger}),)})
        for trigger in (given, given.model_copy(update={name: other}))
    ]
    assert [each.label for each in compare_plans(plans) if each.differs] == ["Phase 1: Until"]


@pytest.mark.parametrize("group", ["inputs", "augmentation"])
def test_every_setting_of_inputs_and_augmentation_has_a_label(group: str) -> None:
    model = getattr(BASE, group)
    for name in type(model).model_fields:
        value = getattr(model, name)
        changed = model.model_copy(update={name: not value if isinstance(value, bool) else value / 2 + 0.1})
        differing = [each for each in compare_plans([BASE, BASE.model_copy(update={group: changed})]) if each.differs]
        assert len(differing) == 1, name


@pytest.mark.parametrize("kind", LOSSES)
def test_settings_of_a_loss_are_those_that_it_accepts(kind: str) -> None:
    given: dict[str, object] = {"kind": kind}
    if LOSSES[kind].needs_class_weights:
        given["class_weights"] = "per_object"
    if kind == "combined":
        given["terms"] = (Term(factor=0.5, loss=LossSpec(kind="dice")),)
    shown = loss_settings(LossSpec.model_validate(given))
    assert shown["Loss"] == LOSSES[kind].name
    assert {setting.label for setting in LOSSES[kind].settings} <= shown.keys()
    if kind == "combined":
        assert shown["Term 1"] == "0.5 × Dice (Aggregation batch, Background is one of the classes yes)"


def test_equal_plans_do_not_differ_and_a_missing_setting_is_a_dash() -> None:
    assert not any(each.differs for each in compare_plans([BASE, BASE]))
    first, second = (preset_plan(name) for name in ("recall_first", "focal"))
    by_label = {each.label: each for each in compare_plans([first, second])}
    assert by_label["Phase 2: Loss"].values == ("Jaccard distance", NONE)
    assert not by_label["Batch size"].differs


@pytest.mark.parametrize("name", PRESETS)
def test_phases_come_last_and_in_order(name: str) -> None:
    labels = [each.label for each in compare_plans([BASE, preset_plan(name)])]
    numbers = [int(label.split()[1].strip(":")) if label.startswith("Phase ") else 0 for label in labels]
    assert numbers == sorted(numbers)


def test_segmenters_differ_in_each_of_their_settings() -> None:
    specs = [PretrainedSpec(), PretrainedSpec(rgb=(2, 1, 0)), PretrainedSpec(encoder_rate=0.1),
             PretrainedSpec(border=True), UNetSpec()]  # fmt: skip
    shown = {settings_of(BASE.model_copy(update={"segmenter": spec}))["Segmenter"] for spec in specs}
    assert len(shown) == len(specs)


def test_what_a_trigger_watches_is_named_where_the_classes_are_known() -> None:
    trigger = Trigger(class_id=2, patience=3)
    assert "of ship ≥" in until_in_words(trigger, ("background", "car", "ship"))
    assert "of class 2 ≥" in until_in_words(trigger, ("background", "car"))
    assert "3 in a row" in until_in_words(trigger)
