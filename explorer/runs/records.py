"""What the store tells of runs and datasets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from explorer.training.plan import Plan


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"  # waits for a slot
    RUNNING = "running"
    PAUSED = "paused"  # rests, or was not started yet; can be resumed
    INTERRUPTED = "interrupted"  # its server or its workers went away; can be resumed
    DONE = "done"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    FAILED = "failed"  # an error ended it; can be resumed once the cause is gone

    @property
    def active(self) -> bool:
        """The run trains, or will without anybody's doing."""
        return self in (RunStatus.QUEUED, RunStatus.RUNNING)

    @property
    def resumable(self) -> bool:
        """The run rests and can go on."""
        return self in (RunStatus.PAUSED, RunStatus.INTERRUPTED, RunStatus.FAILED)


@dataclass(frozen=True)
class RunRecord:
    """One run as it stands."""

    id: str
    name: str  # of its plan
    status: RunStatus
    dataset_id: str
    dataset_name: str
    plan: Plan
    created: datetime  # with time zone
    step: int  # steps made
    message: str  # why it failed, diverged or was interrupted; otherwise empty
    group: str | None  # runs that are to be compared share one


@dataclass(frozen=True)
class DatasetRecord:
    """One dataset, without its pixels."""

    id: str  # its fingerprint
    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    scenes: int
    created: datetime  # with time zone
