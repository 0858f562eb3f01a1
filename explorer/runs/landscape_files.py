"""Where slices of a run lie, and how far they are. No torch: the server reads these."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from explorer.landscape.journal import journal_path
from explorer.landscape.provenance import SliceRequest
from explorer.runs.folder import RunFolder
from explorer.runs.landscape_answers import SliceProgress

_PROGRESS = TypeAdapter(SliceProgress)


def slice_file(folder: RunFolder, request: SliceRequest) -> Path:
    """Where a slice is kept: one file for each set of points, so that a finer tolerance goes on with a coarse one."""
    points = request.model_copy(update={"tolerance": 0.01, "budget": 1681, "exhaustive": False, "watched": ()})
    name = blake2b(points.model_dump_json().encode(), digest_size=8).hexdigest()
    return folder.path / "slices" / f"{request.plane.kind}-{name}.npz"


def stop_file(out: Path) -> Path:
    """Its presence asks the job to leave off."""
    return out.with_suffix(".stop")


def progress_file(out: Path) -> Path:
    """How far the job is, as JSON."""
    return out.with_suffix(".progress.json")


def progress_of(out: Path) -> SliceProgress | None:
    """How far the job was when it last said so; None before that."""
    try:
        return _PROGRESS.validate_json(progress_file(out).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def state_of(out: Path) -> tuple[int, int] | None:
    """Changes whenever there is more to read of a slice; None while there is nothing."""
    for path in (journal_path(out), out):
        if path.exists():
            status = path.stat()
            return status.st_mtime_ns, status.st_size
    return None
