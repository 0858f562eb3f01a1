"""The engine: trains runs on the cluster, and tells the store what they do. No torch.

A run's job writes the run's folder and rings a bell (a Dask event); the engine's one reader thread then takes what is
new into the store. Wishes go the other way as files in the run's folder, which the job looks for. Neither side needs
the other to be there: a job whose server has gone loses nothing, and a server that comes back finds all of it.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import Any

from distributed import Client, Future, fire_and_forget

from explorer.errors import InputError
from explorer.jobs.cluster import QUICK, SLICE, TRAIN, start_cluster
from explorer.jobs.registry import call
from explorer.runs.records import RunStatus
from explorer.runs.store import Store
from explorer.settings import Settings
from explorer.training.commands import Command, Pause, RunUntil, Steer, Stop

_TOPIC = "explorer"  # as in explorer.jobs.training, which imports torch
_LOOK_SECONDS = 1.0  # between looks for news without a bell, which a lost connection may have swallowed
_RESTS = tuple(status for status in RunStatus if status.resumable)


class Engine:
    """Runs and other jobs on the cluster. Safe to use from several threads; one for each store.

    Args:
        store: where runs are kept.
        settings: the shape of the cluster, or the address of one that runs already.

    Raises:
        InputError: there is no cluster at the address.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._cluster = None if settings.scheduler else start_cluster(settings)
        try:
            self._client = Client(
                self._cluster or settings.scheduler, set_as_default=False, timeout=8, direct_to_workers=False
            )
        except OSError as error:
            raise InputError(
                f"there is no cluster ({error})", "EXPLORER_SCHEDULER", "start one there, or unset it"
            ) from None
        self._futures: dict[str, Future] = {}
        self._turn = threading.RLock()
        self._rung: set[str] = set()
        self._bell = threading.Event()
        self._closed = False
        self._client.subscribe_topic(_TOPIC, self._ring)
        self._take_up()
        self._reader = threading.Thread(target=self._read, name="engine-reader", daemon=True)
        self._reader.start()

    # Runs -------------------------------------------------------------------------------------------------

    def submit(self, run_id: str) -> None:
        """Trains a run, or goes on with one, as soon as there is a slot; does nothing if it is on its way.

        Raises:
            InputError: there is no such run, or it has ended.
        """
        with self._turn:
            if self._queued(run_id, (Pause, RunUntil)):
                self._start(run_id, TRAIN)

    def step(self, run_id: str, steps: int = 1) -> None:
        """Makes some steps more and rests."""
        with self._turn:
            folder = self._store.folder(run_id)
            starts = self._queued(run_id, (Pause, RunUntil))
            self._store.take_in(run_id)
            folder.send(RunUntil(self._store.run(run_id).step + steps))
            if starts:
                self._start(run_id, TRAIN)

    def pause(self, run_id: str) -> None:
        """Lets a run rest at its next step; one that still waits for a slot leaves the queue."""
        with self._turn:
            status = self._store.run(run_id).status
            if status.active:
                self._store.folder(run_id).send(Pause())
            if status is RunStatus.QUEUED:
                self._withdraw(run_id)

    def stop(self, run_id: str) -> None:
        """Ends a run for good, with a checkpoint and a summary of what it has learned."""
        with self._turn:
            status = self._store.run(run_id).status
            if not (status.active or status.resumable):
                return
            self._store.folder(run_id).send(Stop())
            if status is RunStatus.QUEUED:
                self._withdraw(run_id)
            if status is not RunStatus.RUNNING and self._queued(run_id, (Pause, RunUntil)):
                self._start(run_id, QUICK)  # no need to wait for a slot

    def steer(self, run_id: str, change: Steer) -> None:
        """Changes the rate or the loss of the present phase: at the next step, or once the run goes on."""
        record = self._store.run(run_id)
        if not (record.status.active or record.status.resumable):
            raise InputError("the run has ended", record.name, "start a new one from its plan")
        self._store.folder(run_id).send(change)

    def position(self, run_id: str) -> int | None:
        """The place of a run in the queue, 1 is next; None: it does not wait."""
        with self._turn:
            waiting = [id for id in self._futures if self._store.run(id).status is RunStatus.QUEUED]
        return waiting.index(run_id) + 1 if run_id in waiting else None

    # Other jobs -------------------------------------------------------------------------------------------

    def quick(self, name: str, *arguments: Any) -> Future:
        """Calls a function where short jobs are done, beside the runs.

        Args:
            name: "module:function", imported there.
            arguments: of the function.
        """
        return self._client.submit(call, name, *arguments, pure=False, resources={QUICK: 1}, priority=10)

    def slice(self, name: str, *arguments: Any) -> Future:
        """Likewise where slices of landscapes are measured, one after another."""
        return self._client.submit(call, name, *arguments, pure=False, resources={SLICE: 1})

    def close(self) -> None:
        """Ends the embedded cluster; runs that train on it can be resumed later. A foreign cluster goes on."""
        self._closed = True
        self._bell.set()
        self._reader.join(5)
        with contextlib.suppress(TimeoutError, OSError):
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    # How it is done ---------------------------------------------------------------------------------------

    def _queued(self, run_id: str, stale: tuple[type[Command], ...]) -> bool:
        """Puts a resting run in the queue and forgets wishes of before; False if it is on its way already."""
        record = self._store.run(run_id)
        if record.status.active:
            return False
        if not self._store.set_status(run_id, RunStatus.QUEUED, among=_RESTS):
            raise InputError(f"the run is {record.status}", record.name, "start a new one from its plan")
        folder = self._store.folder(run_id)
        folder.forget(*(name for name, command in folder.pending().items() if isinstance(command, stale)))
        return True

    def _start(self, run_id: str, purpose: str) -> None:
        record, key = self._store.run(run_id), f"run-{run_id}-{secrets.token_hex(3)}"
        future = self._client.submit(
            call,
            "explorer.jobs.training:train_run",
            self._store.folder(run_id).path,
            self._store.dataset_file(record.dataset_id),
            self._settings.device,
            self._settings.checkpoint_steps,
            key=key,
            pure=False,
            resources={purpose: 1},
        )
        if self._cluster is None:
            fire_and_forget(future)  # the cluster goes on with it when this server is gone
        self._store.set_job(run_id, key)
        self._watch(run_id, future)

    def _watch(self, run_id: str, future: Future) -> None:
        self._futures[run_id] = future
        future.add_done_callback(lambda done: self._ended(run_id, done))

    def _withdraw(self, run_id: str) -> None:
        """Takes a run out of the queue. If its job has begun all the same, the wish in its folder ends it."""
        future = self._futures.pop(run_id, None)
        if future is not None:
            future.cancel(force=True)
        self._store.set_status(run_id, RunStatus.PAUSED, among=[RunStatus.QUEUED])

    def _ended(self, run_id: str, future: Future) -> None:
        """The job has ended: whatever it has written is taken in, and what it could not say itself is noted."""
        if self._closed:
            return
        with self._turn:
            if run_id not in self._futures or self._futures[run_id] is not future:
                return
            del self._futures[run_id]
            self._store.take_in(run_id)
            self._store.set_job(run_id, None)
            on_its_way = [RunStatus.QUEUED, RunStatus.RUNNING]
            if future.status == "error":
                error = future.exception()
                self._store.set_status(run_id, RunStatus.FAILED, str(error) or type(error).__name__, on_its_way)
            else:
                self._store.set_status(run_id, RunStatus.INTERRUPTED, "Its job was lost.", on_its_way)

    def _take_up(self) -> None:
        """Finds the runs of a server that is gone: those that still train on a foreign cluster, and the others."""
        jobs = self._store.jobs()
        alive = set(self._client.run_on_scheduler(_known_jobs)) if jobs and self._cluster is None else set()
        for run_id, key in jobs.items():
            self._store.take_in(run_id)
            if key in alive:
                self._watch(run_id, Future(key, self._client))
                continue
            self._store.set_job(run_id, None)
            lost = [RunStatus.QUEUED, RunStatus.RUNNING]
            self._store.set_status(run_id, RunStatus.INTERRUPTED, "The server was restarted.", lost)

    def _ring(self, event: tuple[float, str]) -> None:
        self._rung.add(event[1])
        self._bell.set()

    def _read(self) -> None:
        while not self._closed:
            self._bell.wait(_LOOK_SECONDS)
            self._bell.clear()
            rung = {self._rung.pop() for _ in range(len(self._rung))}
            for run_id in rung | set(self._futures):
                with contextlib.suppress(InputError):
                    self._store.take_in(run_id)


def _known_jobs(dask_scheduler: Any) -> list[str]:
    """The keys that a scheduler knows; runs there."""
    return [str(key) for key in dask_scheduler.tasks]
