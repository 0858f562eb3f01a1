"""Metrics as plain values: what events, summaries and pages carry. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PixelScores:
    """Pixel metrics of one class; None where undefined (shown as n/a)."""

    precision: float | None
    recall: float | None
    iou: float | None
    f1: float | None


@dataclass(frozen=True)
class ObjectScores:
    """Object metrics of one class; None where undefined (shown as n/a)."""

    precision: float | None
    recall: float | None
    f1: float | None
    true_positives: int
    false_positives: int
    false_negatives: int


@dataclass(frozen=True)
class ClassScores:
    """Both views of one class."""

    pixel: PixelScores
    object: ObjectScores


@dataclass(frozen=True)
class Scores:
    """Metrics over the validation scenes."""

    mean_iou: float | None
    classes: dict[int, ClassScores]  # by class id; the background's objects are not counted (all None, 0)


def scores_to_json(scores: Scores) -> dict[str, Any]:
    """The form that ``summary.json`` and ``evaluate`` share.

    ``{"mean_iou", "classes": {"<id>": {"pixel": {"precision", "recall", "iou", "f1"}, "object": {"precision",
    "recall", "f1", "true_positives", "false_positives", "false_negatives"}}}}``; undefined is None.
    """
    return {
        "mean_iou": scores.mean_iou,
        "classes": {str(class_id): asdict(of_class) for class_id, of_class in scores.classes.items()},
    }
