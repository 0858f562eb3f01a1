"""Jobs that leave a file, as the server sees them: orders them, stops them, and stores how they end. No torch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from functools import partial

from distributed import Client, Future, fire_and_forget

from explorer.jobs.cluster import message_of
from explorer.jobs.file_job import job_key, perform_unless_withdrawn
from explorer.jobs.job import FileJob, Resource
from explorer.runs.job_files import announce, clear, forget, request_stop, withdraw
from explorer.runs.records import JobRecord, JobStatus
from explorer.runs.store import Store

_ENDING_SECONDS = 5.0  # for the answer of a job that has ended


class OrderedJobs:
    """The jobs of one store that leave a file. Safe to use from several threads.

    Args:
        store: where they are listed.
        client: of the cluster that does them.
        outlive: whether the cluster goes on with them when this server is gone.
        later: has an update of the store done soon, by the name of what it updates; see ``Reader.add``.
        resource: the kind of worker that does a job.
    """

    def __init__(
        self,
        store: Store,
        client: Client,
        outlive: bool,
        later: Callable[[str, Callable[[], object]], None],
        resource: Callable[[FileJob], Resource],
    ) -> None:
        self._store, self._client, self._outlive, self._later = store, client, outlive, later
        self._resource = resource
        self._lock = threading.RLock()
        self._futures: dict[str, Future] = {}  # by id

    def order(self, job: FileJob, owner: str | None = None) -> JobRecord:
        """Gives the active job for the same file, or starts a new one as soon as a worker is free.

        Args:
            job: to do.
            owner: id of the visitor who orders it.
        """
        with self._lock:
            file = str(job.file.relative_to(job.run))
            record, new = self._store.jobs.create(type(job).__name__, job.run.name, file, job.describe(), owner)
            if new:
                clear(job.file)
                key = job_key(record.id)
                announce(job.run, key)
                future = self._client.submit(
                    perform_unless_withdrawn,
                    job,
                    self._store.id,
                    record.id,
                    key=key,
                    pure=False,
                    resources={self._resource(job): 1},
                    priority=-time.time(),
                )
                if self._outlive:
                    fire_and_forget(future)
                self._store.jobs.set_key(record.id, key)
                self._watch(record.id, future)
            return record

    def stop(self, job_id: str) -> None:
        """Stops a job: at once if it waits, else as soon as it looks."""
        with self._lock:
            record = self._store.jobs.get(job_id)
            if not record.status.active:
                return
            run = self._store.folder(record.run_id).path
            if record.status is not JobStatus.QUEUED or not withdraw(run, job_key(job_id)):
                request_stop(run / record.file)
            else:
                future = self._futures.pop(job_id, None)
                if future is not None:
                    future.cancel(force=True)
                self._store.jobs.set_status(job_id, JobStatus.STOPPED)

    def reattach(self, alive: Collection[str], lost: str) -> None:
        """Finds the jobs of a server that is gone.

        Args:
            alive: keys of those that the cluster still has.
            lost: what is said of the others.
        """
        with self._lock:
            for job_id, key in self._store.jobs.keys().items():
                if key is not None and key in alive:
                    self._watch(job_id, Future(key, self._client))
                else:
                    self._forget(job_id, job_key(job_id))
                    self._store.jobs.set_status(job_id, JobStatus.INTERRUPTED, lost)

    def close(self) -> None:
        """Stores no ends any more."""
        with self._lock:
            self._futures.clear()

    def _watch(self, job_id: str, future: Future) -> None:
        self._futures[job_id] = future
        future.add_done_callback(lambda done: self._later(f"end of job {job_id}", partial(self._ended, job_id, done)))

    def _ended(self, job_id: str, future: Future) -> None:
        if not self._awaited(job_id, future):
            return
        ending: JobStatus | None = None
        if future.status in ("finished", "pending"):  # pending: its worker died with the answer, it is done again
            # Before the lock: while the answer is on its way, pages go on; the reader asks again if it does not come
            ending = future.result(timeout=_ENDING_SECONDS)
        with self._lock:
            if not self._awaited(job_id, future):
                return
            self._forget(job_id, future.key)  # whoever sees the end finds no file of it
            if ending is not None:
                self._store.jobs.set_status(job_id, ending)
            elif future.status == "error":
                self._store.jobs.set_status(job_id, JobStatus.FAILED, message_of(future))
            else:
                self._store.jobs.set_status(job_id, JobStatus.INTERRUPTED, "Its worker was lost.")
            del self._futures[job_id]

    def _awaited(self, job_id: str, future: Future) -> bool:
        with self._lock:
            return self._futures.get(job_id) is future

    def _forget(self, job_id: str, key: str) -> None:
        forget(self._store.folder(self._store.jobs.get(job_id).run_id).path, key)
