"""Plans survive JSON, errors name the field, and a scaled plan has exactly the steps asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec
from explorer.segmenter.spec import UNetSpec
from explorer.training.plan import Augmentation, Intervention, Phase, Plan, Trigger, scaled

PLAIN = [kind for kind in LOSSES if kind not in ("combined", "weighted_cross_entropy")]
rates = st.floats(1e-6, 1.0)
losses = st.one_of(
    st.sampled_from(PLAIN).map(lambda kind: LossSpec(kind=kind)),
    st.lists(st.floats(0.01, 100), min_size=2, max_size=4).map(
        lambda weights: LossSpec(kind="weighted_cross_entropy", class_weights=tuple(weights))
    ),
    st.floats(0, 10).map(lambda gamma: LossSpec(kind="focal", gamma=gamma)),
)
triggers = st.builds(Trigger, threshold=st.floats(0.01, 1), smoothing=st.floats(0, 0.99), patience=st.integers(1, 9))
phases = st.builds(
    Phase,
    loss=losses,
    learning_rate=rates,
    steps=st.integers(10, 500),
    minimum_steps=st.integers(0, 10),
    trigger=st.none() | triggers,
    optimizer=st.sampled_from(["keep", "reset"]),
    warmup_steps=st.integers(0, 50),
)
plans = st.builds(
    Plan,
    name=st.text(min_size=1, max_size=80),
    phases=st.lists(phases, min_size=1, max_size=4).map(tuple),
    cycles=st.integers(1, 5),
    seed=st.integers(0, 2**31 - 1),
    segmenter=st.builds(UNetSpec, width=st.sampled_from([4, 8, 16]), depth=st.integers(1, 4)),
    batch_size=st.integers(1, 16),
    crop_size=st.sampled_from([16, 64, 96]),
    object_share=st.floats(0, 1),
    augmentation=st.builds(Augmentation, gain=st.floats(0, 0.9), offset=st.floats(0, 1), zoom=st.floats(0, 0.5)),
    clip_gradient=st.none() | st.floats(0.1, 10),
    averaging=st.none() | st.floats(0.5, 0.999),
    validations=st.none() | st.integers(1, 100),
    carry_over=st.booleans(),
    choose_threshold=st.booleans(),
    interventions=st.lists(st.builds(Intervention, step=st.integers(0, 99), learning_rate=rates), max_size=2).map(
        tuple
    ),
)


@settings(max_examples=60, deadline=None)
@given(plans)
def test_a_plan_is_the_same_after_json(plan: Plan) -> None:
    assert Plan.read(plan.model_dump_json()) == plan


@settings(max_examples=60, deadline=None)
@given(plans, st.integers(40, 5000))
def test_a_scaled_plan_has_exactly_the_steps_asked_for(plan: Plan, steps: int) -> None:
    changed = scaled(plan, steps)
    assert changed.steps == steps
    assert Plan.read(changed.model_dump_json()) == changed
    assert [phase.loss for phase in changed.phases[: len(plan.phases)]] == [phase.loss for phase in plan.phases]


def test_a_plan_is_read_from_a_file(tmp_path: Path) -> None:
    plan = Plan(phases=(Phase(loss=LossSpec(kind="dice")),))
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    assert Plan.read(tmp_path / "plan.json") == plan


CE: dict[str, Any] = {"loss": {"kind": "cross_entropy"}}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"phases": []}, "phases"),
    ({}, "phases"),
    ({"phases": [CE] * 21}, "phases"),
    ({"phases": [CE, CE | {"learning_rate": 0}]}, "phases[1].learning_rate"),
    ({"phases": [CE | {"steps": "many"}]}, "phases[0].steps"),
    ({"phases": [CE | {"steps": 5, "minimum_steps": 6}]}, "phases[0]"),
    ({"phases": [{"loss": {"kind": "magic"}}]}, "phases[0].loss.kind"),
    ({"phases": [{"loss": {"kind": "focal", "gamma": -1}}]}, "phases[0].loss.gamma"),
    ({"phases": [CE | {"trigger": {"threshold": 2}}]}, "phases[0].trigger.threshold"),
    ({"phases": [CE | {"trigger": {"metric": "beauty"}}]}, "phases[0].trigger.metric"),
    ({"phases": [CE], "crop_size": 90}, "crop_size"),
    ({"phases": [CE], "seed": -1}, "seed"),
    ({"phases": [CE], "cycles": 0}, "cycles"),
    ({"phases": [CE], "lerning_rate": 1}, "lerning_rate"),
    ({"phases": [CE], "segmenter": {"width": 6}}, "segmenter.width"),
    ({"phases": [CE], "segmenter": {"kind": "pretrained", "rgb": [0, 1]}}, "segmenter.rgb[2]"),
    ({"phases": [CE], "segmenter": {"kind": "magic"}}, "segmenter"),
    ({"phases": [CE], "interventions": [{"step": -1}]}, "interventions[0].step"),
]


@pytest.mark.parametrize(("given_plan", "field"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_an_error_names_the_field(given_plan: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        Plan.read(json.dumps(given_plan))
    assert caught.value.where.startswith(field)
    assert caught.value.what


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"plan"', "\x00"])
def test_text_that_is_not_a_plan_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Plan.read(text)
    assert caught.value.where == "plan"


def test_a_file_that_is_not_a_plan_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "list.json").write_text("[]")
    for name in ("missing.json", "binary.json", "list.json"):
        with pytest.raises(InputError, match=name):
            Plan.read(tmp_path / name)


def test_a_plan_cannot_be_scaled_below_one_step_a_phase() -> None:
    plan = Plan(phases=(Phase(loss=LossSpec(kind="dice")),) * 3, cycles=2)
    with pytest.raises(InputError, match="5 steps for 6 phases"):
        scaled(plan, 5)
