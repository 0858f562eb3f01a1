"""What the store lists: runs, datasets, and jobs that leave a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from explorer.training.plan import Plan


class RunStatus(StrEnum):
    """The state of a run."""

    QUEUED = "queued"  # waits for a slot
    RUNNING = "running"
    PAUSED = "paused"  # paused, or not started yet; can be resumed
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
        """The run does not train, and can go on."""
        return self in (RunStatus.PAUSED, RunStatus.INTERRUPTED, RunStatus.FAILED)


class JobStatus(StrEnum):
    """The state of a job that leaves a file: a slice, a threshold sweep, a curvature."""

    QUEUED = "queued"  # waits for a worker
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # somebody stopped it; what a slice has measured is kept
    INTERRUPTED = "interrupted"  # its server or its worker went away
    FAILED = "failed"

    @property
    def active(self) -> bool:
        """The job works, or will without anybody's doing."""
        return self in (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True)
class RunRecord:
    """One run as the store lists it."""

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
    owner: str | None = None  # id of a visitor; None: everybody's, as those of earlier versions
    shared: bool = False  # with the class
    archived: bool = False  # kept, and left out of lists
    deleted: datetime | None = None  # when, with time zone; until it is removed for good, it can be restored
    tags: tuple[str, ...] = ()
    used: datetime | None = field(default=None, compare=False)  # when somebody looked at it last, to the hour
    example: bool = False  # comes with the app, and stays as it is


@dataclass(frozen=True)
class JobRecord:
    """One job that leaves a file in a run's folder. At most one job at a time is active for a file."""

    id: str
    kind: str  # the class in ``explorer.jobs.registry``
    run_id: str
    file: str  # relative to the run's folder
    title: str  # in words, for lists
    status: JobStatus
    message: str  # why it failed or was interrupted; otherwise empty
    created: datetime  # with time zone
    owner: str | None = None  # id of the visitor who ordered it; None: not known


@dataclass(frozen=True)
class DatasetRecord:
    """One dataset, without its pixels."""

    id: str  # hash of its content and its owner
    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    scenes: int
    created: datetime  # with time zone
    owner: str | None = None  # id of a visitor; None: an example, or of an earlier version
    shared: bool = False  # with the class
    archived: bool = False  # kept, and left out of lists
    deleted: datetime | None = None  # when, with time zone; until it is removed for good, it can be restored
    tags: tuple[str, ...] = ()
    used: datetime | None = field(default=None, compare=False)  # when somebody looked at it last, to the hour
