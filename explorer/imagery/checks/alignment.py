"""Check of alignment: whether the labels' outlines fit the edges of the images better when they are shifted.

For each scene, the mean strength of the image's edges under the label's outline is computed for every shift within
``REACH`` (a cross-correlation by FFT). A shift is suspected only if it is clearly better over all scenes together,
most scenes find it by themselves, and most parts of the scenes gain by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from explorer.imagery.checks.finding import Case
from explorer.imagery.scene import IGNORE, Dataset, Scene

REACH = 24
"""Pixels in each direction within which a shift is looked for; less in small scenes."""

LEAST_SHIFT = 2
"""Pixels: less is within the care with which outlines are drawn."""

_SIDE = 512  # pixels of the part of a scene that is looked at, where its outlines are densest
_SCENES = 16  # that are looked at, evenly spread over the dataset
_BANDS = 4  # that are looked at, evenly spread
_LEAST_OUTLINE = 60  # pixels of outline in a scene that takes part
_TILE = 64  # pixels of a part of a scene that gains or loses by a shift

# Measured on eight real sets and the built-in ones, as they are and with their labels shifted by 3 and 5 pixels.
_LEAST_PEAK = 0.25  # edge strength at the best shift above the typical one, in standard deviations of edge strength
_LEAST_SIGNIFICANCE = 3.5  # the same, in standard deviations over all shifts
_MOST_UNSHIFTED = 0.7  # of that, reached without a shift
_LEAST_AGREEMENT = 0.5  # of the scenes whose own best shift is the common one, where there are enough of them
_LEAST_VOTES = 4  # scenes; fewer cannot agree, so that the fit must be more significant
_LEAST_SIGNIFICANCE_OF_FEW = 4.8
_LEAST_GAINING = 0.6  # of the tiles whose edge strength rises by the shift


@dataclass(frozen=True)
class Shift:
    """The shift at which the labels fit the images best, and how clear that is.

    Attributes:
        rows, columns: to move the labels by, down and to the right.
        peak: edge strength under the shifted outlines above that at a typical shift.
        significance: ``peak`` in standard deviations over all shifts.
        unshifted: the part of ``peak`` that the labels reach as they are, 1 or less.
        agreement: share of the scenes that find this shift by themselves.
        gaining: share of the parts of the scenes in which the shifted outlines fit better.
        scenes: names of those that agree.
        judged: number of scenes with enough outline.
    """

    rows: int
    columns: int
    peak: float
    significance: float
    unshifted: float
    agreement: float
    gaining: float
    scenes: tuple[str, ...]
    judged: int

    @property
    def suspected(self) -> bool:
        """Whether the labels are probably off by this shift."""
        few = self.judged < _LEAST_VOTES
        return (
            max(abs(self.rows), abs(self.columns)) >= LEAST_SHIFT
            and self.peak >= _LEAST_PEAK
            and self.significance >= (_LEAST_SIGNIFICANCE_OF_FEW if few else _LEAST_SIGNIFICANCE)
            and self.unshifted <= _MOST_UNSHIFTED
            and (few or self.agreement >= _LEAST_AGREEMENT)
            and self.gaining >= _LEAST_GAINING
        )


def label_offset(dataset: Dataset) -> list[Case]:
    """A common shift between labels and images; a mend is not safe, so the text says what to correct."""
    shift = best_shift(dataset.scenes)
    if shift is None or not shift.suspected:
        return []
    moves = [
        f"{abs(pixels)} px {ahead if pixels > 0 else back}"
        for pixels, ahead, back in ((shift.columns, "to the right", "to the left"), (shift.rows, "down", "up"))
        if pixels
    ]
    text = (
        f"Moved {' and '.join(moves)}, the labels would fit the edges in the images better: as they are, they reach "
        f"{100 * max(0.0, shift.unshifted):.0f} % of that fit. Compare outline and image; correct the files' labels "
        "or georeference, and upload them again."
    )
    return [Case(text, shift.scenes)]


def best_shift(scenes: Sequence[Scene]) -> Shift | None:
    """The best common shift of the labels; None if there are too few outlines to tell."""
    reach = min(REACH, min(min(scene.size) for scene in scenes) // 8)
    if reach <= LEAST_SHIFT:
        return None
    chosen = [scenes[k] for k in np.unique(np.linspace(0, len(scenes) - 1, _SCENES).astype(int))]
    parts = [(scene.name, part) for scene in chosen if (part := _part(scene, reach)) is not None]
    if not parts:
        return None
    maps = np.array([_fit(part, reach) for _, part in parts])  # (scenes, 2·reach + 1, 2·reach + 1)
    weights = np.sqrt([part.outline.sum() for _, part in parts])
    total = np.tensordot(weights / weights.sum(), maps, 1)
    rows, columns = _best(total, reach)
    typical = float(np.median(total))
    peak = float(total.max()) - typical
    agreeing = [
        name
        for (name, _), own in zip(parts, maps, strict=True)
        if np.hypot(*np.subtract(_best(own, reach), (rows, columns))) <= 2.5
    ]
    gains = np.concatenate([_gains(part, rows, columns) for _, part in parts])
    return Shift(
        rows,
        columns,
        peak,
        peak / float(total.std()) if total.std() > 0 else 0.0,
        (float(total[reach, reach]) - typical) / peak if peak > 0 else 1.0,
        len(agreeing) / len(parts),
        float((gains > 0).mean()) if gains.size else 0.0,
        tuple(agreeing),
        len(parts),
    )


@dataclass(frozen=True, eq=False)
class _Part:
    edges: NDArray[np.float32]  # (H, W), mean 0, standard deviation 1
    outline: NDArray[np.bool_]  # (H, W), pixels at a border between two classes, none near the sides


def _part(scene: Scene, reach: int) -> _Part | None:
    """The part of a scene with the most outline; None if there is too little of it, or no edge in the image."""
    outline = _outline(scene.label)
    rows = _densest(outline.sum(axis=1))
    columns = _densest(outline[rows].sum(axis=0))
    inside = np.zeros_like(outline[rows, columns])
    inside[reach:-reach, reach:-reach] = outline[rows, columns][reach:-reach, reach:-reach]
    if inside.sum() < _LEAST_OUTLINE:
        return None
    edges = _edge_strength(scene.image[:, rows, columns], scene.label[rows, columns] != IGNORE)
    return None if edges is None else _Part(edges, inside)


def _outline(label: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels on both sides of a border between two classes; the borders of ignored areas are none."""
    outline = np.zeros(label.shape, bool)
    counted = label != IGNORE
    across = (label[:, 1:] != label[:, :-1]) & counted[:, 1:] & counted[:, :-1]
    down = (label[1:] != label[:-1]) & counted[1:] & counted[:-1]
    outline[:, 1:] |= across
    outline[:, :-1] |= across
    outline[1:] |= down
    outline[:-1] |= down
    return outline


def _densest(profile: NDArray[np.int64]) -> slice:
    """The span of at most ``_SIDE`` with the largest sum."""
    if profile.size <= _SIDE:
        return slice(0, profile.size)
    sums = np.concatenate([[0], np.cumsum(profile)])
    start = int(np.argmax(sums[_SIDE:] - sums[:-_SIDE]))
    return slice(start, start + _SIDE)


def _edge_strength(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    """Gradient over the bands, relative to the surroundings, so that texture and strong edges weigh alike."""
    squares = np.zeros(valid.shape, np.float32)
    for band in np.unique(np.linspace(0, len(image) - 1, _BANDS).astype(int)):
        values = np.nan_to_num(image[band].astype(np.float32), copy=False, posinf=0.0, neginf=0.0)
        low, high = (np.float32(value) for value in np.percentile(values[::4, ::4], (1, 99)))
        if high <= low:
            continue
        smooth = ndimage.gaussian_filter(np.clip((values - low) / (high - low), 0, 1), 1.0, truncate=3.0)
        squares[1:-1] += (smooth[2:] - smooth[:-2]) ** 2
        squares[:, 1:-1] += (smooth[:, 2:] - smooth[:, :-2]) ** 2
    strength = np.sqrt(squares)
    if not valid.all():
        strength[~ndimage.binary_erosion(valid, iterations=3, border_value=1)] = 0
    around = ndimage.uniform_filter(strength, 33)
    if not around.any():
        return None
    relative = strength / (around + 0.25 * around.mean())
    relative = np.minimum(relative, np.percentile(relative[::3, ::3], 99))
    spread = relative.std()
    return (relative - relative.mean()) / spread if spread > 0 else None


def _fit(part: _Part, reach: int) -> NDArray[np.float32]:
    """Mean edge strength under the outline at every shift; [reach, reach] is without a shift."""
    shape = [fft.next_fast_len(length, real=True) for length in part.edges.shape]  # the outline keeps off the sides
    product = fft.rfft2(part.edges, shape) * np.conj(fft.rfft2(part.outline.astype(np.float32), shape))
    shifts = np.arange(-reach, reach + 1)
    fit: NDArray[np.float32] = fft.irfft2(product, shape)[np.ix_(shifts % shape[0], shifts % shape[1])]
    return fit / np.float32(part.outline.sum())


def _best(fit: NDArray[np.float32], reach: int) -> tuple[int, int]:
    row, column = np.unravel_index(int(fit.argmax()), fit.shape)
    return int(row) - reach, int(column) - reach


def _gains(part: _Part, rows: int, columns: int) -> NDArray[np.float64]:
    """Gain in edge strength by the shift, for each tile with some outline."""
    y, x = np.nonzero(part.outline)
    gain = part.edges[y + rows, x + columns] - part.edges[y, x]
    tiles = np.unique((y // _TILE) * part.edges.shape[1] + x // _TILE, return_inverse=True)[1]
    counts = np.bincount(tiles)
    means: NDArray[np.float64] = (np.bincount(tiles, gain) / counts)[counts >= 15]
    return means
