"""A run's events as columns, for charts and tables. No torch.

Events are turned into columns once, as they come: what a new one costs does not depend on how many there are already.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.runs.store import Store
from explorer.runs.thinning import Column, Curve
from explorer.runs.timeline import goes_back_to, timeline
from explorer.training.events import (
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

_RECENT = 100  # steps that tell how fast a run is
_LARGE, _SMALL = 256, 64  # stretches of a curve that has a figure to itself, and of a small one among others
NORM, RATE, SECONDS = "norm", "rate", "seconds"
"""Names of the curves of the gradient norm, the learning rate, and the seconds of training after each step."""

DRAWN_SCORES = tuple(product(("pixel", "object"), ("recall", "precision")))
"""Scopes and metrics of the scores that are drawn of each foreground class while a run trains."""


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
    """What a run has done so far."""

    last_step: int  # steps made so far
    steps_per_second: float | None  # over the last hundred steps, validations included; None before the second
    losses: tuple[LossKind, ...]  # that are logged
    spans: tuple[PhaseSpan, ...]
    course: tuple[PlannedPhase, ...]  # all phases, with the lengths that they have or still may have
    curves: dict[str, tuple[Column, Column]]  # x and y of what is drawn, by name, see ``loss_curve``
    validations: tuple[Validation, ...]
    previews: tuple[Preview, ...]
    notes: tuple[tuple[int, str], ...]  # step and what happened, in plain words
    returns: int  # how often the run has gone back to an earlier step
    device: str
    class_weights: tuple[float, ...]  # of the logged weighted cross-entropy

    @property
    def most_steps(self) -> int:
        """The most steps that the run can take, as far as its triggers have not ended phases early."""
        return self.course[-1].end

    def labels(self, class_id: int) -> bool:
        """Whether what is validated holds any pixel of the class: its recall is defined."""
        return any(each.scores.classes[class_id].pixel.recall is not None for each in self.validations)

    def scores(self, class_id: int, scope: str, metric: str) -> tuple[Column, Column]:
        """Steps and values of one metric ("recall") of one class in one scope ("pixel" or "object"), of every
        validation; ``curves`` has what is drawn of them while the run goes on, see ``score_curve``."""
        values = [getattr(getattr(v.scores.classes[class_id], scope), metric) for v in self.validations]
        return _column(v.step for v in self.validations), _column(values)


def loss_curve(span: int) -> str:
    """Name of the curve of the loss that is trained in a phase, given its position among the spans."""
    return f"loss {span}"


def logged_curve(kind: LossKind) -> str:
    """Name of the curve of a logged loss."""
    return f"logged {kind}"


def score_curve(class_id: int, scope: str, metric: str) -> str:
    """Name of the curve of a score of a foreground class on the validation scenes, see :meth:`History.scores`."""
    return f"{scope} {metric} {class_id}"


def history(events: Sequence[Event], plan: Plan) -> History:
    """What a run has done.

    Args:
        events: all events of the run, in order; what was superseded by going back is left out.
        plan: of the run.
    """
    return Columns(plan, events).history()


class Columns:
    """The columns of a run that goes on.

    Args:
        plan: of the run.
        events: all events so far, in order.
    """

    def __init__(self, plan: Plan, events: Sequence[Event] = ()) -> None:
        self._plan, self._course = plan, RunCourse(plan)
        self._started: Started | None = None
        self._last_step = 0
        self._recent: deque[tuple[int, float]] = deque(maxlen=_RECENT)  # last steps, not always all, and training time
        self._losses: dict[LossKind, None] = {}  # in the order in which they came
        self._curves: dict[str, Curve] = {}
        self._turns: list[PhaseChange | Intervened] = []  # that make the spans of the phases
        self._phases = 0
        self._validations: list[Validation] = []
        self._previews: list[Preview] = []
        self._notes: list[tuple[int, str]] = []
        for event in timeline(events):
            self._take(event)
        self._notes = [(event.step, text) for event in events if (text := _in_words(event)) is not None]
        self._returns = max(0, sum(goes_back_to(event) is not None for event in events) - 1)

    def add(self, events: Sequence[Event]) -> bool:
        """Takes in what the run has done since.

        Returns:
            False, and nothing is taken in, if one of the events goes back to an earlier step: they must be made anew.
        """
        begun = self._started is not None
        for event in events:
            if begun and goes_back_to(event) is not None:
                return False
            begun = begun or isinstance(event, Started)
        for event in events:
            self._take(event)
        return True

    def _take(self, event: Event) -> None:
        self._course.see(event)
        text = _in_words(event)
        if text is not None:
            self._notes.append((event.step, text))
        match event:
            case Started():
                self._started = event
            case Step():
                self._last_step = event.step
                self._recent.append((event.step, event.seconds))
                self._draw(loss_curve(self._phases - 1), event.step, event.loss, _LARGE)
                self._draw(NORM, event.step, event.gradient_norm, _LARGE)
                self._draw(RATE, event.step, event.learning_rate, _LARGE)
                self._draw(SECONDS, event.step, event.seconds, _LARGE)
                for kind, value in event.losses.items():
                    self._losses[kind] = None
                    self._draw(logged_curve(kind), event.step, value, _SMALL)
            case Validation():
                self._validations.append(event)
                for class_id, scores in event.scores.classes.items():
                    for scope, metric in DRAWN_SCORES if class_id else ():
                        name = score_curve(class_id, scope, metric)
                        self._draw(name, event.step, getattr(getattr(scores, scope), metric), _LARGE)
            case Preview():
                self._previews.append(event)
            case PhaseChange() | Intervened():
                self._turns.append(event)
                self._phases += isinstance(event, PhaseChange)

    def _draw(self, name: str, step: int, value: float | None, stretches: int) -> None:
        if name not in self._curves:
            self._curves[name] = Curve(stretches)
        self._curves[name].append(step, math.nan if value is None else value)

    def history(self) -> History:
        """What the run has done so far."""
        first, last = (self._recent[0], self._recent[-1]) if self._recent else ((0, 0.0), (0, 0.0))
        made, spent = last[0] - first[0], last[1] - first[1]
        return History(
            last_step=self._last_step,
            steps_per_second=made / spent if spent > 0 else None,
            losses=tuple(self._losses),
            spans=_spans(self._turns, self._plan, self._last_step),
            course=self._course.phases(),
            curves={name: curve.points() for name, curve in self._curves.items()},
            validations=tuple(self._validations),
            previews=tuple(self._previews),
            notes=tuple(self._notes),
            returns=self._returns,
            device=self._started.device if self._started else "",
            class_weights=self._started.class_weights if self._started else (),
        )


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
        self._plan = store.run(run_id).plan
        self._columns = Columns(self._plan)
        self._history = self._columns.history()

    def history(self) -> History:
        """What the run has done by now; the same object until there is something new."""
        with self._turn:
            cursor, new = self._store.events(self._run_id, self._cursor)
            if new:
                self._cursor = cursor
                if not self._columns.add(new):
                    self._cursor, every = self._store.events(self._run_id, 0)
                    self._columns = Columns(self._plan, every)
                self._history = self._columns.history()
            return self._history
