"""The files that accompany a job's result: its progress, the request to stop it, and its lock. No torch.

========================  ============================================================
file                      what
========================  ============================================================
``<file>``                the result, written whole
``<file>.progress``       ``JobProgress`` as JSON, while the job works
``<file>.stop``           its presence asks the job to stop
``.<file>.lock``          held by the one process that works on the file
``jobs/<key>.waiting``    the job of this key may begin; in the run's folder
``jobs/<key>.begun``      it has begun, and may begin again if its worker dies
========================  ============================================================

A cluster cannot say whether a job that is cancelled has begun. So the worker that begins a job renames its file, and
the server that withdraws it removes the file: the file system lets one of them succeed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from explorer.files import locked, write_atomically


@dataclass(frozen=True)
class JobProgress:
    """How far a job is."""

    done: int  # units of work
    expected: int | None  # units in all, estimated; None: unknown
    unit: str  # "points"
    seconds_left: float | None  # None: unknown
    error_in_tolerances: float | None = None  # of a slice, when points were last chosen; None: not known yet


Report = Callable[[JobProgress], None]
"""Takes the progress of a job; raises ``JobStopped`` to end it."""

_PROGRESS = TypeAdapter(JobProgress)


class JobStopped(Exception):  # noqa: N818 — not an error: somebody asked for it
    """Somebody has stopped the job, or its time is over."""


def lock_file(file: Path, wait: float = 0.0) -> AbstractContextManager[None]:
    """Holds the lock of a job's file, in a folder that is made if need be.

    Raises:
        InputError: another process works on the file.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    return locked(file.with_name(f".{file.name}.lock"), wait, f"another job works on {file.name}")


def announce(run: Path, key: str) -> None:
    """Lets the job of a key begin in a run's folder."""
    waiting, _ = _of_key(run, key)
    waiting.parent.mkdir(exist_ok=True)
    waiting.touch()


def begin(run: Path, key: str) -> bool:
    """Called by the job as it begins; False: it was withdrawn, and must leave the run alone."""
    waiting, begun = _of_key(run, key)
    try:
        waiting.rename(begun)
    except FileNotFoundError:
        return begun.exists()  # its worker has died, and another one begins it again
    return True


def withdraw(run: Path, key: str) -> bool:
    """Keeps a job from beginning; False: it has begun."""
    waiting, begun = _of_key(run, key)
    try:
        waiting.unlink()
    except FileNotFoundError:
        return not begun.exists()
    return True


def forget(run: Path, key: str) -> None:
    """Removes what says whether a job has begun, once it has ended."""
    for path in _of_key(run, key):
        path.unlink(missing_ok=True)


def request_stop(file: Path) -> None:
    """Asks the job that works on a file to stop; its folder may not be there yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _beside(file, "stop").touch()


def stop_requested(file: Path) -> bool:
    """Somebody has asked the job to stop."""
    return _beside(file, "stop").exists()


def write_progress(file: Path, progress: JobProgress) -> None:
    """Publishes the progress of a job."""
    write_atomically(_beside(file, "progress"), _PROGRESS.dump_json(progress))


def read_progress(file: Path) -> JobProgress | None:
    """The progress that the job published last; None before the first, and once it has ended."""
    try:
        return _PROGRESS.validate_json(_beside(file, "progress").read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def clear(file: Path) -> None:
    """Removes progress and the request to stop, before a job starts and after it has ended."""
    for ending in ("progress", "stop"):
        _beside(file, ending).unlink(missing_ok=True)


def _of_key(run: Path, key: str) -> tuple[Path, Path]:
    """The files of a job that waits and of one that has begun."""
    return run / "jobs" / f"{key}.waiting", run / "jobs" / f"{key}.begun"


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(f"{file.name}.{ending}")
