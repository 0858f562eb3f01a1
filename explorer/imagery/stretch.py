"""Robust per-band stretch to [0, 1]: computed from the training scenes and applied to every image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.scene import IGNORE, Scene, Stretch

PERCENTILES = (0.5, 99.5)
"""Rare bright objects lie in the tails: clipping 2 % would clip a whole class of 0.5 %."""

_SAMPLES = 2_000_000  # pixels per band over all scenes: enough for percentiles stable to four digits
_LARGEST, _LARGEST_BYTE = 65535, 255
_NARROW = 0.03  # of the stretch


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
        bottom, top = _range(_finite(np.concatenate(samples)))
        low.append(bottom)
        high.append(top)
    return Stretch(tuple(low), tuple(high))


def stretch_scene(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """The image with each band stretched by its own percentiles, as 0 to 65535.

    For scenes whose brightness cannot be compared. The result takes the place of the image: the dataset then has one
    stretch as any other, which prediction repeats after it has done the same to its image.

    Args:
        image: (C, H, W), any real dtype.
        valid: (H, W), False where a pixel has no data; those do not count.
    """
    return np.rint(stretched(image, image_stretch(image, valid)) * _LARGEST).astype(np.uint16)


def image_stretch(image: NDArray[np.generic], valid: NDArray[np.bool_] | None = None) -> Stretch:
    """The percentiles of each band of one image.

    Args:
        image: (C, H, W), any real dtype.
        valid: (H, W), False where a pixel has no data; those do not count. All count if not given.
    """
    step = max(1, image[0].size // _SAMPLES)
    counted = slice(None) if valid is None else valid.ravel()[::step]
    ranges = [_range(_finite(band.ravel()[::step][counted])) for band in image]
    return Stretch(tuple(low for low, _ in ranges), tuple(high for _, high in ranges))


def outside_stretch(image: NDArray[np.generic], valid: NDArray[np.bool_], stretch: Stretch) -> str | None:
    """Whether an image cannot be of the kind that a segmenter was trained on: a sentence with both ranges, or None.

    That is so in any of these cases; a scene that is merely darker or brighter than those of the run is in none:

    - In a band, half of the pixels lie beyond the stretch by more than half of its width.
    - In every band, 99 % of the pixels lie on one side of the stretch.
    - In every band, the values and their range are below 3 % of the stretch, as with 0 to 1 for a run on 8 bits.
    - The image's data type cannot hold the values of the stretch, as with 8 bits for a run on 16.

    Args:
        image: (C, H, W), any real dtype.
        valid: (H, W), False where a pixel has no data.
        stretch: C bands, of the dataset that the segmenter is trained on.
    """
    step = max(1, valid.size // _SAMPLES)
    counted = valid.ravel()[::step]
    samples = [_finite(band.ravel()[::step][counted]) for band in image]
    if any(values.size == 0 for values in samples):
        return None
    bottom, median, top = np.array([np.percentile(values, (1.0, 50.0, 99.0)) for values in samples]).T  # each C
    low, high = np.array(stretch.low), np.array(stretch.high)
    width = high - low
    outside = (
        (np.maximum(low - median, median - high) > width / 2).any()
        or ((top < low) | (bottom > high)).all()
        or (np.maximum(top - bottom, np.abs(top)) < _NARROW * np.minimum(width, np.abs(high))).all()
        or (image.dtype == np.uint8 and (high > _LARGEST_BYTE).any())
    )
    if not outside:
        return None
    return (
        f"its values ({bottom.min():.4g} to {top.max():.4g}) lie outside the range that the run was trained on "
        f"({low.min():.4g} to {high.max():.4g})"
    )


def _finite(values: NDArray[np.generic]) -> NDArray[np.float64]:
    numbers = values.astype(np.float64)
    return numbers[np.isfinite(numbers)]


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
