"""Cuts objects out of predictions: neighbours that touch are separated, specks are dropped. No torch.

Where two objects meet, pixels of the one become background along a line about one pixel wide, so that afterwards the
connected components of a mask are its objects, whoever reads the mask.

The lines come from a watershed on the mean distance transform: the distance of each pixel to the outside of the
prediction, averaged over five thresholds. Its peaks are the middles of objects, whether the probability is flat there
or falls off gently, and they do not depend on one threshold. Of two pixels on either side of a border, the less
probable one becomes background: at a threshold at which it would be predicted, the other one is as well. So lines are
found once and hold at every threshold.

Measured on the predictions of five runs (aeroplanes, roofs of a town, nuclei, cars, buildings; F1 of objects at ½):
0.52, 0.16, 0.90, 0.52 and 0.25 as components; 0.87, 0.30, 0.90, 0.45 and 0.30 with these lines; 0.76, 0.30, 0.87, 0.46
and 0.31 by peaks of the smoothed probability half a diameter apart; 0.76, 0.29, 0.90, 0.45 and 0.30 by the
distance transform at each threshold times the probability, which takes as many watersheds as there are thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray
from skimage.morphology import area_opening, h_maxima
from skimage.segmentation import watershed

from explorer.imagery.objects import connected_components
from explorer.metrics.class_map import STEPS, in_thousandths

_LEVELS = (STEPS // 10, 3 * STEPS // 10, STEPS // 2, 7 * STEPS // 10, 9 * STEPS // 10)  # over which it is averaged
_LEAST = STEPS // 50  # the lowest threshold of a sweep
_BLOCK, _AROUND = 2048, 3  # pixels of a block's side; diameters around it that are looked at, too
_SMOOTHING, _LEAST_SMOOTHING = 1 / 50, 0.7  # standard deviation of the Gaussian, in diameters, and at least in pixels
_HEIGHT = 1 / 35  # by how much the distance falls between two peaks, in diameters


@dataclass(frozen=True)
class ObjectCut:
    """How the objects of one class are cut out of what is predicted."""

    diameter: float | None = None  # of a typical object, in pixels: neighbours are separated; None: they are not
    smallest: int = 1  # pixels; smaller objects are dropped


def find_regions(values: NDArray[np.uint16], diameter: float) -> NDArray[np.int32]:
    """The region of each pixel round the middle of an object: (H, W), 1..n, 0 where there is none.

    Args:
        values: (H, W), probabilities of one class in 1/STEPS.
        diameter: of a typical object, in pixels, above 0; see :func:`explorer.imagery.objects.median_diameter`.
    """
    distance = np.zeros(values.shape, dtype=np.float64)
    for level in _LEVELS:
        inside = values >= level
        if not inside.all():  # else there is no outside to be far from
            distance += scipy.ndimage.distance_transform_edt(inside) / len(_LEVELS)
    distance = scipy.ndimage.gaussian_filter(distance, max(_LEAST_SMOOTHING, _SMOOTHING * diameter))
    there = values >= _LEAST
    peaks = h_maxima(distance, _HEIGHT * diameter).astype(np.bool_) & there
    regions: NDArray[np.int32] = watershed(-distance, connected_components(peaks)[0], mask=there)
    return regions


def blocks_of(size: tuple[int, int]) -> int:
    """In how many blocks ``find_lines`` looks at a scene of this height and width."""
    return math.prod(-(-side // _BLOCK) for side in size)


def find_lines(
    values: NDArray[np.uint16], diameter: float, advance: Callable[[], None] = lambda: None
) -> NDArray[np.bool_]:
    """(H, W): True where pixels must become background so that objects that touch come apart.

    Scenes of more than ``_BLOCK`` pixels a side are looked at in blocks with what is around them, so that memory is
    bounded: a watershed takes some fifty bytes for every pixel.

    Args:
        values: (H, W), probabilities of one class in 1/STEPS.
        diameter: see ``find_regions``.
        advance: called after each block.
    """
    height, width = values.shape
    if max(height, width) <= _BLOCK:
        lines = _find_lines(values, diameter)
        advance()
        return lines
    around = round(_AROUND * diameter) + 1
    lines = np.zeros(values.shape, dtype=np.bool_)
    for top in range(0, height, _BLOCK):
        for left in range(0, width, _BLOCK):
            above, beside = max(0, top - around), max(0, left - around)
            window = values[above : top + _BLOCK + around, beside : left + _BLOCK + around]
            if (window >= _LEAST).any():
                inner = np.s_[top - above :, left - beside :]
                found = _find_lines(window, diameter)[inner][:_BLOCK, :_BLOCK]
                lines[top : top + _BLOCK, left : left + _BLOCK] = found
            advance()
    return lines


def _find_lines(values: NDArray[np.uint16], diameter: float) -> NDArray[np.bool_]:
    padded = np.pad(find_regions(values, diameter), 1)
    width = padded.shape[1]
    beside = [down * width + right for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
    highest = scipy.ndimage.maximum_filter(padded, 3)
    lowest = scipy.ndimage.minimum_filter(np.where(padded > 0, padded, np.iinfo(np.int32).max), 3)
    regions, borders = padded.ravel(), np.flatnonzero((padded > 0) & (highest != lowest))
    # From the most probable pixel on, each is kept that touches no kept one of another region
    order = borders[np.argsort(-np.pad(values, 1).ravel()[borders].astype(np.int64), kind="stable")]
    kept: dict[int, int] = {}
    for place, region in zip(order.tolist(), regions[order].tolist(), strict=True):
        if all(kept.get(place + step, region) == region for step in beside):
            kept[place] = region
    lines = np.zeros(padded.shape, dtype=np.bool_)
    lines.ravel()[[place for place in order.tolist() if place not in kept]] = True
    return lines[1:-1, 1:-1]


def without_specks(mask: NDArray[np.bool_], smallest: int) -> NDArray[np.bool_]:
    """The mask without its 8-connected components of fewer than ``smallest`` pixels.

    >>> without_specks(np.array([[1, 1, 0, 1]], dtype=bool), 2)
    array([[ True,  True, False, False]])
    """
    if smallest <= 1:
        return mask
    ids, count = connected_components(mask)
    places = np.flatnonzero(ids)
    id_of_pixel = ids.ravel()[places]
    kept = np.zeros(mask.shape, dtype=np.bool_)
    kept.ravel()[places] = (np.bincount(id_of_pixel, minlength=count + 1) >= smallest)[id_of_pixel]
    return kept


def cut_classes(
    classes: NDArray[np.uint8], probabilities: NDArray[np.float32], cuts: Sequence[ObjectCut]
) -> NDArray[np.uint8]:
    """The class of each pixel after the cuts: (H, W); the connected components of each class are its objects.

    Args:
        classes: (H, W), the class of each pixel; see ``explorer.metrics.class_map``.
        probabilities: (K, H, W), background first. They are taken in whole thousandths.
        cuts: K − 1, of the classes 1, 2, …; none: nothing is cut.
    """
    left = classes.copy()
    for class_id, cut in enumerate(cuts, start=1):
        mask = classes == class_id
        if cut.diameter is not None and mask.any():
            mask &= ~find_lines(in_thousandths(probabilities[class_id]), cut.diameter)
        left[(classes == class_id) & ~without_specks(mask, cut.smallest)] = 0
    return left


def cut_thousandths(values: NDArray[np.uint16], cut: ObjectCut) -> NDArray[np.uint16]:
    """Probabilities (H, W) of one class in 1/STEPS such that at every threshold the components are the objects.

    With two classes, what is at least a threshold here is what ``cut_classes`` leaves at that threshold.
    """
    cut_values = values
    if cut.diameter is not None:
        cut_values = np.where(find_lines(values, cut.diameter), np.uint16(0), values)
    if cut.smallest > 1:
        cut_values = area_opening(cut_values, cut.smallest, connectivity=2)
    return cut_values
