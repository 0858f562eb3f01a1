"""A run's events as columns, for charts and tables. No torch.

Events are turned into columns once, as they come: what a new one costs does not depend on how many there are already.
"""

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
from explorer.runs.timeline import goes_back_to, going_back
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

_OF_STEPS = ("step", "loss", "gradient_norm", "learning_rate", "seconds")  # fields of Step that are columns


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
    columns = Columns(plan)
    columns.add(events)
    return columns.history()


class _Growing:
    """A column that grows at its end. What was given out stays as it was."""

    def __init__(self) -> None:
        self._values = np.empty(256)
        self._length = 0

    def append(self, value: float | None) -> None:
        if self._length == len(self._values):
            self._values = np.concatenate([self._values, np.empty(self._length)])
        self._values[self._length] = np.nan if value is None else value
        self._length += 1

    def so_far(self) -> Column:
        """(n,), read-only."""
        values = self._values[: self._length]
        values.flags.writeable = False
        return values


class Columns:
    """The columns of a run that goes on.

    Args:
        plan: of the run.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._kept: list[Event] = []
        self._notes: list[tuple[int, str]] = []
        self._started: Started | None = None
        self._forget()

    def _forget(self) -> None:
        self._steps = {name: _Growing() for name in _OF_STEPS}
        self._losses: dict[LossKind, tuple[_Growing, _Growing]] = {}
        self._course = RunCourse(self._plan)
        self._turns: list[PhaseChange | Intervened] = []  # that make the spans of the phases
        self._validations: list[Validation] = []
        self._previews: list[Preview] = []
        self._checkpoints: list[CheckpointSaved] = []

    def add(self, events: Iterable[Event]) -> None:
        """Takes in what the run has done since."""
        for event in events:
            text = _in_words(event)
            if text is not None:
                self._notes.append((event.step, text))
            if isinstance(event, Started):
                self._started = event
            back = goes_back_to(event)
            if back is not None and self._kept:
                self._go_back(back)
            self._keep(event)

    def _go_back(self, step: int) -> None:
        """Rare, and the only thing that takes longer the longer a run is."""
        kept, _ = going_back(self._kept, step)
        self._kept = []
        self._forget()
        for event in kept:
            self._keep(event)

    def _keep(self, event: Event) -> None:
        self._kept.append(event)
        self._course.see(event)
        match event:
            case Step():
                for name, column in self._steps.items():
                    column.append(getattr(event, name))
                for kind, value in event.losses.items():
                    steps, values = self._losses.setdefault(kind, (_Growing(), _Growing()))
                    steps.append(event.step)
                    values.append(value)
            case Validation():
                self._validations.append(event)
            case Preview():
                self._previews.append(event)
            case CheckpointSaved():
                self._checkpoints.append(event)
            case PhaseChange() | Intervened():
                self._turns.append(event)

    def history(self) -> History:
        """What the run has done so far."""
        columns = {name: column.so_far() for name, column in self._steps.items()}
        steps = columns["step"]
        return History(
            **columns,
            losses={kind: (steps.so_far(), values.so_far()) for kind, (steps, values) in self._losses.items()},
            spans=_spans(self._turns, self._plan, int(steps[-1]) if len(steps) else 0),
            course=self._course.phases(),
            validations=tuple(self._validations),
            previews=tuple(self._previews),
            checkpoints=tuple(self._checkpoints),
            notes=tuple(self._notes),
            device=self._started.device if self._started else "",
            class_weights=self._started.class_weights if self._started else (),
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


def _spans(events: Sequence[PhaseChange | Intervened], plan: Plan, last: int) -> tuple[PhaseSpan, ...]:
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
        self._turn = threading.Lock()
        self._cursor = 0
        self._columns = Columns(store.run(run_id).plan)
        self._history = self._columns.history()

    def history(self) -> History:
        """What the run has done by now; the same object until there is something new."""
        with self._turn:
            cursor, new = self._store.events(self._run_id, self._cursor)
            if new:
                self._cursor = cursor
                self._columns.add(new)
                self._history = self._columns.history()
            return self._history
