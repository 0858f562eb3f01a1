"""Preloaded by the scheduler and the nannies of the embedded cluster: they end when the server that began them is gone.

A server that is killed cannot tell them. The kernel gives an orphan another parent, which is what is looked for.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

_POLL_SECONDS = 0.5


def dask_setup(_server: Any) -> None:
    """Called by Dask once the scheduler or the nanny stands."""
    threading.Thread(target=_end_with, args=(os.getppid(),), name="watch-server", daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(0)  # a nanny's worker watches its nanny, and follows
