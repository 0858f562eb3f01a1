"""Loaded by every process of the embedded cluster as it starts.

A worker imports torch and the modules of its jobs, so that the first job need not wait for them; one that has uploads
read needs none of these, and starts the process for the first upload instead. The scheduler and the
workers' nannies leave the server's process group, so that Ctrl-C in a terminal reaches the server alone, which then
ends them in order. They watch the server's process and end when it is gone: a server that is killed cannot tell them,
but the kernel gives an orphan another parent.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from distributed import Scheduler, Worker

from explorer.settings import SERVER_PID, settings

_POLL_SECONDS = 0.5


def dask_setup(process: Any) -> None:
    """Called by Dask with the scheduler, the nanny or the worker, before it registers."""
    if isinstance(process, Scheduler | Worker):
        process.http_server.stop()  # Dask always starts one
    if isinstance(process, Worker):
        offered = process.state.total_resources
        if "read" in offered:
            from explorer.jobs.reading import readers  # here, since no other process has a use for it

            readers().prepare()
        if set(offered) != {"read"}:
            _import_what_jobs_need(trains=bool(offered.get("train")))
    else:
        os.setpgid(0, 0)  # a nanny's worker starts later and inherits the group
        # Not os.getppid() as it is now: the server may have been killed while this process was starting
        server = int(os.environ[SERVER_PID])
        threading.Thread(target=_end_with, args=(server,), name="watch-server", daemon=True).start()


def _import_what_jobs_need(trains: bool) -> None:
    import torch  # here, since the scheduler and the nannies have no use for it

    from explorer.jobs import training  # noqa: F401

    if trains:
        import torch._dynamo
    torch.set_num_threads(settings().worker_threads)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(0)  # a nanny's worker watches its nanny, and follows
