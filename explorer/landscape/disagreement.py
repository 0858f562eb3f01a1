"""Where a loss falls while a metric falls too: following that loss downhill makes the metric worse. No torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def disagreement(loss: Array, metric: Array, alpha: Array, beta: Array) -> Array:
    """Cosine between downhill of the loss and uphill of the metric, at every point of a plane.

    1: going downhill raises the metric as fast as anything could; 0: it does nothing for it; −1: it lowers it.

    Args:
        loss: (B, A), or its logarithm: only directions count.
        metric: (B, A), where more is better.
        alpha: (A,), at least two.
        beta: (B,), at least two.

    Returns:
        (B, A) in [−1, 1]; NaN where one of them is undefined or flat.
    """
    loss_beta, loss_alpha = np.gradient(loss, beta, alpha)
    metric_beta, metric_alpha = np.gradient(metric, beta, alpha)
    along = -(loss_alpha * metric_alpha + loss_beta * metric_beta)
    lengths = np.hypot(loss_alpha, loss_beta) * np.hypot(metric_alpha, metric_beta)
    cosine = np.full(loss.shape, np.nan)
    np.divide(along, lengths, out=cosine, where=lengths > 0)
    return cosine
