"""The temporary folder of an embedded cluster: its keys, and files of its processes.

A server that is killed cannot remove its folder. So each holds a lock in its own, and removes those of other servers of
this user that nobody holds any more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from explorer.errors import InputError
from explorer.files import locked

_PREFIX = "explorer-cluster-"
_STARTING = "explorer-starting-"  # a folder has the other name once its lock is held
_LOCK = "in-use"


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
        _remove(self.path)
        self._held.close()


def _remove_abandoned() -> None:
    """Removes folders of this user whose server is gone; one without a lock may be that of an earlier version."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, InputError):
            is_own = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if is_own and (folder / _LOCK).is_file():
                with locked(folder / _LOCK):
                    _remove(folder)


def _remove(folder: Path) -> None:
    """Removes a folder, its lock last: where a process still writes into it, the next server finds lock and rest."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _LOCK:
            path.unlink(missing_ok=True)
    if [path.name for path in folder.iterdir()] == [_LOCK]:
        shutil.rmtree(folder, ignore_errors=True)
