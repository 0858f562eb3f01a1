"""The temporary folder of an embedded cluster: its keys, and files of its processes.

A server that is killed cannot remove its folder. So each holds a lock in its own, and removes those of other servers of
this user that nobody holds any more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from explorer.errors import InputError
from explorer.files import locked

_PREFIX = "explorer-cluster-"
_STARTING = "explorer-starting-"  # a folder has the other name once its lock is held
_LOCK = "in-use"
_EARLIER_VERSION_SECONDS = 24 * 60 * 60.0


class ClusterFolder:
    """A new folder that no other user can open; folders of servers that are gone are removed."""

    def __init__(self) -> None:
        _remove_abandoned()
        made = Path(tempfile.mkdtemp(prefix=_STARTING))  # 0700
        with contextlib.ExitStack() as held:
            held.enter_context(locked(made / _LOCK))
            self.path = made.rename(made.with_name(made.name.replace(_STARTING, _PREFIX)))
            self._held = held.pop_all()

    def remove(self) -> None:
        """Removes it with all it holds."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._held.close()


def _remove_abandoned() -> None:
    """Removes folders of this user whose server is gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            is_own = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if not (folder / _LOCK).exists() and folder.stat().st_mtime > time.time() - _EARLIER_VERSION_SECONDS:
                continue  # a server of an earlier version, which held no lock, may still run
            if is_own:  # one without a lock was half removed
                with contextlib.suppress(InputError), locked(folder / _LOCK):
                    shutil.rmtree(folder, ignore_errors=True)
