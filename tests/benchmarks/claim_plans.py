"""The plans whose comparison decides the article's claims: of equal length, and alike in all but their losses."""

from __future__ import annotations

from collections.abc import Mapping

from explorer.losses.spec import LossSpec
from explorer.training.plan import Phase, Plan, scaled

CE, WEIGHTED, JACCARD, DICE_CE = "CE", "weighted CE", "Jaccard", "Dice + CE"
ONCE, CYCLED, RECIPE = "weighted CE → Jaccard, once", "weighted CE → Jaccard, cycled", "recipe"
FOCAL = "focal"

MAIN = (CE, WEIGHTED, JACCARD, DICE_CE, ONCE, CYCLED, RECIPE, FOCAL)
"""Names of the plans that every run of the benchmark makes; the recipe is the article's preset as the app offers it."""

GAMMAS, RATES = (1.0, 5.0), (0.25, 1.0, 4.0)
"""Focus and learning rates, as multiples of the preset's, over which focal loss and cross-entropy are varied."""

FOCAL_GRID = tuple(f"focal, γ = {gamma:g}, rate × {rate:g}" for gamma in GAMMAS for rate in RATES)
CE_GRID = tuple(CE if rate == 1 else f"CE, rate × {rate:g}" for rate in RATES)
GRID = (*FOCAL_GRID, *(name for name in CE_GRID if name != CE))
"""Names of the plans that are made for the claim about focal loss only."""

PRESETS: Mapping[str, str] = {
    CE: "ce_only",
    JACCARD: "jaccard_only",
    DICE_CE: "dice_ce",
    RECIPE: "recall_first",
    FOCAL: "focal",
}
"""Keys of the presets with the same sequence of losses."""

_CYCLES = 2


def claim_plans(base: Plan) -> dict[str, Plan]:
    """All plans by name.

    Args:
        base: the article's preset as it is proposed for the dataset: two phases, its steps and all settings. What is
            compared takes everything from it but the losses; a phase alone has the first phase's learning rate.
    """
    first, second = base.phases[:2]
    once = (_untriggered(first), _untriggered(second))
    found = {
        CE: _alone(base, LossSpec(kind="cross_entropy")),
        WEIGHTED: _alone(base, first.loss),
        JACCARD: _alone(base, LossSpec(kind="jaccard")),
        DICE_CE: _alone(base, LossSpec(kind="dice_cross_entropy")),
        ONCE: scaled(base.model_copy(update={"phases": once, "cycles": 1}), base.steps),
        CYCLED: scaled(base.model_copy(update={"phases": once, "cycles": _CYCLES}), base.steps),
        RECIPE: base,
        FOCAL: _alone(base, LossSpec(kind="focal")),
    }
    grid = [(f"focal, γ = {gamma:g}", LossSpec(kind="focal", gamma=gamma)) for gamma in GAMMAS]
    for name, loss in [*grid, (CE, LossSpec(kind="cross_entropy"))]:
        for rate in RATES:
            found.setdefault(CE if name == CE and rate == 1 else f"{name}, rate × {rate:g}", _alone(base, loss, rate))
    return {name: plan.model_copy(update={"name": name}) for name, plan in found.items()}


def _untriggered(phase: Phase) -> Phase:
    return phase.model_copy(update={"trigger": None, "minimum_steps": 0})


def _alone(base: Plan, loss: LossSpec, rate: float = 1.0) -> Plan:
    """One phase of the whole length that is otherwise like the first of the plan."""
    first = _untriggered(base.phases[0])
    phase = first.model_copy(update={"loss": loss, "learning_rate": min(1.0, first.learning_rate * rate)})
    return scaled(base.model_copy(update={"phases": (phase,), "cycles": 1}), base.steps)
