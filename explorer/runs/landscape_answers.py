"""What a worker answers about a landscape, as plain values. No torch: the server reads these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.losses.registry import LossKind


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
