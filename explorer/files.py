"""Files that appear whole or not at all, and files that one job at a time may work on."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from explorer.errors import InputError

_LOCK_POLL_SECONDS = 0.1


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into, which takes its place at ``path`` when the block ends, or never if it fails.

    It is written under a temporary name, flushed to the disk and renamed: a kill at any moment leaves the old file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that it is there whole or not at all (see ``atomic_file``)."""
    with atomic_file(path) as file:
        file.write(content)


@contextmanager
def locked(
    path: Path,
    wait: float = 0.0,
    busy: str = "another job works on this",
    remedy: str = "wait until it ends, or stop it",
) -> Iterator[None]:
    """Holds a lock, which the kernel takes back when the process dies.

    Args:
        path: of the lock file, which is made and stays.
        wait: seconds to wait for another process to release it.
        busy: what is wrong while another process holds it.
        remedy: what to do then.

    Raises:
        InputError: another process holds the lock.
    """
    deadline = time.monotonic() + wait
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise InputError(busy, str(path.parent), remedy) from None
            time.sleep(_LOCK_POLL_SECONDS)
        yield
