"""Robust per-band stretch to [0, 1]: computed from the training scenes and applied to every image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.scene import IGNORE, Scene, Stretch

PERCENTILES = (0.5, 99.5)
"""Rare bright objects lie in the tails: clipping 2 % would clip a whole class of 0.5 %."""

_SAMPLES = 2_000_000  # pixels per band over all scenes: enough for percentiles stable to four digits


def fit_stretch(scenes: Sequence[Scene]) -> Stretch:
    """Percentiles of every band over the pixels that are not ``IGNORE``.

    A band whose percentiles are equal is stretched between its extremes; a constant band becomes 0 everywhere.

    Args:
        scenes: at least one, all with the same number of bands.
    """
    step = max(1, sum(scene.label.size for scene in scenes) // _SAMPLES)
    counted = [(scene.label.ravel() != IGNORE)[::step] for scene in scenes]
    low, high = [], []
    for band in range(len(scenes[0].image)):
        samples = [scene.image[band].ravel()[::step][chosen] for scene, chosen in zip(scenes, counted, strict=True)]
        values = np.concatenate(samples).astype(np.float64)
        bottom, top = _range(values[np.isfinite(values)])
        low.append(bottom)
        high.append(top)
    return Stretch(tuple(low), tuple(high))


def _range(values: NDArray[np.float64]) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, PERCENTILES))
    if low == high:
        low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + max(1.0, abs(low) * 1e-3)


def stretched(image: NDArray[np.generic], stretch: Stretch) -> NDArray[np.float32]:
    """The image scaled to [0, 1], as the segmenter takes it; NaN becomes 0.

    Args:
        image: (C, H, W), any real dtype.
        stretch: C bands, of the dataset that the segmenter is trained on.
    """
    result = np.empty(image.shape, dtype=np.float32)
    exact = np.float32 if image.dtype.itemsize <= 2 else np.float64  # 16 bits fit into float32 exactly
    with np.errstate(over="ignore", invalid="ignore"):
        for band, low, high, out in zip(image, stretch.low, stretch.high, result, strict=True):
            scaled = (band.astype(exact) - exact(low)) / exact(high - low)
            np.nan_to_num(scaled, copy=False, nan=0.0, posinf=1.0, neginf=0.0)
            np.clip(scaled, 0.0, 1.0, out=out, casting="same_kind")
    return result
