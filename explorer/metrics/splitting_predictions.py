"""Splits predicted objects that touch: a watershed on the probability, from its peaks.

The probability is smoothed, so that flat tops have a peak in their middle as a distance transform would give them.
Every peak floods its surroundings downhill; the watershed's regions meet where the smoothed probability is lowest
between two peaks. They do not depend on a threshold: at any threshold, the part of a connected component in one region
is an object. So they are found once, and serve a sweep over thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from explorer.imagery.objects import components_by_region
from explorer.metrics.class_map import STEPS, in_thousandths

_LEAST_PEAK = 0.02  # the lowest threshold of a sweep: lower peaks are in no prediction
_SMOOTHING = 0.25  # standard deviation of the Gaussian, in minimum distances


def find_regions(probability: NDArray[np.float32], minimum_distance: int) -> NDArray[np.int32]:
    """The region of each pixel around a peak of the probability: (H, W), 1..n, 0 where there is none.

    Args:
        probability: (H, W), of one class, 0 to 1.
        minimum_distance: between two peaks, in pixels, at least 1; see
            :func:`explorer.imagery.objects.peak_distances`.
    """
    smooth = ndimage.gaussian_filter(probability, _SMOOTHING * minimum_distance)
    peaks = peak_local_max(smooth, min_distance=minimum_distance, threshold_abs=_LEAST_PEAK, exclude_border=False)
    markers = np.zeros(probability.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    there = (probability >= _LEAST_PEAK) | (markers > 0)
    regions: NDArray[np.int32] = watershed(-smooth, markers, mask=there)
    return regions


def split_classes(
    probabilities: NDArray[np.float32], classes: NDArray[np.uint8], minimum_distances: Sequence[int]
) -> NDArray[np.int32]:
    """The predicted objects of all classes, with those of one class that touch apart: (H, W), 1..n, 0 = none.

    Args:
        probabilities: (K, H, W), background first. They are taken in whole thousandths, as in a threshold sweep, so
            that objects are the same there.
        classes: (H, W), the class of each pixel; see ``explorer.metrics.class_map``.
        minimum_distances: K − 1, of the classes 1, 2, …, in pixels, each at least 1.
    """
    ids, count = np.zeros(classes.shape, dtype=np.int32), 0
    for class_id, distance in enumerate(minimum_distances, start=1):
        stored = in_thousandths(probabilities[class_id]).astype(np.float32) / np.float32(STEPS)
        of_class = split_touching(stored, classes == class_id, distance)
        ids += np.where(of_class > 0, of_class + count, 0)
        count += int(of_class.max(initial=0))
    return ids


def split_touching(
    probability: NDArray[np.float32], mask: NDArray[np.bool_], minimum_distance: int
) -> NDArray[np.int32]:
    """The predicted objects of one class, with those that touch apart: (H, W), 1..n, 0 = none.

    Args:
        probability: (H, W), of the class, 0 to 1.
        mask: (H, W), True where the class is predicted.
        minimum_distance: between the peaks of two objects, in pixels, at least 1.
    """
    return components_by_region(mask, find_regions(probability, minimum_distance))
