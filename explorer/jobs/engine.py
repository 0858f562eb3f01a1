"""The engine: queues runs, orders jobs, and stores what they report. No torch.

A job writes into the run's folder and notifies the server under the store's own topic (a Dask event); the engine's
reader thread then stores what is new. Commands go the other way as files in the run's folder, which the job reads.
Neither side needs the other to be there: a job whose server has gone loses nothing, and a server that comes back finds
all of it.

Runs wait in the store's queue, where visitors take turns, and reach the cluster when a slot is free, so that they start
in the order shown. Slots are Dask's resources; runs of seconds have slots of their own.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from distributed import Future, fire_and_forget

from explorer.errors import InputError
from explorer.files import NoRoomError
from explorer.jobs.cluster import connect, end_cluster, has_ended, known_keys, message_of, offered, start_cluster
from explorer.jobs.job import Answer, FileJob, Job, Resource, perform
from explorer.jobs.lease import Lease
from explorer.jobs.ordered_jobs import OrderedJobs
from explorer.jobs.reader import Reader, Update
from explorer.jobs.registry import TrainRun
from explorer.jobs.slots import Place, Slots
from explorer.runs.job_files import announce, forget, withdraw
from explorer.runs.records import JobRecord, JobStatus, RunStatus
from explorer.runs.store import Store
from explorer.runs.turns import Waiting
from explorer.settings import Settings
from explorer.training.commands import Command, Pace, Pause, RunUntil, Steer, Stop

_RESUMABLE = tuple(status for status in RunStatus if status.resumable)
_ACTIVE = [status for status in RunStatus if status.active]
_CLOSE_SECONDS = 8.0
_LOST = "The server or its cluster was restarted."
_ANSWERS_FIRST = 10.0  # priority of a job that a page waits for; Dask starts higher ones first


class Engine:
    """Runs and other jobs on the cluster. Safe to use from several threads; one for each store.

    Args:
        store: where runs are kept.
        settings: the shape of the cluster, or the address of one that runs already.

    Raises:
        StoreInUseError: another server uses the store.
        InputError: there is no cluster at the address.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._closed = self._lost = False
        self._lock = threading.RLock()
        self._training: dict[str, Future] = {}  # runs whose job the cluster has, by id
        self._reader = Reader(self._due)
        with contextlib.ExitStack() as held:  # ended in reverse order, by close() or where this fails
            held.enter_context(contextlib.closing(Lease(store.root, self._leave)))
            self._cluster = None if settings.scheduler else start_cluster(settings)
            held.callback(self._end_cluster)
            self._client = connect(self._cluster, settings)
            held.callback(self._end_client)
            self._slots = Slots(self._client)
            self._jobs = OrderedJobs(store, self._client, self._cluster is None, self._reader.add, self._resource)
            held.callback(self._jobs.close)
            self._reattach()
            self._reader.start()
            held.callback(self._reader.close)
            self._client.subscribe_topic(store.id, self._notified)
            self._held = held.pop_all()

    # Runs -------------------------------------------------------------------------------------------------

    def submit(self, run_id: str) -> None:
        """Trains a run, or resumes it, as soon as there is a slot; does nothing if it waits or trains already.

        Raises:
            InputError: there is no such run, or it has ended.
        """
        with self._lock:
            if self._enqueue(run_id):
                self._fill_slots()

    def step(self, run_id: str, steps: int = 1) -> None:
        """Makes some steps more and pauses."""
        with self._lock:
            folder = self._store.folder(run_id)
            starts = self._enqueue(run_id)
            self._store.ingest(run_id)
            folder.send(RunUntil(self._store.run(run_id).step + steps))
            if starts:
                self._fill_slots()

    def pause(self, run_id: str) -> None:
        """Pauses a run at its next step; one that still waits for a slot leaves the queue."""
        with self._lock:
            status = self._store.run(run_id).status
            if status is RunStatus.QUEUED and self._withdraw(run_id):
                return
            if status.active:
                self._store.folder(run_id).send(Pause())

    def stop(self, run_id: str) -> None:
        """Ends a run for good, with a checkpoint and a summary of what it has learned."""
        with self._lock:
            self._store.ingest(run_id)  # a job that has just paused reads no command any more
            status = self._store.run(run_id).status
            if not (status.active or status.resumable):
                return
            self._store.folder(run_id).send(Stop())
            if status is RunStatus.QUEUED and not self._withdraw(run_id):
                return
            if status is not RunStatus.RUNNING and self._enqueue(run_id, stale=(Pause, RunUntil)):
                self._train(run_id, Resource.QUICK)  # no need to wait for a slot

    def steer(self, run_id: str, change: Steer) -> None:
        """Changes the rate or the loss of the current phase: at the next step, or once the run is resumed."""
        record = self._store.run(run_id)
        if not (record.status.active or record.status.resumable):
            raise InputError("the run has ended", record.name, "start a new one from its plan")
        self._store.folder(run_id).send(change)

    def pace(self, run_id: str, steps_per_second: float | None) -> None:
        """Has a run make at most so many steps a second, until its end; None: as many as it can."""
        folder = self._store.folder(run_id)
        former = [name for name, command in folder.pending().items() if isinstance(command, Pace)]
        folder.send(Pace(steps_per_second))
        folder.forget(*former)

    def place(self, run_id: str) -> Place | None:
        """The place of a run in the queue for its kind of slot; None: it does not wait for one."""
        with self._lock:
            return self._slots.place(run_id, self._waiting())

    @property
    def starting(self) -> bool:
        """The workers that train are not there yet."""
        return self._slots.count(Resource.TRAIN) == 0

    @property
    def problem(self) -> str | None:
        """Why the store cannot be written at present; None: all is well."""
        return self._reader.problem

    # Jobs that leave a file -------------------------------------------------------------------------------

    def order(self, job: FileJob, owner: str | None = None) -> JobRecord:
        """Gives the active job for the same file, or starts a new one; ``owner`` is the visitor who orders it."""
        return self._jobs.order(job, owner)

    def stop_job(self, job_id: str) -> None:
        """Stops a job that leaves a file: at once if it waits, else as soon as it looks."""
        self._jobs.stop(job_id)

    # Jobs that answer -------------------------------------------------------------------------------------

    def ask(self, job: Job[Answer], timeout: float | None = None) -> Answer:
        """Has a job done and waits for its answer.

        Args:
            timeout: seconds to wait; the job's own limit if not given.

        Raises:
            InputError: it does not answer in time; or what the job raises.
        """
        seconds = job.limit if timeout is None else timeout
        resource = self._resource(job)
        future = self._client.submit(perform, job, pure=False, resources={resource: 1}, priority=_ANSWERS_FIRST)
        try:
            answer: Answer = future.result(timeout=seconds)
        except TimeoutError:
            future.cancel()
            busy = [record.title for record in self._store.jobs.active() if record.status is JobStatus.RUNNING]
            others = f"; at work: {', '.join(busy)}" if busy else ""
            raise InputError(
                f"no answer in {seconds:.0f} s{others}",
                job.describe(),
                "the workers are busy: wait until other work is done, then try again",
            ) from None
        return answer

    def _resource(self, job: Job[Any]) -> Resource:
        """The kind of worker that does a job; the embedded cluster has all kinds, once they have started."""
        return job.resource if self._cluster is not None else offered(self._client, job.resource)

    @property
    def lost(self) -> bool:
        """Another server has taken the store while this one was suspended, or the scheduler was killed: close it."""
        return self._lost or (self._cluster is not None and has_ended(self._cluster))

    def close(self) -> None:
        """Ends the embedded cluster; runs that train on it can be resumed later. A foreign cluster goes on."""
        if not self._closed:
            self._closed = True
            self._held.close()

    def _leave(self) -> None:
        self._lost = True

    def _end_client(self) -> None:
        # ValueError: it was connecting again, to a scheduler that was killed before the connection was encrypted
        with contextlib.suppress(TimeoutError, OSError, ValueError):
            self._client.close()

    def _end_cluster(self) -> None:
        if self._cluster is not None:
            end_cluster(self._cluster, _CLOSE_SECONDS)

    # The queue of runs ------------------------------------------------------------------------------------

    def _enqueue(self, run_id: str, stale: tuple[type[Command], ...] = (Pause, RunUntil, Stop)) -> bool:
        """Puts a run at the end of the queue and removes stale commands; False if it is active already."""
        record = self._store.run(run_id)
        if record.status.active:
            return False
        if not self._store.set_status(run_id, RunStatus.QUEUED, among=_RESUMABLE):
            raise InputError(f"the run is {record.status}", record.name, "start a new one from its plan")
        self._store.enqueue(run_id)
        self._training.pop(run_id, None)  # a job that is about to end says nothing of the next one
        self._slots.leave(run_id)
        folder = self._store.folder(run_id)
        folder.forget(*(name for name, command in folder.pending().items() if isinstance(command, stale)))
        return True

    def _fill_slots(self) -> None:
        """Gives the cluster as many of the runs that wait as it has slots."""
        with self._lock:
            for run_id, kind in self._slots.next_runs(self._waiting()):
                self._train(run_id, kind)

    def _waiting(self) -> list[Waiting]:
        """The runs without a slot, the next one first."""
        return [each for each in self._store.queue() if each.run_id not in self._training]

    def _train(self, run_id: str, resource: Resource) -> None:
        record, key = self._store.run(run_id), f"run-{run_id}-{secrets.token_hex(3)}"
        job = TrainRun(
            run=self._store.folder(run_id).path,
            dataset=self._store.dataset_file(record.dataset_id),
            device=self._settings.device,
            checkpoint_steps=self._settings.checkpoint_steps,
            topic=self._store.id,
            key=key,
        )
        announce(job.run, key)
        future = self._client.submit(perform, job, key=key, pure=False, resources={resource: 1}, priority=-time.time())
        if self._cluster is None:
            fire_and_forget(future)  # the cluster goes on with it when this server is gone
        self._store.set_key(run_id, key)
        if resource is not Resource.QUICK:
            self._slots.take(run_id, resource)
            self._store.take_turn(run_id)
        self._watch_run(run_id, future)

    def _withdraw(self, run_id: str) -> bool:
        """Takes a run out of the queue; False if its job has begun, which then follows the commands in its folder."""
        future = self._training.get(run_id)
        if future is not None:
            if not withdraw(self._store.folder(run_id).path, future.key):
                return False
            future.cancel(force=True)
            del self._training[run_id]
        self._slots.leave(run_id)
        self._store.set_key(run_id, None)
        self._store.set_status(run_id, RunStatus.PAUSED, among=[RunStatus.QUEUED])
        return True

    # What the cluster reports -----------------------------------------------------------------------------

    def _watch_run(self, run_id: str, future: Future) -> None:
        self._training[run_id] = future
        future.add_done_callback(
            lambda done: self._reader.add(f"end of run {run_id}", partial(self._run_ended, run_id, done))
        )

    def _notified(self, event: tuple[float, tuple[str, str]]) -> None:
        """A job has written something into a run's folder, or begins."""
        kind, name = event[1]
        if kind == "run":
            self._reader.add(f"run {name}", partial(self._store.ingest, name))
        else:
            self._reader.add(f"job {name}", partial(self._store.jobs.set_status, name, JobStatus.RUNNING))

    def _due(self) -> Iterator[tuple[str, Update]]:
        """What the reader does every second: runs that train may have been heard of too late, slots may be free."""
        with self._lock:
            runs = list(self._training)
        for run_id in runs:
            yield f"run {run_id}", partial(self._store.ingest, run_id)
        yield "queue", self._fill_slots

    def _run_ended(self, run_id: str, future: Future) -> None:
        """The job of a run has ended: stores what it has written, and what it could not say itself."""
        with self._lock:
            if self._closed or run_id not in self._training or self._training[run_id] is not future:
                return
            self._store.ingest(run_id)
            self._store.set_key(run_id, None)
            forget(self._store.folder(run_id).path, future.key)
            if future.status != "error":
                self._store.set_status(run_id, RunStatus.INTERRUPTED, "Its job was lost.", _ACTIVE)
            else:
                ending = RunStatus.PAUSED if isinstance(future.exception(), NoRoomError) else RunStatus.FAILED
                self._store.set_status(run_id, ending, message_of(future), _ACTIVE)
            del self._training[run_id]
            self._slots.leave(run_id)
            self._fill_slots()

    def _reattach(self) -> None:
        """Finds what a server that is gone had started: what still works on a foreign cluster, and the rest."""
        keys = self._store.run_keys()
        may_be_alive = self._cluster is None and (keys or self._store.jobs.keys())
        alive = frozenset(self._client.run_on_scheduler(known_keys)) if may_be_alive else frozenset()
        with self._lock:
            for run_id, key in keys.items():
                self._store.ingest(run_id)
                if key in alive:
                    self._slots.take(run_id, self._slots.kind_for(self._store.run(run_id).plan.seconds))
                    self._watch_run(run_id, Future(key, self._client))
                    continue
                self._store.set_key(run_id, None)
                forget(self._store.folder(run_id).path, key)
                self._store.set_status(run_id, RunStatus.INTERRUPTED, _LOST, _ACTIVE)
            self._jobs.reattach(alive, _LOST)
            if self._cluster is not None:
                for waiting in self._store.queue():
                    self._store.set_status(waiting.run_id, RunStatus.INTERRUPTED, _LOST, [RunStatus.QUEUED])
