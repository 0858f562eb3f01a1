"""Files that appear complete or not at all, locks that end with their process, and disks without room."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from explorer.errors import InputError

_LOCK_POLL_SECONDS = 0.1
_making_a_key = threading.Lock()
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # some network file systems
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class NoRoomError(InputError):
    """Nothing can be written: the disk or a quota is full, or it is read-only. It may pass."""

    @classmethod
    def at(cls, path: Path, why: str) -> Self:
        """The error for a file or folder that cannot be written."""
        return cls(why[:1].lower() + why[1:], str(path), "make room there, then go on")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Says that there is no room where the system says so.

    Args:
        path: what is written, or the folder that is written into.

    Raises:
        NoRoomError: instead of the system's error.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise NoRoomError.at(path, os.strerror(error.errno)) from error


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that replaces ``path`` when the block ends.

    It is written under a temporary name in the same folder, flushed to the disk, then renamed. A process that is killed
    at any moment leaves ``path`` as it was; a block that raises discards what it has written.

    Raises:
        NoRoomError: the disk is full, or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    with writing(path.parent):
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a whole file, see :func:`atomic_file`."""
    with atomic_file(path) as file:
        file.write(content)


def secret_key(path: Path) -> bytes:
    """The 32 random bytes in a file, which are made once and which only the file's owner can read.

    Raises:
        NoRoomError: the file is not there yet, and the disk is full or cannot be written.
    """
    with _making_a_key:
        if not path.exists():
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            with writing(path.parent):
                with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(secrets.token_bytes(32))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
        return path.read_bytes()


@contextmanager
def locked(
    path: Path,
    wait: float = 0.0,
    busy: str = "another job works on this",
    remedy: str = "wait until it ends, or stop it",
) -> Iterator[None]:
    """Holds an exclusive lock, which the kernel releases when the process dies.

    Args:
        path: of the lock's own file, which is created where it is missing and is never removed.
        wait: seconds to wait for whoever holds the lock.
        busy: what to say if it is still held then.
        remedy: what to do about it.

    Raises:
        InputError: the lock is held elsewhere, in this process or another, or the file system has no locks; it names
            the folder of ``path``.
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
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                where = "choose a folder elsewhere, or mount it with locks"
                raise InputError("its file system has no file locks", str(path.parent), where) from None
            time.sleep(_LOCK_POLL_SECONDS)
        yield
