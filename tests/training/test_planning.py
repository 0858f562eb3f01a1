"""A plan follows from a fingerprint: a table of kinds of imagery and what is chosen for them."""

from __future__ import annotations

import itertools
from functools import cache

import pytest

from explorer.imagery.scene import Dataset
from explorer.segmenter.receptive_field import receptive_field
from explorer.segmenter.spec import PretrainedSpec, UNetSpec
from explorer.training import recipe
from explorer.training.budget import Budget, steps_for
from explorer.training.fingerprint import Fingerprint, Percentiles, fingerprint
from explorer.training.object_sizes import working_scale
from explorer.training.plan import Plan
from explorer.training.planning import first_preset, propose
from explorer.training.presets import PRESETS, controls, preset_plan
from tests.training.kinds import KINDS


@cache
def dataset_of(kind: str) -> Dataset:
    return KINDS[kind]()


@cache
def of(kind: str) -> Fingerprint:
    return fingerprint(dataset_of(kind))


def planned(kind: str, preset: str = "recall_first", steps: int = 600, **options: object) -> Plan:
    return propose(of(kind), preset, Budget(steps=steps), **options).plan  # type: ignore[arg-type]


CHOSEN = {
    # working scale, strongest and weakest weight rule of the article's preset, share of foreground crops
    "ships": (1.0, "inverse_frequency", 20.0, 0.5),
    "nuclei": (1.0, "sqrt_inverse_frequency", 3.0, 0.5),
    "trees": (1.0, "inverse_frequency", 5.0, 0.5),
    "planes": (0.25, "sqrt_inverse_frequency", 3.0, 0.5),
    "cracks": (1.0, "inverse_frequency", 10.0, 0.5),
    "town": (0.4, "sqrt_inverse_frequency", 1.5, 0.5),
}


@pytest.mark.parametrize("kind", CHOSEN)
def test_scale_weights_and_crops_follow_from_the_kind_of_imagery(kind: str) -> None:
    plan = planned(kind)
    loss = plan.phases[0].loss
    assert (plan.inputs.scale, loss.class_weights, loss.weight_cap, plan.object_share) == CHOSEN[kind]


@pytest.mark.parametrize(("kind", "preset"), list(itertools.product(KINDS, PRESETS)))
def test_a_preset_keeps_its_sequence_of_losses_and_takes_all_else_from_the_data(kind: str, preset: str) -> None:
    plan, other = planned(kind, preset), planned(kind, "ce_only")
    assert [phase.loss.kind for phase in plan.phases] == [phase.loss.kind for phase in PRESETS[preset].phases]
    assert plan.cycles == PRESETS[preset].cycles
    own = {"name", "phases", "cycles"}
    assert plan.model_dump(exclude=own) == other.model_dump(exclude=own)
    assert plan.steps == 600
    assert Plan.read(plan.model_dump_json()) == plan
    rates = [phase.learning_rate / plan.phases[0].learning_rate for phase in plan.phases]
    before = [phase.learning_rate / PRESETS[preset].phases[0].learning_rate for phase in PRESETS[preset].phases]
    assert rates == pytest.approx(before)


@pytest.mark.parametrize("kind", KINDS)
def test_every_choice_has_a_reason_in_sentences(kind: str) -> None:
    choices = propose(of(kind), "recall_first", Budget(seconds=60)).choices
    assert len({choice.name for choice in choices}) == len(choices) > 10
    for choice in choices:
        assert choice.value
        assert choice.reason.endswith(".")
        assert choice.reason[0].isupper() or choice.reason[0].isdigit() or choice.reason[0] == "“", choice.reason


def test_the_reasons_hold_the_numbers_that_decided() -> None:
    def reason(kind: str, name: str) -> str:
        choices = propose(of(kind), "recall_first", Budget(steps=9)).choices
        return next(choice.reason for choice in choices if choice.name == name)

    sizes = of("planes").classes[0].diameters
    assert sizes is not None
    assert f"{sizes.p50:.0f} px" in reason("planes", "Working scale")
    assert f"{100 * of('cracks').classes[0].share:.2g} %" in reason("cracks", "Class weights")
    assert f"{of('ships').brightness:.1f}-fold" in reason("ships", "Brightness and contrast")


def test_every_phase_warms_up_and_decays() -> None:
    for phase in planned("ships").phases:
        assert phase.decay == "cosine"
        assert phase.warmup_steps == pytest.approx(phase.steps * recipe.WARMUP_SHARE, abs=1)


def test_the_first_phase_of_the_recipe_ends_once_the_rarest_class_is_recalled() -> None:
    trigger = planned("ships").phases[0].trigger
    assert trigger is not None
    assert (trigger.metric, trigger.relative, trigger.threshold, trigger.class_id) == ("recall", True, 0.8, 1)
    assert planned("ships").carry_over, "the steps that it saves are not lost"
    assert planned("ships").phases[1].trigger is None
    assert 0 < planned("ships").phases[0].minimum_steps < planned("ships").phases[0].steps


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_a_needle_are_stronger_but_never_where_the_class_is_not_rare(kind: str) -> None:
    usual, needle = planned(kind).phases[0].loss, planned(kind, "needle").phases[0].loss
    assert usual.weight_cap is not None
    assert needle.weight_cap is not None
    assert usual.weight_cap < needle.weight_cap <= recipe.HIGHEST_CAP
    assert needle.class_weights == usual.class_weights


@pytest.mark.parametrize("kind", KINDS)
def test_the_unet_sees_three_objects(kind: str) -> None:
    plan = planned(kind, segmenter="unet")
    assert isinstance(plan.segmenter, UNetSpec)
    sizes = of(kind).classes[0].diameters
    assert sizes is not None
    if of(kind).classes[0].kind == "objects":
        assert receptive_field(plan.segmenter) >= 3 * sizes.p50 * plan.inputs.scale


def test_a_pretrained_segmenter_is_the_default_and_takes_its_colours_by_their_names() -> None:
    assert planned("ships").segmenter == PretrainedSpec(rgb=(2, 1, 0))
    assert planned("nuclei").segmenter == PretrainedSpec(rgb=(0, 1, 2))


def test_few_or_unequal_scenes_are_changed_more() -> None:
    few = of("trees")
    many = few.model_copy(update={"scenes": few.scenes * 10})
    unequal = many.model_copy(update={"brightness": 8.0})
    gains = [propose(each, "ce_only", Budget(steps=9)).plan.augmentation.gain for each in (few, many, unequal)]
    assert gains[0] == gains[2] > gains[1]


# Budgets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "step_seconds", "steps"), [(60, 0.1, 570), (60, 0.06, 950), (30, 1.0, 28), (1, 9.0, 1)]
)
def test_steps_fit_into_the_time_with_a_reserve(seconds: float, step_seconds: float, steps: int) -> None:
    assert steps_for(seconds, step_seconds) == steps


def test_a_budget_in_seconds_uses_what_was_measured() -> None:
    fast, slow = (
        propose(of("ships"), "recall_first", Budget(seconds=60), step_seconds={"pretrained": each})
        for each in (0.05, 0.1)
    )
    assert (fast.plan.steps, slow.plan.steps) == (1140, 570)
    assert "measured on this machine" in next(each.reason for each in slow.choices if each.name == "Steps")
    guessed = propose(of("ships"), "recall_first", Budget(seconds=60))
    assert "nothing was measured" in next(each.reason for each in guessed.choices if each.name == "Steps")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_budget_in_seconds_is_never_exceeded_and_keeps_whole_cycles(preset: str) -> None:
    plan = propose(of("ships"), preset, Budget(seconds=30), step_seconds=0.0913).plan
    assert plan.cycles == PRESETS[preset].cycles
    assert 0.93 * 30 < plan.steps * 0.0913 <= 0.95 * 30


@pytest.mark.parametrize("preset", PRESETS)
def test_a_budget_in_steps_is_met_exactly(preset: str) -> None:
    assert planned("trees", preset, steps=601).steps == 601


def test_a_budget_too_short_for_the_pretrained_segmenter_gets_the_unet() -> None:
    step_seconds = {"pretrained": 0.5, "unet": 0.1}
    short = propose(of("ships"), "ce_only", Budget(seconds=10), step_seconds=step_seconds)
    assert isinstance(short.plan.segmenter, UNetSpec)
    assert short.plan.steps == 95
    long = propose(of("ships"), "ce_only", Budget(seconds=60), step_seconds=step_seconds)
    assert isinstance(long.plan.segmenter, PretrainedSpec)
    wanted = propose(of("ships"), "ce_only", Budget(seconds=10), step_seconds=step_seconds, segmenter="pretrained")
    assert isinstance(wanted.plan.segmenter, PretrainedSpec)


@pytest.mark.parametrize("given", [{}, {"seconds": 1.0, "steps": 1}, {"seconds": 0.0}, {"steps": 0}])
def test_a_budget_is_seconds_or_steps_above_zero(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="budget"):
        Budget(**given)  # type: ignore[arg-type]


# Presets and controls -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_preset_offered_first_is_one_of_them(kind: str) -> None:
    assert first_preset(of(kind)) in PRESETS


def test_controls_of_a_plan_from_data_have_its_data_its_peak_and_its_decay() -> None:
    plan = planned("ships")
    for control in controls(plan):
        assert control.steps == plan.steps
        (phase,) = control.phases
        assert (phase.learning_rate, phase.decay, phase.trigger) == (plan.phases[0].learning_rate, "cosine", None)
        assert (control.inputs, control.segmenter, control.augmentation) == (
            plan.inputs,
            plan.segmenter,
            plan.augmentation,
        )


@pytest.mark.parametrize(("seconds", "validations"), [(30, 40), (90, 40), (300, 60), (7200, 200)])
def test_a_validation_comes_every_five_seconds_or_forty_times_a_run(seconds: float, validations: int) -> None:
    plan = propose(of("ships"), "ce_only", Budget(seconds=seconds), step_seconds=0.1).plan
    assert plan.validations == validations


def test_the_plan_of_the_built_in_scenes_is_what_it_was() -> None:
    plan = preset_plan("recall_first")
    assert (plan.steps, plan.crop_size, plan.batch_size, plan.object_share) == (1200, 96, 8, 0.8)
    assert plan.segmenter == UNetSpec(width=8, depth=3)
    assert plan.phases[0].loss.weight_cap == 5
    assert [(phase.learning_rate, phase.decay, phase.trigger) for phase in plan.phases] == [
        (5e-3, "none", None),
        (5e-4, "none", None),
    ]
    assert (plan.averaging, plan.clip_gradient, plan.choose_threshold) == (None, None, False)


def with_classes(kind: str, *changes: dict[str, object]) -> Fingerprint:
    """The fingerprint of a kind with one class for each dictionary of changes."""
    base = of(kind)
    classes = tuple(base.classes[0].model_copy(update={"name": str(i), **each}) for i, each in enumerate(changes))
    return base.model_copy(update={"classes": classes})


def sized(diameter: float) -> Percentiles:
    return Percentiles(p5=diameter / 2, p25=diameter, p50=diameter, p75=diameter, p95=diameter)


POTHOLES = {"kind": "objects", "share": 0.006, "diameters": sized(52.0), "typical_diameter": 60.0}
CRACKS = {"kind": "thin", "share": 0.01, "diameters": sized(5.0), "thickness": 3.9}
LANES = {"kind": "areas", "share": 0.5, "diameters": sized(300.0)}


@pytest.mark.parametrize(
    ("classes", "scale"),
    [
        ((POTHOLES,), 0.5),
        ((CRACKS,), 1.0),
        ((LANES,), 0.25),
        ((POTHOLES, LANES), 0.5),
        (({**POTHOLES, "typical_diameter": 90.0},), 0.5),  # sizes differ, but not widely
        (({**POTHOLES, "typical_diameter": 110.0},), 0.4),  # 28 ÷ √(52·110)
        (({**POTHOLES, "typical_diameter": 1100.0},), 0.25),  # the small ones must not vanish: 6 ÷ 26
        (({**POTHOLES, "typical_diameter": 1100.0, "kind": "points"},), 1.0),
        ((POTHOLES, CRACKS, LANES), 0.5),
        ((POTHOLES, {**CRACKS, "thickness": 1.8}), 0.75),  # the cracks stay 1.3 px thick
        ((POTHOLES, {**CRACKS, "thickness": 1.5}), 1.0),
        ((POTHOLES, {**CRACKS, "share": 0.001}), 1.0),  # the rarest decides
        (({**POTHOLES, "kind": "points"}, LANES), 1.0),
        ((POTHOLES, {**POTHOLES, "share": 0.1, "diameters": sized(14.0)}), 1.0),  # small ones must not vanish
        (({**LANES, "share": 0.001}, {**POTHOLES, "share": 0.1}), 0.5),  # areas decide only alone
    ],
)
def test_the_rarest_class_decides_the_working_scale_and_no_other_vanishes(
    classes: tuple[dict[str, object], ...], scale: float
) -> None:
    assert working_scale(with_classes("planes", *classes))[0] == scale


@pytest.mark.parametrize(
    ("lower", "upright", "said"),
    [((None, None), False, "Too few"), ((1.2, -4.0), False, "No class"), ((1.2, 7.3), True, "“1” lies in the lower"),
     ((-9.0, 7.3), True, "“0” lies in the upper half of the scenes, by 9 standard errors")],
)  # fmt: skip
def test_nothing_is_turned_where_a_class_always_lies_on_one_side_of_the_middle(
    lower: tuple[float | None, ...], upright: bool, said: str
) -> None:
    proposal = propose(with_classes("nuclei", *({"lower": each} for each in lower)), "dice_ce", Budget(steps=60))
    assert proposal.plan.upright == upright
    (reason,) = (choice.reason for choice in proposal.choices if choice.name == "Turns and flips")
    assert said in reason
