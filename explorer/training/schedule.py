"""The position of a run in its plan, its learning rate there, and the end of phases. Pure; no torch, no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from explorer.metrics.counts import Scores
from explorer.training.plan import Intervention, Plan, Trigger

VALIDATION_SHARE = 0.02  # of the training time, as planned from pixel counts
MOST_VALIDATION_SHARE = 0.2
MOST_PIXELS = 400_000  # of the scenes, in each validation; the summary at the end covers all

# Of the time of a training pixel (forward, backward and all losses):
_FORWARD = 0.4  # the forward pass of a pixel at the working scale
_SCORING = 0.1  # counting a pixel of the scene, objects included
_SHARE_OF_MANY = 0.1  # of the training time, where a plan says how often it validates
_FEWEST_PIXELS = 65_536


@dataclass(frozen=True)
class Position:
    """The current phase of a run and the state of its trigger."""

    phase: int = 0
    cycle: int = 0
    began: int = 0  # steps made when it began
    smoothed: float | None = None  # running mean of the watched value; None: not seen yet
    best: float | None = None  # plateau: the highest smoothed value so far
    satisfied: int = 0  # validations in a row for which the trigger's condition held
    carried: int = 0  # steps that the triggers of earlier phases saved, by which this one is longer
    reachable: float | None = None  # relative trigger: the highest value that the last validation found within reach
    length_factor: float = 1.0  # of the plan's lengths, from changes made while the run trains

    def watch(self, trigger: Trigger | None, scores: Scores, reachable: float | None = None) -> Position:
        """The position after a validation. An undefined value does not satisfy the condition.

        Args:
            trigger: of the phase.
            scores: that the trigger watches.
            reachable: of a relative trigger, see ``training.reach``; None: undefined.
        """
        value = watched_value(trigger, scores)
        if trigger is None or value is None:
            return replace(self, satisfied=0)
        past = value if self.smoothed is None else self.smoothed
        smoothed = trigger.smoothing * past + (1 - trigger.smoothing) * value
        if trigger.kind == "at_least":
            scale = reachable if trigger.relative else 1.0
            holds, best = scale is not None and smoothed >= trigger.threshold * scale, self.best
        else:
            holds = self.best is not None and smoothed < self.best + trigger.threshold
            best = smoothed if self.best is None or not holds else self.best
        satisfied = self.satisfied + 1 if holds else 0
        return replace(self, smoothed=smoothed, best=best, satisfied=satisfied, reachable=reachable)

    def length(self, plan: Plan) -> int:
        """Steps of the phase, those carried over included; with a trigger, the most."""
        return _times(plan.phases[self.phase].steps, self.length_factor) + self.carried

    def warmup(self, plan: Plan) -> float:
        """Steps over which the rate of the phase rises; a phase that has become longer keeps its warm-up."""
        return plan.phases[self.phase].warmup_steps * min(1.0, self.length_factor)

    def resized(self, plan: Plan, step: int, factor: float) -> Position:
        """The position once the steps that are left, in this phase and in those to come, are multiplied by a factor.

        Args:
            step: steps made so far, fewer than to the end of the phase. At least one step is left to each phase.
        """
        made, length_factor = step - self.began, self.length_factor * factor
        length = made + _times(self.length(plan) - made, factor)
        carried = length - _times(plan.phases[self.phase].steps, length_factor)
        return replace(self, length_factor=length_factor, carried=carried)

    def ended(self, plan: Plan, step: int) -> str | None:
        """Why the phase is over after this step, in words; None while it goes on."""
        made = step - self.began
        phase = plan.phases[self.phase]
        trigger = phase.trigger
        if plan.carry_over and self.following(plan, step) is None:
            trigger = None  # there is no phase that could take the steps
        least = phase.minimum_steps * min(1.0, self.length_factor)
        if trigger is not None and made >= least and self.satisfied >= trigger.patience:
            name = f"{trigger.scope} {trigger.metric} of class {trigger.class_id}"
            if trigger.kind == "plateau":
                return f"trigger: {name} no longer improves ({self.smoothed:.3f})"
            if trigger.relative:
                return f"trigger: {name} {self.smoothed:.3f} ≥ {trigger.threshold:g} × {self.reachable:.3f}"
            return f"trigger: {name} {self.smoothed:.3f} ≥ {trigger.threshold:g}"
        return "length" if made >= self.length(plan) else None

    def following(self, plan: Plan, step: int) -> Position | None:
        """The position at the start of the next phase; None after the last one.

        Args:
            step: the last one of this phase. Steps that it leaves are carried over, if the plan says so.
        """
        carried = self.began + self.length(plan) - step if plan.carry_over else 0
        phase, cycle = (self.phase + 1, self.cycle) if self.phase + 1 < len(plan.phases) else (0, self.cycle + 1)
        if cycle >= plan.cycles:
            return None
        return Position(phase, cycle, step, carried=carried, length_factor=self.length_factor)


def _times(steps: int, factor: float) -> int:
    return max(1, round(steps * factor))


@dataclass(frozen=True)
class PlannedPhase:
    """A phase from ``start`` to ``end``, in steps made: as it was run, or as it is still planned."""

    position: Position
    end: int

    @property
    def start(self) -> int:
        """Steps made when it begins."""
        return self.position.began


def course(plan: Plan, starts: Sequence[int] = (0,), changes: Sequence[Intervention] = ()) -> tuple[PlannedPhase, ...]:
    """All phases of a run: those that have begun where they did, the others at their full length.

    >>> from explorer.losses.spec import LossSpec
    >>> from explorer.training.plan import Phase
    >>> phases = tuple(Phase(loss=LossSpec(kind="dice"), steps=steps) for steps in (10, 20))
    >>> [(each.start, each.end) for each in course(Plan(phases=phases))]
    [(0, 10), (10, 30)]
    >>> [(each.start, each.end) for each in course(Plan(phases=phases), starts=(0, 4))]
    [(0, 4), (4, 24)]
    >>> [(each.start, each.end) for each in course(Plan(phases=phases, carry_over=True), starts=(0, 4))]
    [(0, 4), (4, 30)]
    >>> halved = Intervention(step=4, length_factor=0.5)
    >>> [(each.start, each.end) for each in course(Plan(phases=phases), (0,), [halved])]
    [(0, 7), (7, 17)]

    Args:
        plan: of the run.
        starts: steps made when each of the phases began that have begun.
        changes: made so far, in order; those of the length count.
    """
    begun, resizing = list(starts[1:]), [each for each in changes if each.length_factor is not None]
    position: Position | None = Position()
    phases = []
    while position is not None:
        end = begun.pop(0) if begun else None
        while resizing and (end is None or resizing[0].step < end):
            change = resizing.pop(0)
            position = position.resized(plan, change.step, change.length_factor or 1.0)
        end = position.began + position.length(plan) if end is None else end
        phases.append(PlannedPhase(position, end))
        position = position.following(plan, end)
    return tuple(phases)


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

    The phase's rate rises linearly over the phase's warm-up. With cosine decay it then falls as ½ (1 + cos π s), where
    s is the share of the remaining length that is done (Loshchilov and Hutter 2017, arXiv 1608.03983); the length is
    the most that the phase may take, steps carried over included. A rate that was set by hand takes the place of the
    phase's rate, and warm-up and decay go on from where they are: it is the new peak, not the rate of the next step.
    All is multiplied by the factor that remains of past divergences. A ``Checkpoint`` has all that is needed.

    >>> from explorer.losses.spec import LossSpec
    >>> from explorer.training.plan import Phase
    >>> phase = Phase(loss=LossSpec(kind="dice"), learning_rate=0.4, warmup_steps=4)
    >>> [effective_learning_rate(Plan(phases=(phase,)), Position(), step) for step in range(6)]
    [0.1, 0.2, 0.30000000000000004, 0.4, 0.4, 0.4]
    >>> effective_learning_rate(Plan(phases=(phase,)), Position(), step=10, rate_factor=0.5)
    0.2
    >>> phase = Phase(loss=LossSpec(kind="dice"), learning_rate=0.4, warmup_steps=2, steps=6, decay="cosine")
    >>> [round(effective_learning_rate(Plan(phases=(phase,)), Position(), step), 4) for step in range(6)]
    [0.2, 0.4, 0.4, 0.3414, 0.2, 0.0586]

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
    warmup = position.warmup(plan)
    warmup_factor = min(1.0, (made + 1) / warmup) if warmup else 1.0
    if phase.decay == "none":
        return rate * warmup_factor * rate_factor
    decaying = position.length(plan) - warmup
    done = min(1.0, (made - warmup) / decaying) if made > warmup else 0.0
    return rate * warmup_factor * 0.5 * (1 + math.cos(math.pi * done)) * rate_factor


def share_done(plan: Plan, position: Position, step: int) -> float:
    """How much of the phase is over before the next step: 0 at its first, 1 at the last of its full length.

    >>> from explorer.losses.spec import LossSpec
    >>> from explorer.training.plan import Phase
    >>> plan = Plan(phases=(Phase(loss=LossSpec(kind="dice"), steps=5),))
    >>> [share_done(plan, Position(), step) for step in range(5)]
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return (step - position.began) / max(1, position.length(plan) - 1)


def validation_interval(plan: Plan, pixels: int) -> int:
    """Steps between validations, from pixel counts and not from the clock: two runs agree bit for bit.

    Where the plan says how often it validates, that often; otherwise such that validation takes about
    ``VALIDATION_SHARE`` of the time, more where that gives fewer than ten validations in the whole plan. Never so often
    that validation takes more than ``MOST_VALIDATION_SHARE``.

    >>> from explorer.losses.spec import LossSpec
    >>> from explorer.training.plan import Phase
    >>> plan = Plan(phases=(Phase(loss=LossSpec(kind="dice"), steps=1200),))
    >>> validation_interval(plan, pixels=100_000)
    34
    >>> validation_interval(plan.model_copy(update={"validations": 40}), pixels=100_000)
    30

    Args:
        pixels: of the scenes, in each validation.
    """
    steps_worth = validation_cost(plan) * pixels / (plan.batch_size * plan.crop_size**2)
    least = steps_worth / MOST_VALIDATION_SHARE
    if plan.validations is not None:
        return max(1, plan.steps // plan.validations, math.ceil(least))
    wanted = min(steps_worth / VALIDATION_SHARE, plan.steps / 10)
    return max(5, math.ceil(max(wanted, least)))


def validation_steps(interval: int, position: Position) -> int:
    """The interval of a run whose steps have become fewer or more: it validates as often as was planned.

    >>> validation_steps(10, Position(length_factor=0.5))
    5
    """
    return _times(interval, position.length_factor)


def validation_cost(plan: Plan) -> float:
    """Time that validating a pixel of a scene takes, as a share of the time of a training pixel."""
    return _FORWARD * plan.inputs.scale**2 + _SCORING


def validation_pixels(plan: Plan) -> int:
    """The most pixels of scenes in each validation.

    ``MOST_PIXELS``; more at a smaller working scale, where they take less time, and fewer where the plan validates so
    often that they would take more than a tenth of the training time.

    >>> from explorer.losses.spec import LossSpec
    >>> from explorer.training.plan import Phase
    >>> plan = Plan(phases=(Phase(loss=LossSpec(kind="dice"), steps=600),), validations=40)
    >>> validation_pixels(plan)  # a tenth of 600 steps of 8 crops of 96² pixels, in 40 validations at half the cost
    221184
    """
    if plan.validations is None:
        return MOST_PIXELS
    trained = plan.steps * plan.batch_size * plan.crop_size**2
    affordable = _SHARE_OF_MANY * trained / (plan.validations * validation_cost(plan))
    return int(min(max(affordable, _FEWEST_PIXELS), MOST_PIXELS * (_FORWARD + _SCORING) / validation_cost(plan)))
