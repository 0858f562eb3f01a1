"""Fields: the values that a slice holds over its plane, and how two of them relate. No torch: pages read this.

A loss is smooth in the weights and is drawn and interpolated as its logarithm. Recall, IoU and F1 change by one pixel
among thousands and are interpolated as they are. Precision jumps where the last predicted pixel vanishes, and object
metrics jump with every object: those are shown only where they were measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.losses.registry import LOSSES, LossKind

PIXEL_METRICS = ("precision", "recall", "iou", "f1")
OBJECT_METRICS = ("precision", "recall", "f1")
_TITLES = {"precision": "Precision", "recall": "Recall", "iou": "IoU", "f1": "F1"}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """One value over the plane. Its attributes are keys of a slice's provenance.

    Attributes:
        name: key of its array in a slice's file.
        label: as shown.
        group: a loss, a pixel metric or an object metric.
        smooth: may be interpolated between measured points.
        logarithmic: interpolated and drawn as its logarithm, as long as all values are positive.
    """

    name: str
    label: str
    group: Literal["loss", "pixel", "object"]
    smooth: bool = True
    logarithmic: bool = True


def loss_field(kind: LossKind) -> Field:
    """The field of one loss of the registry."""
    return Field(kind, LOSSES[kind].name, "loss")


def pixel_fields(classes: Sequence[str]) -> tuple[Field, ...]:
    """Pixel precision, recall, IoU and F1 of each class: ``recall_1`` is that of class 1."""
    return tuple(
        Field(f"{metric}_{class_id}", f"{_TITLES[metric]}, {name}", "pixel", metric != "precision", False)
        for class_id, name in enumerate(classes)
        for metric in PIXEL_METRICS
    )


def object_fields(classes: Sequence[str]) -> tuple[Field, ...]:
    """Object precision, recall and F1 of each class but the background: ``object_recall_1``."""
    return tuple(
        Field(f"object_{metric}_{class_id}", f"Object {_TITLES[metric].lower()}, {name}", "object", False, False)
        for class_id, name in enumerate(classes)
        if class_id > 0
        for metric in OBJECT_METRICS
    )


def agreement(loss: Array, metric: Array, alpha: Array, beta: Array) -> Array:
    """Cosine between the loss's descent direction and the metric's ascent direction, at every point of a plane.

    1: descending the loss raises the metric; 0: it leaves the metric as it is; −1: it lowers the metric. Gradients are
    central differences in the coordinates alpha and beta.

    Args:
        loss: (B, A), or its logarithm: only directions count.
        metric: (B, A), where more is better.
        alpha: (A,), at least two.
        beta: (B,), at least two.

    Returns:
        (B, A) in [−1, 1]; NaN where one of them is undefined or flat.

    >>> axis = np.array([0.0, 1.0, 2.0])
    >>> along_alpha, along_beta = np.meshgrid(axis, axis)
    >>> agreement(along_alpha, -along_alpha, axis, axis)[1, 1]  # the metric rises where the loss falls
    np.float64(1.0)
    >>> agreement(along_alpha, along_beta, axis, axis)[1, 1] + 0.0
    np.float64(0.0)
    >>> agreement(along_alpha, along_alpha, axis, axis)[1, 1]
    np.float64(-1.0)
    """
    loss_beta, loss_alpha = np.gradient(loss, beta, alpha)
    metric_beta, metric_alpha = np.gradient(metric, beta, alpha)
    product = -(loss_alpha * metric_alpha + loss_beta * metric_beta)
    lengths = np.hypot(loss_alpha, loss_beta) * np.hypot(metric_alpha, metric_beta)
    cosine = np.full(loss.shape, np.nan)
    np.divide(product, lengths, out=cosine, where=lengths > 0)
    return cosine
