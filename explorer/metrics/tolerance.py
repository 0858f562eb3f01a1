"""Pixel precision and recall within a tolerance, and those of skeletons: for thin, connected things such as roads.

A predicted pixel is right where the label has a pixel of the class at most the tolerance away (Euclidean distance
between pixel centres), and a pixel of the label is found where the prediction has one: the correctness and completeness
by which the extraction of roads is scored (Wiedemann, Heipke, Mayer and Jamet, 1998).

Beside them stand skeletons (thinned by Zhang and Suen's method to lines one pixel wide), without tolerance: the share
of the prediction's skeleton that lies in the label, and of the label's skeleton that lies in the prediction. These are
the topology precision and sensitivity of clDice (Shit et al., CVPR 2021). They weigh a thin branch as much as a thick
one, and show where a line is broken.

Ignored pixels belong to neither label nor prediction.
"""

from __future__ import annotations

import math

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from explorer.metrics.counts import ToleranceCounts
from explorer.metrics.curves import THRESHOLDS, Counts, ToleranceCurve, Values
from explorer.metrics.matching import LabelObjects


def count_within(predicted: NDArray[np.bool_], objects: LabelObjects, tolerance: float) -> ToleranceCounts:
    """The pixels of one class in one scene.

    >>> from explorer.metrics.matching import find_label_objects
    >>> label = np.array([[1, 1, 1, 1, 0, 0, 0, 0]], dtype=np.uint8)
    >>> predicted = np.array([[0, 0, 0, 0, 1, 1, 1, 1]], dtype=bool)
    >>> counts = count_within(predicted, find_label_objects(label, 1), tolerance=2)
    >>> counts.predicted, counts.predicted_near, counts.labelled, counts.labelled_near
    (4, 2, 4, 2)

    Args:
        predicted: (H, W), True where the class is predicted.
        objects: the label's objects of that class.
        tolerance: in pixels, not negative.
    """
    return sweep_within(predicted.astype(np.float32), objects, tolerance, np.array([0.5])).counts(0)


def sweep_within(
    probability: NDArray[np.float32],
    objects: LabelObjects,
    tolerance: float,
    thresholds: Values = THRESHOLDS,
    skeletons: bool = True,
) -> ToleranceCurve:
    """The pixels of one class in one scene at every threshold.

    Args:
        probability: (H, W), of the class.
        objects: the label's objects of that class, in a label of the same size.
        tolerance: in pixels, not negative.
        thresholds: (T,), ascending, in the unit of the probability.
        skeletons: whether skeletons are counted, which takes most of the time; their counts are 0 otherwise.
    """
    label = objects.ids > 0
    valid = np.where(objects.valid, probability, -np.inf)
    predicted = _at_least(valid[objects.valid], thresholds)
    predicted_near = _at_least(valid[greatest_within(label.astype(np.float32), tolerance) > 0], thresholds)
    labelled = np.full(len(thresholds), int(label.sum()))
    labelled_near = _at_least(greatest_within(valid, tolerance)[label], thresholds)
    lines = skeletonize(label) if skeletons else np.zeros_like(label)
    of_predictions = [skeletonize(valid >= threshold) if skeletons else lines for threshold in thresholds]
    return ToleranceCurve(
        thresholds,
        true_positives=labelled_near,
        false_positives=predicted - predicted_near,
        false_negatives=labelled - labelled_near,
        predicted_near=predicted_near,
        skeleton_predicted=np.array([np.count_nonzero(skeleton) for skeleton in of_predictions]),
        skeleton_predicted_inside=np.array([np.count_nonzero(skeleton & label) for skeleton in of_predictions]),
        skeleton_labelled=np.full(len(thresholds), int(lines.sum())),
        skeleton_labelled_inside=_at_least(valid[lines], thresholds),
    )


def greatest_within(values: NDArray[np.float32], distance: float) -> NDArray[np.float32]:
    """(H, W): of each pixel, the greatest value at most this far away, row by row of the disc.

    >>> greatest_within(np.array([[0, 0, 5, 0, 0]], dtype=np.float32), 1.5)
    array([[0., 5., 5., 5., 0.]], dtype=float32)

    Args:
        values: (H, W).
        distance: between pixel centres, in pixels, not negative.
    """
    height, width = values.shape
    greatest = np.full_like(values, -np.inf)
    for offset in range(min(math.floor(distance), height - 1) + 1):
        half = min(math.isqrt(math.floor(distance**2 - offset**2)), width - 1)
        row = scipy.ndimage.maximum_filter1d(values, 2 * half + 1, axis=1, mode="constant", cval=-np.inf)
        above, below = slice(0, height - offset), slice(offset, height)
        np.maximum(greatest[above], row[below], out=greatest[above])
        np.maximum(greatest[below], row[above], out=greatest[below])
    return greatest


def _at_least(values: NDArray[np.float32], thresholds: Values) -> Counts:
    """(T,): how many values are at or above each threshold."""
    below = np.searchsorted(np.sort(values.astype(np.float64)), thresholds, side="left")
    return (values.size - below).astype(np.int64)
