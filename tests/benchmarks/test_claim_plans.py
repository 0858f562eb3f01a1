"""The plans of the claims are alike in all but their losses."""

from __future__ import annotations

from explorer.losses.spec import LossSpec
from explorer.training.plan import Phase, Plan, Trigger
from tests.benchmarks.claim_plans import (
    CE,
    CE_GRID,
    CYCLED,
    DICE_CE,
    FOCAL_GRID,
    GRID,
    JACCARD,
    MAIN,
    ONCE,
    RECIPE,
    WEIGHTED,
    claim_plans,
)

WEIGHTS = LossSpec(kind="weighted_cross_entropy", class_weights="inverse_frequency", weight_cap=7.0)
BASE = Plan(
    phases=(
        Phase(
            loss=WEIGHTS,
            learning_rate=0.004,
            steps=30,
            minimum_steps=5,
            warmup_steps=3,
            decay="cosine",
            trigger=Trigger(relative=True),
        ),
        Phase(loss=LossSpec(kind="jaccard"), learning_rate=0.0004, steps=20, decay="cosine"),
    ),
    cycles=2,
    batch_size=5,
    crop_size=64,
)
PLANS = claim_plans(BASE)


def test_every_plan_has_the_same_steps_and_settings() -> None:
    assert set(PLANS) == {*MAIN, *GRID}
    assert {plan.steps for plan in PLANS.values()} == {100}
    others = {plan.model_copy(update={"name": "x", "phases": BASE.phases, "cycles": 2}).model_dump_json()
              for plan in PLANS.values()}  # fmt: skip
    assert len(others) == 1


def test_loss_alone_has_one_phase_at_the_first_rate() -> None:
    (phase,) = PLANS[WEIGHTED].phases
    assert (phase.loss, phase.learning_rate, phase.steps, phase.warmup_steps) == (WEIGHTS, 0.004, 100, 10)
    assert (phase.trigger, phase.minimum_steps, phase.decay) == (None, 0, "cosine")
    assert [PLANS[name].phases[0].loss.kind for name in (CE, JACCARD, DICE_CE)] == [
        "cross_entropy",
        "jaccard",
        "dice_cross_entropy",
    ]


def test_recipe_is_as_proposed_and_the_fixed_ones_have_no_trigger() -> None:
    assert PLANS[RECIPE].phases == BASE.phases
    assert [(phase.steps, phase.trigger) for phase in PLANS[ONCE].phases] == [(60, None), (40, None)]
    assert [(phase.steps, phase.trigger) for phase in PLANS[CYCLED].phases] == [(30, None), (20, None)]
    assert (PLANS[ONCE].cycles, PLANS[CYCLED].cycles) == (1, 2)


def test_focal_loss_and_cross_entropy_vary_over_the_same_rates() -> None:
    rates = [[PLANS[name].phases[0].learning_rate for name in names] for names in (FOCAL_GRID[:3], CE_GRID)]
    assert rates == [[0.001, 0.004, 0.016]] * 2
    assert {PLANS[name].phases[0].loss.gamma for name in FOCAL_GRID} == {1.0, 5.0}
