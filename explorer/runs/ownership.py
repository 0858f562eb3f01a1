"""Whose runs and datasets are, and what follows from it. Pure functions.

What a visitor makes is theirs until they share it with the class, which may then look at it. A link to a run shows
the run to whoever has it, read-only: a run's id cannot be guessed. What belongs to nobody is an example, or was made by
an earlier version, which knew no visitors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from explorer.errors import InputError
from explorer.runs.records import DatasetRecord, JobRecord, RunRecord


@dataclass(frozen=True)
class Visitor:
    """Whoever looks at the pages."""

    id: str
    name: str  # as others see it: chosen, or "Visitor 3"
    teacher: bool = False  # has given the teacher's token


class Owned(Protocol):
    """A run or a dataset."""

    @property
    def owner(self) -> str | None:
        """Id of a visitor; None: nobody's."""

    @property
    def shared(self) -> bool:
        """The class may look at it."""


def is_of(owned: Owned, visitor: Visitor) -> bool:
    """Whether it is the visitor's own."""
    return owned.owner is not None and owned.owner == visitor.id


def is_seen_by(owned: Owned, visitor: Visitor) -> bool:
    """Whether it is listed for a visitor: their own, what is shared with the class, and what is nobody's."""
    return owned.owner is None or owned.shared or is_of(owned, visitor)


def may_steer(record: RunRecord, visitor: Visitor) -> bool:
    """Whether a visitor may start, steer, pause and stop a run. Those that come with the app are read-only."""
    return not record.example and (record.owner is None or is_of(record, visitor))


def require_steering(record: RunRecord, visitor: Visitor) -> None:
    """Refuses to let anybody but its owner change a run.

    Raises:
        InputError: the run is somebody else's, comes with the app, or was deleted.
    """
    if record.deleted is not None:
        raise InputError("the run was deleted", record.name, "restore it on the page Storage first")
    if record.example:
        raise InputError("the run comes with the app", record.name, "carry on from it in a run of your own")
    if not may_steer(record, visitor):
        raise InputError("the run is somebody else's", record.name, "look at it, or train a run of your own")


def may_stop(job: JobRecord, record: RunRecord, visitor: Visitor) -> bool:
    """Whether a visitor may stop a job on a run: who ordered it, the run's owner and the teacher may."""
    return visitor.teacher or job.owner in (None, visitor.id) or is_of(record, visitor)


def may_manage(owned: Owned, visitor: Visitor) -> bool:
    """Whether a visitor may share, rename and delete something: who owns it, and the teacher what is nobody's.

    Nobody may where it is a run that comes with the app: lessons and links name it.
    """
    if isinstance(owned, RunRecord) and owned.example:
        return False
    return is_of(owned, visitor) or (owned.owner is None and visitor.teacher)


def may_look(run: RunRecord, dataset: DatasetRecord, visitor: Visitor) -> bool:
    """Whether a visitor who has the link may look at a run, which shows scenes of its dataset.

    Whoever trains on their own dataset gives both away with the link. A run on somebody else's dataset shows scenes
    that its owner cannot give away once they are no longer shared.
    """
    return is_of(run, visitor) or run.owner == dataset.owner or is_seen_by(dataset, visitor)
