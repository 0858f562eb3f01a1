"""Where landscapes of a run are kept, and what workers tell of them as plain values.

No torch: the server reads these.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.landscape.slice import journal_path
from explorer.landscape.slice_meta import SliceRequest
from explorer.losses.registry import LossKind
from explorer.runs.folder import RunFolder


@dataclass(frozen=True, eq=False)
class PointPrediction:
    """What the segmenter predicts at a point of the plane, on one validation crop."""

    image: NDArray[np.float32]  # (C, H, W), the stretched bands at the working scale
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
    learning_rate: float  # effective, of the next step
    stable: float  # 2 / learning rate


_CURVATURE = TypeAdapter(CurvatureReport)


def slice_file(folder: RunFolder, request: SliceRequest) -> Path:
    """Where a slice is kept: one file for each set of points, so that a finer tolerance goes on with a coarse one."""
    points = request.model_copy(update={"tolerance": 0.01, "budget": 1681, "exhaustive": False, "watched": ()})
    name = blake2b(points.model_dump_json().encode(), digest_size=8).hexdigest()
    return folder.path / "slices" / f"{request.plane.kind}-{name}.npz"


def slice_version(file: Path) -> tuple[int, int] | None:
    """Changes whenever there is more to read of a slice; None while there is nothing."""
    for path in (journal_path(file), file):
        try:
            status = path.stat()
        except FileNotFoundError:  # asked by trying: a job that ends removes its journal at any moment
            continue
        return status.st_mtime_ns, status.st_size
    return None


def curvature_file(folder: RunFolder, loss: LossKind, checkpoint: str) -> Path:
    """Where the curvature of a loss at a checkpoint is kept."""
    return folder.path / "curvature" / f"{Path(checkpoint).stem}-{loss}.json"


def save_curvature(report: CurvatureReport, file: Path) -> None:
    """Writes the file, whole or not at all."""
    write_atomically(file, _CURVATURE.dump_json(report, indent=1))


def load_curvature(file: Path) -> CurvatureReport:
    """Reads what ``save_curvature`` wrote.

    Raises:
        InputError: the file is not there or cannot be read.
    """
    try:
        return _CURVATURE.validate_json(file.read_bytes())
    except (OSError, ValidationError):
        raise InputError("cannot be read", file.name, "remove it and measure the curvature again") from None
