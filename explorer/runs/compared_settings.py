"""What tells runs apart before they began and while they trained: dataset, device, and every setting of their plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.runs.folder import DatasetReference
from explorer.runs.timeline import replayed, timeline
from explorer.training.events import Event, Started
from explorer.training.plan import Plan
from explorer.training.plan_terms import NONE, Setting, compare_plans


@dataclass(frozen=True, eq=False)
class TrainedPlan:
    """A run, as far as its settings go."""

    dataset: DatasetReference
    plan: Plan
    events: Sequence[Event]  # all of the run, in order

    @property
    def as_trained(self) -> Plan:
        """The plan with what was changed while it trained, and with the training time that was asked for."""
        return replayed(self.plan, self.events).model_copy(update={"seconds": self.plan.seconds})

    @property
    def device(self) -> str:
        """On which it trained at last; NONE before it has begun."""
        started = (each.device for each in reversed(timeline(self.events)) if isinstance(each, Started))
        return next(started, NONE)


def compare_settings(runs: Sequence[TrainedPlan]) -> list[Setting]:
    """Every setting that any of the runs has, in the order of the pages, phases last."""
    datasets = [run.dataset for run in runs]
    return [
        Setting("Dataset", tuple(each.name for each in datasets)),
        Setting("Hash of the dataset", tuple(each.id[:12] for each in datasets)),
        Setting("Match rule", tuple(each.match_rule.words for each in datasets)),
        Setting("Minimum object area", tuple(f"{each.minimum_area} px" for each in datasets)),
        Setting("Device", tuple(run.device for run in runs)),
        *compare_plans([run.as_trained for run in runs]),
    ]
