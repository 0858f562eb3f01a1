"""Keeps the training time of a run: while it trains, the steps that are left become fewer or more. No torch.

The time of a step that was measured beforehand holds for a quiet machine; another program, or the browser of the person
who watches, can make it half as long again. Each change is an intervention, recorded with its step: the plan with
these interventions and without a time repeats the run bit for bit, on a machine of any speed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from explorer.training.commands import Command, Steer
from explorer.training.events import Event, Recovered, Step
from explorer.training.plan import MAX_LENGTH_FACTOR, Plan
from explorer.training.run_course import RunCourse

_AIM = 0.98  # of the time: what follows the last step takes time, too
_TOLERANCE = 0.02  # of the time: a difference below changes nothing
_FAR_TOLERANCE = 0.08  # of the time that is left, likewise: what is far ahead may still even out
_BETWEEN = 0.05  # of the time, between two changes, and before the first
_WINDOW = 0.1  # of the time: the last steps that tell how long the next ones take
_SLOW_STEPS = 2  # first steps, which choose algorithms and fill caches
_FEWEST_STEPS = 3  # that are measured


def length_factor(seconds: float, spent: float, step_seconds: float, left: int) -> float | None:
    """The factor for the steps that are left, so that a run keeps its time; None where it does so as it is.

    >>> length_factor(seconds=100, spent=58, step_seconds=0.5, left=160)  # 80 s more, where 40 s are left
    0.5
    >>> length_factor(seconds=100, spent=58, step_seconds=0.25, left=172)  # 43 s more
    >>> length_factor(seconds=100, spent=101, step_seconds=0.5, left=40)
    0.025

    Args:
        seconds: that the run may train.
        spent: seconds trained so far.
        step_seconds: of a step, with its share of the validations.
        left: steps, at least one.
    """
    remaining = seconds * _AIM - spent
    if abs(left * step_seconds - remaining) <= max(_TOLERANCE * seconds, _FAR_TOLERANCE * remaining):
        return None
    steps = max(1.0, remaining / step_seconds)
    return None if steps == left else min(steps / left, MAX_LENGTH_FACTOR)


class Timekeeper:
    """Follows a run's events and gives the commands that keep its time; none where its plan has no time.

    Args:
        plan: of the run.
        events: of the run so far that still hold, in order.
    """

    def __init__(self, plan: Plan, events: Iterable[Event] = ()) -> None:
        self._seconds, self._course = plan.seconds, RunCourse(plan)
        self._times: deque[tuple[int, float]] = deque()  # steps made, and seconds of training after them
        self._since = 0.0  # seconds of training when the last change was made
        for event in events:
            self.see(event)

    def see(self, event: Event) -> None:
        """Takes note of what the run reports."""
        self._course.see(event)
        match event:
            case Step() if event.step > _SLOW_STEPS:
                self._times.append((event.step, event.seconds))
            case Recovered():  # to an earlier step and an earlier time
                self._times.clear()
                self._since = 0.0

    def __call__(self) -> Sequence[Command]:
        """What is to be changed before the next step."""
        seconds = self._seconds
        if seconds is None or len(self._times) <= _FEWEST_STEPS:
            return ()
        step, spent = self._times[-1]
        if spent - self._since < _BETWEEN * seconds:
            return ()
        while spent - self._times[1][1] >= _WINDOW * seconds and len(self._times) > _FEWEST_STEPS + 1:
            self._times.popleft()
        first, began = self._times[0]
        left = self._course.most_steps() - step
        if left <= 0:
            return ()
        factor = length_factor(seconds, spent, (spent - began) / (step - first), left)
        if factor is None:
            return ()
        self._since = spent
        return (Steer(length_factor=factor),)
