"""Counts of hits, false alarms and misses, and the scores that follow: precision, recall, F1, IoU, panoptic quality.

Counts of several scenes are pooled by adding them; scores are computed from the sum and go to files as JSON. A quotient
whose denominator is zero is undefined: None, not 0 or 1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


def ratio(numerator: float, denominator: float) -> float | None:
    """The quotient, or None where it is undefined.

    >>> ratio(1, 4), ratio(0, 0)
    (0.25, None)
    """
    return numerator / denominator if denominator else None


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
class PixelCounts:
    """Pixels of one class, pooled over scenes."""

    true_positives: int
    false_positives: int
    false_negatives: int

    def scores(self) -> PixelScores:
        """Precision, recall, IoU and F1 of these pixels.

        >>> PixelCounts(true_positives=6, false_positives=2, false_negatives=2).scores()
        PixelScores(precision=0.75, recall=0.75, iou=0.6, f1=0.75)
        >>> PixelCounts(true_positives=0, false_positives=0, false_negatives=5).scores()
        PixelScores(precision=None, recall=0.0, iou=0.0, f1=0.0)
        """
        hits, false, missed = self.true_positives, self.false_positives, self.false_negatives
        return PixelScores(
            precision=ratio(hits, hits + false),
            recall=ratio(hits, hits + missed),
            iou=ratio(hits, hits + false + missed),
            f1=ratio(2 * hits, 2 * hits + false + missed),
        )


@dataclass(frozen=True)
class ObjectCounts:
    """Objects of one class. Those of several scenes are pooled by adding them."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    iou_sum: float = 0.0  # over the matched pairs

    def __add__(self, other: ObjectCounts) -> ObjectCounts:
        return ObjectCounts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.iou_sum + other.iou_sum,
        )

    def scores(self) -> ObjectScores:
        """Precision, recall and F1 of these objects."""
        hits, false, missed = self.true_positives, self.false_positives, self.false_negatives
        return ObjectScores(
            precision=ratio(hits, hits + false),
            recall=ratio(hits, hits + missed),
            f1=self.recognition_quality,
            true_positives=hits,
            false_positives=false,
            false_negatives=missed,
        )

    @property
    def segmentation_quality(self) -> float | None:
        """SQ: the mean IoU of the matched pairs."""
        return ratio(self.iou_sum, self.true_positives)

    @property
    def recognition_quality(self) -> float | None:
        """RQ = TP / (TP + ½ FP + ½ FN), which is F1."""
        false = self.false_positives + self.false_negatives
        return ratio(2 * self.true_positives, 2 * self.true_positives + false)

    @property
    def panoptic_quality(self) -> float | None:
        """PQ = Σ IoU / (TP + ½ FP + ½ FN) = SQ · RQ (Kirillov et al., CVPR 2019); 0 where nothing matched.

        >>> counts = ObjectCounts(true_positives=3, false_positives=1, false_negatives=1, iou_sum=2.4)
        >>> round(counts.panoptic_quality, 3), round(counts.segmentation_quality * counts.recognition_quality, 3)
        (0.6, 0.6)
        """
        false = self.false_positives + self.false_negatives
        return ratio(2 * self.iou_sum, 2 * self.true_positives + false)


@dataclass(frozen=True)
class ClassScores:
    """Pixel and object scores of one class."""

    pixel: PixelScores
    object: ObjectScores


@dataclass(frozen=True)
class Scores:
    """Metrics over all scenes that were scored, from their summed counts."""

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
