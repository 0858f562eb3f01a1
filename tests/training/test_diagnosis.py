"""Warnings before a run, reasons for one that finds nothing, and remedies that are plans."""

from __future__ import annotations

from functools import cache

import pytest

from explorer.losses.spec import LossSpec
from explorer.segmenter.receptive_field import receptive_field
from explorer.segmenter.spec import PretrainedSpec, UNetSpec
from explorer.training.budget import Budget
from explorer.training.diagnosis import Concern, before_training, nothing_found
from explorer.training.fingerprint import Fingerprint, fingerprint
from explorer.training.plan import Phase, Plan, scaled
from explorer.training.planning import propose
from explorer.training.presets import PRESETS, preset_plan
from tests.training.kinds import KINDS


@cache
def of(kind: str) -> Fingerprint:
    return fingerprint(KINDS[kind]())


def one_phase(kind: str = "jaccard", steps: int = 600, **changes: object) -> Plan:
    loss = LossSpec(kind=kind)  # type: ignore[arg-type]
    plan = {"phases": (Phase(loss=loss, learning_rate=5e-3, steps=steps),), "segmenter": UNetSpec(width=8, depth=3)}
    return Plan.model_validate(plan | changes)


def weighted(*weights: float) -> Plan:
    loss = LossSpec(kind="weighted_cross_entropy", class_weights=weights)
    return Plan(phases=(Phase(loss=loss, steps=600),), segmenter=PretrainedSpec())


def codes(concerns: tuple[Concern, ...]) -> list[str]:
    return [concern.code for concern in concerns]


def remedy(concerns: tuple[Concern, ...], code: str, position: int = 0) -> Plan:
    return next(concern for concern in concerns if concern.code == code).remedies[position].plan


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_plan_from_the_data_raises_no_warning(kind: str, preset: str) -> None:
    plan = propose(of(kind), preset, Budget(steps=600)).plan
    if preset != "needle":  # which asks for strong weights
        assert before_training(of(kind), plan) == ()


WARNED = {
    # kind of imagery, plan, code; a case per warning, and beside it one that must not warn
    "planes at full scale in a small U-Net": ("planes", one_phase(), "beyond_field_of_view"),
    "ships in a small U-Net": ("ships", one_phase(), None),
    "ships in crops placed anywhere": ("ships", one_phase(object_share=0.0, batch_size=1), "empty_batches"),
    "ships in crops around objects": ("ships", one_phase(object_share=0.8), None),
    "trees everywhere": ("trees", one_phase(object_share=0.0), None),
    "a weight of 20 on half of the pixels": ("town", weighted(1, 20), "weights_too_strong"),
    "a weight of 20 on rare ships": ("ships", weighted(1, 20), None),
    "a weight of 1.2 on half of the pixels": ("town", weighted(1, 1.2), None),
}


@pytest.mark.parametrize("case", WARNED)
def test_what_can_be_seen_beforehand_is_said(case: str) -> None:
    kind, plan, code = WARNED[case]
    assert codes(before_training(of(kind), plan)) == ([code] if code else [])


@pytest.mark.parametrize("case", [case for case, (_, _, code) in WARNED.items() if code])
def test_every_remedy_takes_its_warning_away(case: str) -> None:
    kind, plan, code = WARNED[case]
    (concern,) = before_training(of(kind), plan)
    assert concern.text.endswith(".")
    assert concern.remedies
    for each in concern.remedies:
        assert Plan.read(each.plan.model_dump_json()) == each.plan
        if each.title != "Pretrained segmenter":  # which may see too little, too
            assert code not in codes(before_training(of(kind), each.plan))


def test_a_class_that_does_not_train_is_named() -> None:
    found = of("ships")
    absent = found.classes[0].model_copy(
        update={"name": "buoy", "share": 0.0, "objects": 0, "diameters": None, "sides": None}
    )
    both = found.model_copy(update={"classes": (*found.classes, absent)})
    (concern,) = before_training(both, one_phase())
    assert concern.code == "absent_class"
    assert "buoy" in concern.text


def test_scenes_that_use_little_of_the_common_range_are_to_be_stretched_one_by_one() -> None:
    plan = propose(of("town"), "dice_ce", Budget(steps=600)).plan
    (concern,) = before_training(of("town").model_copy(update={"own_range": 0.3}), plan)
    assert concern.code == "narrow_scenes"
    assert "30%" in concern.text
    (remedy,) = concern.remedies
    assert remedy.plan.inputs.own_stretch
    assert before_training(of("town").model_copy(update={"own_range": 0.3}), remedy.plan) == ()


def test_of_a_rare_class_the_loss_without_weights_is_the_likeliest_reason() -> None:
    plan = one_phase("cross_entropy")
    reasons = nothing_found(of("ships"), plan)
    assert codes(reasons)[0] == "rare_without_weights"
    first, second = remedy(reasons, "rare_without_weights").phases
    assert (first.loss.kind, first.loss.class_weights) == ("weighted_cross_entropy", "inverse_frequency")
    assert second.loss.kind == "cross_entropy"
    assert first.steps + second.steps == plan.steps


def test_where_a_plan_has_more_phases_the_first_one_is_weighted() -> None:
    plan = preset_plan("ce_lovasz")
    better = remedy(nothing_found(of("ships"), plan), "rare_without_weights")
    assert [phase.loss.kind for phase in better.phases] == ["weighted_cross_entropy", "lovasz"]
    assert better.steps == plan.steps


def test_a_class_that_is_not_rare_needs_no_weights() -> None:
    assert "rare_without_weights" not in codes(nothing_found(of("town"), one_phase()))


def test_a_short_run_is_to_be_longer() -> None:
    plan = one_phase(steps=60)
    reasons = nothing_found(of("ships"), plan)
    assert "too_short" in codes(reasons)
    assert remedy(reasons, "too_short") == scaled(plan, 180)
    assert "too_short" not in codes(nothing_found(of("ships"), one_phase(steps=600)))
    slower = nothing_found(of("ships"), one_phase(steps=600), steps=150)  # than it was planned for
    assert remedy(slower, "too_short") == scaled(one_phase(steps=600), 450)


def test_random_weights_are_to_be_pretrained_ones() -> None:
    plan = one_phase()
    better = remedy(nothing_found(of("ships"), plan), "not_pretrained")
    assert better.segmenter == PretrainedSpec(rgb=(2, 1, 0))
    assert better.phases[0].learning_rate == pytest.approx(3e-3), "not the higher one of the U-Net"
    assert better.phases[0].loss == plan.phases[0].loss
    assert "not_pretrained" not in codes(nothing_found(of("ships"), better))


def test_a_low_learning_rate_is_to_be_raised_to_the_usual_one() -> None:
    phases = (Phase(loss=LossSpec(kind="dice"), learning_rate=1e-4, steps=500),)
    plan = Plan(phases=phases, segmenter=PretrainedSpec())
    better = remedy(nothing_found(of("town"), plan), "low_rate")
    assert better.phases[0].learning_rate == pytest.approx(3e-3)
    assert "low_rate" not in codes(nothing_found(of("town"), better))


def test_where_nothing_explains_it_the_labels_are_to_be_checked() -> None:
    plan = propose(of("town"), "dice_ce", Budget(steps=900)).plan
    (only,) = nothing_found(of("town"), plan)
    assert only.code == "unexplained"
    assert only.remedies[0].plan.steps == 2700


def test_a_coarser_scale_brings_large_objects_into_view() -> None:
    better = remedy(before_training(of("planes"), one_phase()), "beyond_field_of_view")
    sides = of("planes").classes[0].sides
    assert sides is not None
    assert sides.p95 * better.inputs.scale <= receptive_field(better.segmenter)
