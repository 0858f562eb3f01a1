"""The position of a run in its plan, its learning rate there, and the end of phases. Pure; no torch, no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from explorer.metrics.counts import Scores
from explorer.training.plan import Phase, Plan, Trigger

VALIDATION_SHARE = 0.02  # of the training time, as planned from pixel counts
VALIDATION_COST = 0.5  # of a training pixel: forward and object counts, against forward and backward
MOST_VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class Position:
    """The current phase of a run and the state of its trigger."""

    phase: int = 0
    cycle: int = 0
    began: int = 0  # steps made when it began
    smoothed: float | None = None  # running mean of the watched value; None: not seen yet
    best: float | None = None  # plateau: the highest smoothed value so far
    satisfied: int = 0  # validations in a row for which the trigger's condition held

    def watch(self, trigger: Trigger | None, scores: Scores) -> Position:
        """The position after a validation. An undefined value does not satisfy the condition."""
        value = watched_value(trigger, scores)
        if trigger is None or value is None:
            return replace(self, satisfied=0)
        past = value if self.smoothed is None else self.smoothed
        smoothed = trigger.smoothing * past + (1 - trigger.smoothing) * value
        if trigger.kind == "at_least":
            holds, best = smoothed >= trigger.threshold, self.best
        else:
            holds = self.best is not None and smoothed < self.best + trigger.threshold
            best = smoothed if self.best is None or not holds else self.best
        return replace(self, smoothed=smoothed, best=best, satisfied=self.satisfied + 1 if holds else 0)

    def ended(self, phase: Phase, step: int) -> str | None:
        """Why the phase is over after this step, in words; None while it goes on."""
        made = step - self.began
        trigger = phase.trigger
        if trigger is not None and made >= phase.minimum_steps and self.satisfied >= trigger.patience:
            name = f"{trigger.scope} {trigger.metric} of class {trigger.class_id}"
            if trigger.kind == "plateau":
                return f"trigger: {name} no longer improves ({self.smoothed:.3f})"
            return f"trigger: {name} {self.smoothed:.3f} ≥ {trigger.threshold:g}"
        return "length" if made >= phase.steps else None

    def following(self, plan: Plan, step: int) -> Position | None:
        """The position at the start of the next phase; None after the last one."""
        if self.phase + 1 < len(plan.phases):
            return Position(self.phase + 1, self.cycle, step)
        return Position(0, self.cycle + 1, step) if self.cycle + 1 < plan.cycles else None


def watched_value(trigger: Trigger | None, scores: Scores) -> float | None:
    """The value that a trigger watches; None where it is undefined (there is no object IoU)."""
    if trigger is None or trigger.class_id not in scores.classes:
        return None
    of_class = scores.classes[trigger.class_id]
    value: float | None = getattr(of_class.pixel if trigger.scope == "pixel" else of_class.object, trigger.metric, None)
    return value


def effective_learning_rate(
    plan: Plan, position: Position, step: int, steered: float | None = None, rate_factor: float = 1.0
) -> float:
    """The learning rate with which the optimiser makes its next step.

    The phase's rate, or the one that was set by hand, rises linearly over the phase's warm-up and is multiplied by the
    factor that remains of past divergences. A ``Checkpoint`` has all that is needed.

    >>> from explorer.losses.spec import LossSpec
    >>> phase = Phase(loss=LossSpec(kind="dice"), learning_rate=0.4, warmup_steps=4)
    >>> [effective_learning_rate(Plan(phases=(phase,)), Position(), step) for step in range(6)]
    [0.1, 0.2, 0.30000000000000004, 0.4, 0.4, 0.4]
    >>> effective_learning_rate(Plan(phases=(phase,)), Position(), step=10, rate_factor=0.5)
    0.2

    Args:
        plan: of the run.
        position: in the plan.
        step: steps made so far in the whole run.
        steered: learning rate set by hand for the current phase; None: the phase's own.
        rate_factor: 1, halved at every recovery from a divergence.
    """
    phase = plan.phases[position.phase]
    rate = phase.learning_rate if steered is None else steered
    made = step - position.began
    warmup_factor = min(1.0, (made + 1) / phase.warmup_steps) if phase.warmup_steps else 1.0
    return rate * warmup_factor * rate_factor


def validation_interval(plan: Plan, pixels: int) -> int:
    """Steps between validations, from pixel counts and not from the clock: two runs agree bit for bit.

    Validation takes about ``VALIDATION_SHARE`` of the time; more where that gives fewer than ten validations in the
    whole plan, but never above ``MOST_VALIDATION_SHARE``.

    >>> from explorer.losses.spec import LossSpec
    >>> plan = Plan(phases=(Phase(loss=LossSpec(kind="dice"), steps=1200),))
    >>> validation_interval(plan, pixels=100_000)
    34

    Args:
        pixels: pixels in each validation.
    """
    steps_worth = VALIDATION_COST * pixels / (plan.batch_size * plan.crop_size**2)
    wanted = min(steps_worth / VALIDATION_SHARE, plan.steps / 10)
    return max(5, math.ceil(max(wanted, steps_worth / MOST_VALIDATION_SHARE)))
