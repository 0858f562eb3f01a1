"""The object precision–recall curve: objects found, missed and falsely reported at many thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.metrics.curves import ObjectCurve
from explorer.metrics.matching import LabelObjects, match
from explorer.metrics.objects import count_objects

THRESHOLDS = np.arange(1, 50) / 50
"""Where the curve is measured unless said otherwise."""


def object_curve(
    probability: NDArray[np.float32], objects: LabelObjects, thresholds: NDArray[np.float64] = THRESHOLDS
) -> ObjectCurve:
    """Objects of one class at every threshold.

    Args:
        probability: (H, W), of the class.
        objects: the label's objects of that class.
        thresholds: ascending; a pixel is predicted where its probability is at least the threshold.
    """
    counts = [count_objects(match(probability >= threshold, objects)) for threshold in thresholds]
    true, false, missed, ious = zip(
        *((each.true_positives, each.false_positives, each.false_negatives, each.iou_sum) for each in counts),
        strict=True,
    )
    return ObjectCurve(thresholds, np.array(true), np.array(false), np.array(missed), np.array(ious))
