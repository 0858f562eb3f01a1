"""Scores of predicted classes, pooled over scenes, as validation, summaries and ``evaluate`` report them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.scene import IGNORE
from explorer.metrics.counts import ClassScores, ObjectCounts, PixelCounts, Scores
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import count_objects


class Labelled(NamedTuple):
    """A prediction with its label."""

    predicted: NDArray[np.uint8]  # (H, W), class ids
    label: NDArray[np.uint8]  # (H, W), class ids, 255 = ignore
    objects: NDArray[np.int32] | None = None  # (H, W), an id per object that was drawn by itself; see Scene.objects


def score_predictions(scenes: Iterable[Labelled], classes: int, minimum_area: int) -> Scores:
    """Pixel and object scores of every class, from counts that are pooled over all scenes.

    Args:
        scenes: predictions with their labels.
        classes: number of classes, background included.
        minimum_area: in pixels; see :mod:`explorer.metrics.matching`.

    Returns:
        Scores of all classes. ``mean_iou`` is over the classes, background included, that occur in a label or
        a prediction. The background has pixel scores; its objects are not counted.

    Raises:
        InputError: the two sizes differ, or a class id is out of range.
    """
    confusion = np.zeros((classes, classes), dtype=np.int64)
    objects = [ObjectCounts() for _ in range(classes)]
    for predicted, label, drawn in scenes:
        here = confusion_matrix(predicted, label, classes)
        confusion += here
        for class_id in range(1, classes):
            if here[class_id].any() or here[:, class_id].any():
                found = match(predicted == class_id, find_label_objects(label, class_id, drawn))
                objects[class_id] += count_objects(found, minimum_area)
    pixels = [_of_class(confusion, class_id).scores() for class_id in range(classes)]
    ious = [scores.iou for scores in pixels if scores.iou is not None]
    return Scores(
        mean_iou=sum(ious) / len(ious) if ious else None,
        classes={k: ClassScores(pixels[k], objects[k].scores()) for k in range(classes)},
    )


def confusion_matrix(predicted: NDArray[np.uint8], label: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Pixels by true class (rows) and predicted class (columns): (classes, classes), without ignored pixels.

    >>> label = np.array([[0, 0, 1, 255]], dtype=np.uint8)
    >>> confusion_matrix(np.array([[0, 1, 1, 1]], dtype=np.uint8), label, classes=2)
    array([[1, 1],
           [0, 1]])

    Raises:
        InputError: the two sizes differ, or a class id is out of range.
    """
    if predicted.shape != label.shape:
        raise InputError(
            f"the prediction is {predicted.shape}, its label {label.shape}", "score", "they must have the same size"
        )
    # One count over pairs of bytes: a pair is label · 256 + prediction.
    pairs = (label.astype(np.uint16) << 8) | predicted
    counts = np.bincount(pairs.ravel(), minlength=256 * 256).reshape(256, 256).astype(np.int64)
    counts[IGNORE] = 0
    for name, seen in (("label", counts.any(axis=1)), ("prediction", counts.any(axis=0))):
        highest = int(np.flatnonzero(seen).max(initial=0))
        if highest >= classes:
            raise InputError(f"the {name} holds class {highest} of {classes}", "score", "ids go from 0 up")
    return counts[:classes, :classes]


def _of_class(confusion: NDArray[np.int64], class_id: int) -> PixelCounts:
    hits = int(confusion[class_id, class_id])
    return PixelCounts(
        true_positives=hits,
        false_positives=int(confusion[:, class_id].sum()) - hits,
        false_negatives=int(confusion[class_id].sum()) - hits,
    )
