"""What of a run's events still holds, and the plan that repeats it.

Events are only ever appended. A run that goes on from a checkpoint (its worker was killed, or the loss exploded)
makes the steps after that checkpoint once more, and what was written about them the first time is superseded.
The rule is here, once: an event that goes back to step s supersedes all that follows the ``CheckpointSaved`` of step s,
except notes, which tell what happened to the run from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explorer.training.events import CheckpointSaved, Event, Intervened, Note, PhaseChange, Recovered, Started
from explorer.training.plan import Intervention, Plan


def goes_back_to(event: Event) -> int | None:
    """The step from which this event goes on, if it is one that may supersede others."""
    match event:
        case Started():
            return event.step
        case Recovered():
            return event.back_to
        case _:
            return None


def timeline(events: Iterable[Event]) -> list[Event]:
    """The events that still hold, in order."""
    kept: list[Event] = []
    for event in events:
        step = goes_back_to(event)
        if step is not None:
            kept, _ = going_back(kept, step)
        kept.append(event)
    return kept


def going_back(events: Sequence[Event], step: int) -> tuple[list[Event], list[Event]]:
    """What of a timeline holds, and what does not, once the run goes on from ``step``."""
    cut = _position_after(events, step)
    notes: list[Event] = [event for event in events[cut:] if isinstance(event, Note)]
    return [*events[:cut], *notes], [event for event in events[cut:] if not isinstance(event, Note)]


def _position_after(events: Sequence[Event], step: int) -> int:
    """Position after the checkpoint of this step; without one, before the first event beyond the step."""
    for position in range(len(events) - 1, -1, -1):
        event = events[position]
        if isinstance(event, CheckpointSaved) and event.step == step:
            return position + 1
    if step == 0:
        return 0
    return next((position for position, event in enumerate(events) if event.step > step), len(events))


def replayed(plan: Plan, events: Sequence[Event]) -> Plan:
    """The plan with everything that changed its run on the way: training it makes the same steps again.

    Changes made while it trained become interventions, and the plan has no training time to keep. After a divergence a
    run goes on with lower learning rates: the phases get those of the end, and interventions put back the higher ones
    for as long as they held. Factors are powers of two, so that the rates come out bit for bit.

    Args:
        plan: of the run.
        events: all events of the run, in order.
    """
    held = timeline(events)
    last = next((event.rate_factor for event in reversed(held) if isinstance(event, Recovered)), 1.0)
    interventions: list[Intervention] = []
    made: list[Intervention] = []
    factor, rate = 1.0, plan.phases[0].learning_rate
    for event in held:
        match event:
            case PhaseChange():
                rate = plan.phases[event.phase].learning_rate
                if factor != last:
                    interventions.append(Intervention(step=event.step, learning_rate=rate * factor))
            case Recovered():
                factor = event.rate_factor
                interventions.append(Intervention(step=event.back_to, learning_rate=rate * factor))
            case Intervened():
                made.append(event.intervention)
                rate = event.intervention.learning_rate or rate
                interventions.append(_scaled(event.intervention, factor))
    ahead = [_scaled(intervention, last) for intervention in plan.interventions if intervention not in made]
    phases = tuple(phase.model_copy(update={"learning_rate": phase.learning_rate * last}) for phase in plan.phases)
    changed = {"phases": phases, "interventions": (*interventions, *ahead), "seconds": None}
    return plan.model_copy(update=changed)


def _scaled(intervention: Intervention, factor: float) -> Intervention:
    if intervention.learning_rate is None:
        return intervention
    return intervention.model_copy(update={"learning_rate": intervention.learning_rate * factor})
