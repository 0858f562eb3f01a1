"""Where slices of a run lie, and how far they are. No torch: the server reads these."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from explorer.landscape.slice import journal_path
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.registry import LossKind
from explorer.runs.folder import RunFolder


@dataclass(frozen=True)
class SliceProgress:
    """How far a slice is."""

    measured: int
    expected: int  # points in the end, about
    seconds_left: float
    shortfall: float  # estimated error in tolerances when points were last chosen; infinite until it is known
    done: bool = False


@dataclass(frozen=True, eq=False)
class PointPrediction:
    """What the segmenter predicts at a point of the plane, on one validation crop."""

    image: NDArray[np.float32]  # (C, H, W), stretched
    label: NDArray[np.uint8]  # (H, W), 255 = ignore
    mask: NDArray[np.uint8]  # (H, W), most probable class at the point
    centre_mask: NDArray[np.uint8]  # (H, W), likewise at the plane's centre
    values: dict[str, float]  # every field over all crops at the point; NaN: undefined


@dataclass(frozen=True)
class CurvatureReport:
    """Curvature of one loss at one checkpoint."""

    loss: LossKind
    checkpoint: str
    eigenvalues: tuple[float, ...]  # largest first
    residuals: tuple[float, ...]  # ‖Hv − λv‖
    trace: float
    trace_error: float  # standard error
    parameters: int
    learning_rate: float
    stable: float  # 2 / learning rate


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
