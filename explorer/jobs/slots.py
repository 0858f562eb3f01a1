"""The slots in which runs train: Dask's resources, which the workers offer. One run takes one slot.

Runs that are planned for seconds, as those of lessons are, have slots of their own, so that they do not wait for long
ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from distributed import Client

from explorer.jobs.job import Resource
from explorer.runs.turns import Waiting

SHORT_SECONDS = 30.0
"""A run that is planned for at most so long takes a slot for short runs, where there is one."""


@dataclass(frozen=True)
class Place:
    """Where a run stands in the queue for its kind of slot."""

    is_short: bool  # it waits for a slot of short runs
    ahead: tuple[Waiting, ...]  # that start before it, the next one first
    training: tuple[str, ...]  # ids of the runs in slots of this kind
    free: int  # slots that are empty

    @property
    def number(self) -> int:
        """1 starts next."""
        return len(self.ahead) + 1


class Slots:
    """Which runs take which slots of a cluster. Its caller holds a lock.

    Args:
        client: of the cluster.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._taken: dict[str, Resource] = {}  # by id of a run

    def count(self, kind: Resource) -> int:
        """How many slots of a kind the workers that are there offer."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return int(sum(worker["resources"].get(kind, 0) for worker in workers))

    def kind_for(self, seconds: float | None) -> Resource:
        """The kind of slot for a run that is planned for so long; None: it was planned in steps."""
        is_short = seconds is not None and seconds <= SHORT_SECONDS
        return Resource.SHORT if is_short and self.count(Resource.SHORT) else Resource.TRAIN

    def take(self, run_id: str, kind: Resource) -> None:
        """Gives a run a slot."""
        self._taken[run_id] = kind

    def leave(self, run_id: str) -> None:
        """A run has no slot any more; nothing happens if it had none."""
        self._taken.pop(run_id, None)

    def next_runs(self, waiting: Sequence[Waiting]) -> Iterator[tuple[str, Resource]]:
        """The runs that can start now, and in which kind of slot; one while no worker that trains is there yet.

        Args:
            waiting: those without a slot, the next one first.
        """
        free = {kind: self._free(kind) for kind in (Resource.TRAIN, Resource.SHORT)}
        for each in waiting:
            kind = self.kind_for(each.seconds)
            if free[kind] > 0:
                free[kind] -= 1
                yield each.run_id, kind

    def place(self, run_id: str, waiting: Sequence[Waiting]) -> Place | None:
        """Where a run stands among those that wait, the next one first; None: it does not wait."""
        run = next((each for each in waiting if each.run_id == run_id), None)
        if run is None:
            return None
        kind = self.kind_for(run.seconds)
        ahead = waiting[: waiting.index(run)]
        return Place(
            kind is Resource.SHORT,
            tuple(each for each in ahead if self.kind_for(each.seconds) is kind),
            tuple(each for each, taken in self._taken.items() if taken is kind),
            self._free(kind),
        )

    def _free(self, kind: Resource) -> int:
        offered = self.count(kind)
        if kind is Resource.TRAIN:
            offered = max(1, offered)  # its worker will be there in a moment
        return max(0, offered - sum(taken is kind for taken in self._taken.values()))
