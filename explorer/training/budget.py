"""How long a run may train, and the steps and validations that fit into it. Pure; no torch, no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from explorer.training import recipe
from explorer.training.recipe import SegmenterKind

StepSeconds = float | Mapping[str, float]
"""Seconds of a step: of this very plan, or by kind of segmenter."""


@dataclass(frozen=True)
class Budget:
    """How long a run may train: exactly one of the two is given."""

    seconds: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError("a budget is either seconds or steps")
        if (self.seconds or self.steps or 0) <= 0:
            raise ValueError("a budget is above zero")


def steps_for(seconds: float, step_seconds: float) -> int:
    """Steps that fit into a training time, with a reserve of 5 %; at least one.

    >>> steps_for(60, 0.1)
    570
    """
    return max(1, int(seconds * (1 - recipe.RESERVE) / step_seconds))


def typical_step_seconds(kind: SegmenterKind, batch: int, crop: int) -> float:
    """Seconds of a step on two processor cores, for want of a measurement."""
    return recipe.LEARNING[kind].typical_step_seconds * batch * crop**2 / recipe.PIXELS


def seconds_of_step(step_seconds: StepSeconds | None, kind: SegmenterKind) -> float | None:
    """Those of one kind of segmenter; None where nothing has been measured."""
    return step_seconds.get(kind) if isinstance(step_seconds, Mapping) else step_seconds


def planned_steps(
    budget: Budget, step_seconds: StepSeconds | None, kind: SegmenterKind, cycles: int, batch: int, crop: int
) -> tuple[int, str]:
    """Steps for a budget, a multiple of the cycles, and why so many.

    Args:
        kind: of the segmenter.
        cycles: of the plan.
        batch: crops a step.
        crop: pixels along each side of one.
    """
    if budget.seconds is None:
        assert budget.steps is not None
        return budget.steps, "As asked."
    measured = seconds_of_step(step_seconds, kind)
    each = measured or typical_step_seconds(kind, batch, crop)
    steps = max(steps_for(budget.seconds, each) // cycles * cycles, cycles)
    source = "measured on this machine" if measured else "as usual on two processor cores; nothing was measured"
    reason = (
        f"{budget.seconds:g} s at {1000 * each:.0f} ms a step ({source}), with {recipe.RESERVE:.0%} in reserve; they "
        "become fewer or more where a step turns out slower or faster."
    )
    return steps, reason


def validations_for(budget: Budget, typical_seconds: float) -> int:
    """How often a run validates: such that the first validation comes soon and curves are smooth.

    Args:
        typical_seconds: of the whole run, where the budget is in steps.
    """
    seconds = typical_seconds if budget.seconds is None else budget.seconds
    often = max(recipe.VALIDATIONS, math.ceil(seconds / recipe.VALIDATION_SECONDS))
    return min(often, recipe.MOST_VALIDATIONS)
