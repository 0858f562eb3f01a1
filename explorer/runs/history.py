"""A run's events as columns, for charts and tables. No torch."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.runs.store import Store
from explorer.runs.timeline import timeline
from explorer.training.events import (
    CheckpointSaved,
    Event,
    Intervened,
    Note,
    PhaseChange,
    Preview,
    Recovered,
    Started,
    Step,
    Validation,
)
from explorer.training.plan import Plan
from explorer.training.run_course import RunCourse
from explorer.training.schedule import PlannedPhase

Column = NDArray[np.float64]


@dataclass(frozen=True)
class PhaseSpan:
    """A phase as it was run: from before ``start`` + 1 to ``end``, with the loss and the rate it had at its end."""

    phase: int
    cycle: int
    start: int
    end: int
    loss: LossSpec
    learning_rate: float  # of the plan, or set by hand; without warm-up, decay and the factor after a recovery
    ended_by: str = ""  # "length", or the trigger with its numbers; empty while the phase goes on


@dataclass(frozen=True, eq=False)
class History:
    """What a run has done so far. NaN where a value is undefined or was not measured."""

    step: Column  # (S,), steps made
    loss: Column  # (S,), the one being trained
    losses: dict[LossKind, tuple[Column, Column]]  # steps and values of each logged loss
    gradient_norm: Column  # (S,)
    learning_rate: Column  # (S,)
    seconds: Column  # (S,), training time
    spans: tuple[PhaseSpan, ...]
    course: tuple[PlannedPhase, ...]  # all phases, with the lengths that they have or still may have
    validations: tuple[Validation, ...]
    previews: tuple[Preview, ...]
    checkpoints: tuple[CheckpointSaved, ...]
    notes: tuple[tuple[int, str], ...]  # step and what happened, in plain words
    device: str
    class_weights: tuple[float, ...]  # of the logged weighted cross-entropy

    @property
    def last_step(self) -> int:
        """Steps made so far."""
        return int(self.step[-1]) if len(self.step) else 0

    @property
    def steps_per_second(self) -> float | None:
        """Over the last hundred steps, validations included; None before the second step."""
        recent = self.seconds[-100:]
        spent = recent[-1] - recent[0] if len(recent) > 1 else 0.0
        return float((len(recent) - 1) / spent) if spent > 0 else None

    @property
    def most_steps(self) -> int:
        """The most steps that the run can take, as far as its triggers have not ended phases early."""
        return self.course[-1].end

    def labels(self, class_id: int) -> bool:
        """Whether what is validated holds any pixel of the class: its recall is defined."""
        return any(each.scores.classes[class_id].pixel.recall is not None for each in self.validations)

    def scores(self, class_id: int, scope: str, metric: str) -> tuple[Column, Column]:
        """Steps and values of one metric ("recall") of one class in one scope ("pixel" or "object")."""
        values = [getattr(getattr(v.scores.classes[class_id], scope), metric) for v in self.validations]
        return _column(v.step for v in self.validations), _column(values)


def history(events: Sequence[Event], plan: Plan) -> History:
    """The columns of a run.

    Args:
        events: all events of the run, in order; what was superseded by going back is left out.
        plan: of the run.
    """
    kept = timeline(events)
    steps = [event for event in kept if isinstance(event, Step)]
    started = [event for event in events if isinstance(event, Started)]
    kinds: dict[LossKind, None] = {kind: None for event in steps for kind in event.losses}
    return History(
        step=_column(event.step for event in steps),
        loss=_column(event.loss for event in steps),
        losses={kind: _logged(steps, kind) for kind in kinds},
        gradient_norm=_column(event.gradient_norm for event in steps),
        learning_rate=_column(event.learning_rate for event in steps),
        seconds=_column(event.seconds for event in steps),
        spans=_spans(kept, plan, steps[-1].step if steps else 0),
        course=RunCourse(plan, kept).phases(),
        validations=tuple(event for event in kept if isinstance(event, Validation)),
        previews=tuple(event for event in kept if isinstance(event, Preview)),
        checkpoints=tuple(event for event in kept if isinstance(event, CheckpointSaved)),
        notes=tuple((event.step, text) for event in events if (text := _in_words(event)) is not None),
        device=started[-1].device if started else "",
        class_weights=started[-1].class_weights if started else (),
    )


def thinned(x: Column, y: Column, points: int = 400) -> tuple[Column, Column]:
    """At most about ``points`` points that look the same: the lowest and the highest of each stretch stay."""
    if len(x) <= points:
        return x, y
    edges = np.linspace(0, len(x), points // 2 + 1).astype(int)
    kept = set()
    for start, end in pairwise(edges):
        stretch = y[start:end]
        if not np.isnan(stretch).all():
            kept |= {start + int(np.nanargmin(stretch)), start + int(np.nanargmax(stretch))}
    chosen = np.array(sorted(kept | {len(x) - 1}))
    return x[chosen], y[chosen]


def _column(values: Iterable[float | None]) -> Column:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _logged(steps: Sequence[Step], kind: LossKind) -> tuple[Column, Column]:
    there = [(event.step, event.losses[kind]) for event in steps if kind in event.losses]
    return _column(step for step, _ in there), _column(value for _, value in there)


def _spans(events: Sequence[Event], plan: Plan, last: int) -> tuple[PhaseSpan, ...]:
    changes = [event for event in events if isinstance(event, PhaseChange)]
    ends = [*((change.step, change.reason) for change in changes[1:]), *([(last, "")] if changes else [])]
    steered = [event for event in events if isinstance(event, Intervened)]
    spans = []
    for change, (end, reason) in zip(changes, ends, strict=True):
        loss, rate = plan.phases[change.phase].loss, plan.phases[change.phase].learning_rate
        for event in steered:
            if change.step <= event.step < end:
                loss, rate = event.intervention.loss or loss, event.intervention.learning_rate or rate
        spans.append(PhaseSpan(change.phase, change.cycle, change.step, end, loss, rate, reason))
    return tuple(spans)


def _in_words(event: Event) -> str | None:
    match event:
        case PhaseChange() if event.step:
            return f"Phase {event.phase + 1} of cycle {event.cycle + 1} begins ({event.reason})."
        case Intervened():
            change = event.intervention
            if change.length_factor is not None:
                return f"The steps that are left are multiplied by {change.length_factor:.3g}, to keep the time."
            parts = [f"learning rate {change.learning_rate:g}"] if change.learning_rate is not None else []
            parts += [f"loss {change.loss.kind.replace('_', ' ')}"] if change.loss is not None else []
            return f"Changed by hand: {', '.join(parts)}."
        case Recovered():
            return f"{event.reason}: back to step {event.back_to}, all rates times {event.rate_factor:g}."
        case Note():
            return event.text
        case _:
            return None


class Follower:
    """One run's events and history so far. Safe to use from several threads."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self._plan = store.run(run_id).plan
        self._turn = threading.Lock()
        self._cursor = 0
        self._events: list[Event] = []
        self._history = history((), self._plan)

    def history(self) -> History:
        """What the run has done by now; the same object until there is something new."""
        with self._turn:
            cursor, new = self._store.events(self._run_id, self._cursor)
            if new:
                self._cursor = cursor
                self._events += new
                self._history = history(self._events, self._plan)
            return self._history
