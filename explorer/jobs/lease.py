"""One server at a time uses a store: each would take the runs of the other for lost.

The server that uses a store holds the lock of ``server.lock``, which the kernel releases when its process ends,
however it ends. A lock may hold on one machine only, as on some network file systems. So the server also gives a sign
of life every few seconds, by the time of the file ``server.json``, which says who it is. Whoever gets the lock on
another machine watches for such signs before it believes that the server is gone. A server that was suspended for so
long that another one has taken its place sees the other's name there, and leaves the store to it.

No clocks are compared: only whether the time of the file still changes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError
from explorer.files import locked, write_atomically
from explorer.runs.database import SERVER_LOCK

BEAT_SECONDS = 5.0  # between signs of life
_SILENT_SECONDS = 4 * BEAT_SECONDS  # without any, until a server on another machine counts as gone
_POLL_SECONDS = 0.2
_REMEDY = (
    "use that one, or stop it: this one then takes over by itself; or give this one a store of its own (EXPLORER_STORE)"
)
_IN_USE = "another server uses this store"
_logger = logging.getLogger(__name__)


class StoreInUseError(InputError):
    """Another server uses the store."""


class _Owner(BaseModel):
    """What ``server.json`` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    host: str
    kernel: str  # as long as it is the same, its locks can be relied on
    process: int
    since: datetime  # with time zone


def server_beside(root: Path) -> StoreInUseError | None:
    """That another server on this machine uses the store, found out at once; None: none does.

    Args:
        root: folder of the store.
    """
    try:
        with _only_server(root):
            return None
    except StoreInUseError as problem:
        return problem


@contextlib.contextmanager
def _only_server(root: Path) -> Iterator[None]:
    """Holds the lock of a store.

    Raises:
        StoreInUseError: another server holds it.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(root / SERVER_LOCK, busy=_IN_USE))
        except InputError as problem:
            if problem.what != _IN_USE:
                raise
            file = root / "server.json"
            raise StoreInUseError(_in_use(file, _read(file)), str(root), _REMEDY) from None
        yield


class Lease:
    """The use of a store, from when it is made until it is closed.

    Args:
        root: folder of the store.
        on_lost: called from a thread of the lease if another server has taken the store meanwhile.
        silence: seconds without a sign of life after which a server on another machine counts as gone.
        beat: seconds between the signs of life that this one gives.

    Raises:
        StoreInUseError: another server uses the store; it says which, and since when.
        NoRoomError: the disk is full, or cannot be written.
    """

    def __init__(
        self,
        root: Path,
        on_lost: Callable[[], None],
        silence: float = _SILENT_SECONDS,
        beat: float = BEAT_SECONDS,
    ) -> None:
        self._file, self._on_lost, self._beat = root / "server.json", on_lost, beat
        self._owner = _Owner(
            id=secrets.token_hex(8),
            host=platform.node(),
            kernel=_kernel(),
            process=os.getpid(),
            since=datetime.now(UTC),
        )
        with contextlib.ExitStack() as held:
            held.enter_context(_only_server(root))
            before = _read(self._file)
            if before is not None and before.kernel != self._owner.kernel and _gives_signs(self._file, silence):
                raise StoreInUseError(_in_use(self._file, before), str(root), _REMEDY)
            write_atomically(self._file, self._owner.model_dump_json(indent=1).encode())
            self._held = held.pop_all()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, name="lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leaves the store to others."""
        self._closing.set()
        self._thread.join()
        with self._held:
            if self._is_mine():
                self._file.unlink(missing_ok=True)

    def _live(self) -> None:
        while not self._closing.wait(self._beat):
            if not self._is_mine():
                _logger.error("%s: another server has taken the store, and this one leaves it", self._file.parent)
                self._on_lost()
                return
            with contextlib.suppress(OSError):  # a disk that cannot be written now may be so again with the next sign
                os.utime(self._file)

    def _is_mine(self) -> bool:
        owner = _read(self._file)
        return owner is None or owner.id == self._owner.id


def _gives_signs(file: Path, seconds: float) -> bool:
    """Whether the time of the file changes, or somebody replaces or removes it, within some seconds."""
    first, deadline = _time_of(file), time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        if _time_of(file) != first:
            return True
    return False


def _time_of(file: Path) -> int | None:
    """When the file was written last, in nanoseconds; opened, since a network file system may answer from memory."""
    try:
        with file.open("rb") as opened:
            return os.fstat(opened.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None


def _read(file: Path) -> _Owner | None:
    try:
        return _Owner.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def _in_use(file: Path, owner: _Owner | None) -> str:
    """The sentence about who uses the store."""
    if owner is None:  # it takes the store at this very moment, or is of an earlier version
        return _IN_USE
    said = f"{_IN_USE}: process {owner.process} on {owner.host}, since {owner.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    seconds = time.time() - (_time_of(file) or time.time_ns()) / 1e9
    if owner.kernel == _kernel() and seconds > _SILENT_SECONDS:  # what another machine's clock says is not compared
        said += f". It has given no sign of life for {seconds:.0f} s and may hang"
    return said


def _kernel() -> str:
    """Differs between machines and between starts of one; containers of one machine share it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()
