"""The engine's workers: an embedded Dask cluster in subprocesses, or those of a cluster that runs already.

The embedded cluster has a worker for each slot, so that a run has a process to itself (its death harms no other), one
for runs of seconds, one for slices of landscapes, one for short jobs, which answers while runs train and slices are
measured, and predicts for one image beside them, and one that has uploads read by processes with limits
(``explorer.jobs.reading``). The workers that train start first: all at once would take the time of all until the first
step. The cluster ends with the server's process (see ``explorer.jobs.preload``); a worker that dies is started again by
its nanny, a nanny by the server. It takes orders only from whoever holds its keys (``explorer.jobs.cluster_keys``),
which lie in a folder with the other files of its processes, and its processes serve no pages.

Workers of a foreign cluster say what they are for with ``--resources "train=1"`` (or as many runs as they may train at
once), ``--resources "short=1"`` where runs of seconds are to have slots of their own, ``--resources "slice=1"``,
``--resources "quick=1 predict=1" --nthreads 2`` and ``--resources "read=2"`` (as many uploads as they may read at
once). Where none predicts or none reads, those for short jobs do. They must see the store's folder at the same path and
be able to import ``explorer``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distributed import Client, Future, Security, SpecCluster, Status
from distributed.deploy.subprocess import SubprocessScheduler, SubprocessWorker

import explorer
from explorer.errors import InputError
from explorer.jobs.cluster_folder import ClusterFolder
from explorer.jobs.cluster_keys import foreign_keys, make_keys
from explorer.jobs.job import Resource
from explorer.settings import MEBI, SERVER_PID, Settings

_logger = logging.getLogger(__name__)
_ROOT = Path(explorer.__file__).resolve().parents[1]
_PRELOAD = "explorer.jobs.preload"
_DEATH_SECONDS = 300  # a worker that takes longer to start is given up: a busy machine needs more than Dask's minute
_LOOK_SECONDS = 1.0  # between looks for workers that are gone
_FIRST_SECONDS = 15.0  # at most, until the workers that do not train are started, too
_LATER = (Resource.READ, Resource.PREDICT)  # what workers of a foreign cluster may date from before
_DASK = {
    # A worker that is killed takes no run with it: the run goes on from its checkpoint, as often as it must
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1000",
    # Dask would look at every thread's stack a hundred times a second
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
    # Training holds the interpreter for tens of milliseconds at a time; that is no reason for a warning each time
    "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h",
    "DASK_LOGGING__DISTRIBUTED": "warning",
    # Nobody needs pages of the scheduler and the workers, which anybody on this machine could read
    "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[]",
    "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": "[]",
    # Dask has memory given back at each tensor, which makes training and landscapes two and a half times slower
    "MALLOC_TRIM_THRESHOLD_": str(256 * MEBI),
    "MALLOC_MMAP_THRESHOLD_": str(32 * MEBI),
    # Threads that wait must not spin: two processes that do on two cores are ten times slower than two that sleep
    "OMP_WAIT_POLICY": "PASSIVE",
}


def start_cluster(settings: Settings) -> SpecCluster:
    """Starts the embedded cluster; returns once its scheduler is there, while its workers still start.

    Args:
        settings: ``cpu_slots`` workers train on the processor, or ``gpu_slots`` on each GPU where there is one;
            ``slice_workers`` measure landscapes.
    """
    gpus, cores = visible_gpus(), len(os.sched_getaffinity(0))
    if gpus:
        slots = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus for _ in range(settings.gpu_slots)]
        threads = max(1, cores // len(slots))
    else:
        slots = [{}] * settings.cpu_slots
        threads = max(1, cores // settings.cpu_slots)
    folder = ClusterFolder()
    keys = make_keys(folder.path)
    common = {"protocol": "tls", "host": "127.0.0.1", "dashboard": False, "preload": [_PRELOAD], "security": keys}
    of_worker = common | {"local_directory": str(folder.path)}
    first = {
        f"train-{i}": _worker(of_worker, {Resource.TRAIN: 1}, threads, variables) for i, variables in enumerate(slots)
    }
    shared_gpu = {"CUDA_VISIBLE_DEVICES": gpus[0]} if gpus else {}
    share = max(1, cores // settings.slice_workers)
    others = {
        "read": _worker(of_worker, {Resource.READ: settings.readers}, 1, {}),
        "quick": _worker(of_worker, {Resource.QUICK: 1, Resource.PREDICT: 1}, 1, shared_gpu),
    }
    others |= {
        f"short-{i}": _worker(of_worker, {Resource.SHORT: 1}, threads, shared_gpu) for i in range(settings.short_slots)
    }
    others |= {
        f"slice-{i}": _worker(of_worker, {Resource.SLICE: 1}, share, shared_gpu) for i in range(settings.slice_workers)
    }
    of_scheduler = common | {"port": 0, "scheduler_file": str(folder.path / "scheduler.json")}
    scheduler = {"cls": SubprocessScheduler, "options": {"scheduler_kwargs": of_scheduler}}
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    inherited = {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), SERVER_PID: str(os.getpid())}
    os.environ.update(_DASK | inherited)  # the subprocesses inherit it
    cluster = SpecCluster(
        workers=first, scheduler=scheduler, security=Security(**keys), name="explorer", silence_logs=logging.WARNING
    )
    weakref.finalize(cluster, folder.remove)  # at the latest when this process ends
    threading.Thread(target=_keep_workers, args=(cluster, len(first), others), name="keep-workers", daemon=True).start()
    return cluster


def has_ended(cluster: SpecCluster) -> bool:
    """The scheduler of an embedded cluster was killed: its workers follow, and nothing brings it back."""
    return cluster.status is Status.running and _was_killed(cluster.scheduler)


def connect(cluster: SpecCluster | None, settings: Settings) -> Client:
    """A connection to the embedded cluster, or to the one that runs already.

    Args:
        cluster: the embedded one; None: the one at ``settings.scheduler``.
        settings: with the keys of that one.

    Raises:
        InputError: there is no cluster at the address.
    """
    try:
        return Client(
            cluster or settings.scheduler,
            security=foreign_keys(settings) if cluster is None else None,  # a cluster brings its own
            set_as_default=False,
            timeout=8,
            direct_to_workers=False,
        )
    except OSError as error:
        raise InputError(
            f"there is no cluster ({error})", "EXPLORER_SCHEDULER", "start one there, or unset it"
        ) from None


def end_cluster(cluster: SpecCluster, seconds: float) -> None:
    """Ends an embedded cluster in order, also one whose scheduler was killed."""
    # Whoever ends a server may end its scheduler, too (systemd does); the others then follow by themselves
    with contextlib.suppress(TimeoutError, OSError):
        if has_ended(cluster):
            cluster.sync(_end_workers, cluster)
        cluster.close(timeout=seconds)


async def _end_workers(cluster: SpecCluster) -> None:
    """Ends the workers without their scheduler, which nobody can ask to."""
    cluster.worker_spec.clear()
    for name in list(cluster.workers):
        with contextlib.suppress(Exception):  # it has ended meanwhile
            await cluster.workers.pop(name).close()


def _keep_workers(cluster: SpecCluster, first: int, others: dict[str, Any]) -> None:
    """Starts the other workers once the first ones have registered, or after a while; then starts lost ones again."""
    deadline = time.monotonic() + _FIRST_SECONDS
    while len(cluster.scheduler_info["workers"]) < first and time.monotonic() < deadline:
        if cluster.status is not Status.running:
            return
        time.sleep(0.05)
    cluster.worker_spec.update(others)
    cluster.scale(len(cluster.worker_spec))
    while cluster.status is Status.running and not has_ended(cluster):
        with contextlib.suppress(RuntimeError, TimeoutError):  # the cluster closes at this very moment
            cluster.sync(_start_lost, cluster)
        time.sleep(_LOOK_SECONDS)


async def _start_lost(cluster: SpecCluster) -> None:
    """Starts the workers again whose nanny has ended, as it does where its first worker is killed while it starts."""
    lost = [name for name, worker in cluster.workers.items() if _was_killed(worker)]
    for name in lost:
        await cluster.workers.pop(name).close()
    if lost:
        _logger.warning("started again, since their processes have ended: %s", ", ".join(map(str, lost)))
        cluster.scale(len(cluster.worker_spec))


def _was_killed(process: SubprocessScheduler | SubprocessWorker) -> bool:
    return process.process is not None and process.process.returncode is not None


def offered(client: Client, wanted: Resource) -> Resource:
    """The kind of worker that does a job: the wanted one, or where a foreign cluster has none, one for short jobs.

    Args:
        client: of the cluster.
        wanted: by the job.
    """
    if wanted not in _LATER:
        return wanted
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return wanted if any(wanted in worker["resources"] for worker in workers) else Resource.QUICK


def known_keys(dask_scheduler: Any) -> list[str]:
    """The keys that a scheduler knows; runs there."""
    return [str(key) for key in dask_scheduler.tasks]


def message_of(future: Future) -> str:
    """What the error of a failed job says."""
    error = future.exception()
    return str(error) or type(error).__name__


def visible_gpus() -> list[str]:
    """The CUDA devices that this process may use, asked of the driver's own tool since the server has no torch."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name for name in given.split(",") if name.strip()]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    listed = subprocess.run(
        [tool, "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, timeout=20, check=False
    )
    return listed.stdout.split() if listed.returncode == 0 else []


def _worker(
    common: dict[str, Any], jobs: Mapping[Resource, int], threads: int, environment: dict[str, str]
) -> dict[str, Any]:
    """One nanny with one worker.

    Args:
        common: what all nannies are given.
        jobs: that it takes at a time, of each kind that it is there for.
        threads: of its arithmetic.
        environment: variables of its own.
    """
    return {
        "cls": SubprocessWorker,
        "options": {
            "worker_kwargs": {
                **common,
                "nthreads": sum(jobs.values()),
                "resources": {str(kind): count for kind, count in jobs.items()},
                "memory_limit": 0,  # the machine's own limits hold; Dask would kill a run that uses its share
                "death_timeout": _DEATH_SECONDS,
                "preload_nanny": [_PRELOAD],
                "env": environment | {"EXPLORER_WORKER_THREADS": str(threads)},
            }
        },
    }
