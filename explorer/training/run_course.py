"""The phases of a run as its events tell them: where they began, and how long what is left will take. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from explorer.training.events import CheckpointSaved, Event, Intervened, PhaseChange, Recovered, Started
from explorer.training.plan import Intervention, Plan
from explorer.training.schedule import PlannedPhase, course


class RunCourse:
    """Follows a run's events, in order.

    Args:
        plan: of the run.
        events: so far.
    """

    def __init__(self, plan: Plan, events: Iterable[Event] = ()) -> None:
        self._plan = plan
        self._starts: list[int] = []
        self._changes: list[Intervention] = []
        self._saved: dict[int, tuple[int, int]] = {}  # how many of both there were at the checkpoint of a step
        for event in events:
            self.see(event)

    def see(self, event: Event) -> None:
        """Takes note of what the run reports."""
        match event:
            case PhaseChange():
                self._starts.append(event.step)
            case Intervened():
                self._changes.append(event.intervention)
            case CheckpointSaved():
                self._saved[event.step] = len(self._starts), len(self._changes)
            case Started():
                self._go_back(event.step)
            case Recovered():
                self._go_back(event.back_to)

    def _go_back(self, step: int) -> None:
        """What came after the checkpoint of this step is undone; without one, all."""
        starts, changes = self._saved.get(step, (0, 0))
        del self._starts[starts:], self._changes[changes:]

    def phases(self) -> tuple[PlannedPhase, ...]:
        """All phases, with the lengths that they have, or still may have if no trigger ends them early."""
        return course(self._plan, self._starts or (0,), self._changes)

    def most_steps(self) -> int:
        """The most steps that the run can take, as far as its triggers have not ended phases early."""
        return self.phases()[-1].end
