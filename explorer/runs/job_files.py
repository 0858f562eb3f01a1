"""The files that accompany a job's result: its progress, the request to stop it, and its lock. No torch.

====================  ================================================================
file                  what
====================  ================================================================
``<file>``            the result, written whole
``<file>.progress``   ``JobProgress`` as JSON, while the job works
``<file>.stop``       its presence asks the job to stop
``.<file>.lock``      held by the one process that works on the file
====================  ================================================================
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


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(f"{file.name}.{ending}")
