"""Counts of hits, false alarms and misses, and the scores that follow: precision, recall, F1, IoU, panoptic quality.

Counts of several scenes are pooled by adding them; scores are computed from the sum and go to files as JSON. A quotient
whose denominator is zero is undefined: None, not 0 or 1.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from typing import Any

from explorer.imagery.match_rule import HALF_IOU, MatchRule


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
    """Metrics of one class under the match rule; None where undefined (shown as n/a).

    Under a tolerance they count pixels: true positives and false negatives are those of the label, false positives
    those of the prediction.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    true_positives: int
    false_positives: int
    false_negatives: int


@dataclass(frozen=True)
class PanopticScores:
    """Segmentation, recognition and panoptic quality of one class; None where undefined (shown as n/a)."""

    segmentation_quality: float | None
    recognition_quality: float | None
    panoptic_quality: float | None
    reason: str | None = None  # why all three are undefined, where that is due to the match rule


@dataclass(frozen=True)
class ToleranceScores:
    """Metrics of thin things of one class, within a tolerance in pixels; None where undefined (shown as n/a)."""

    precision: float | None  # of the predicted pixels
    recall: float | None  # of the label's pixels
    f1: float | None
    skeleton_precision: float | None  # of the prediction's centre lines, without tolerance
    skeleton_recall: float | None  # of the label's centre lines, without tolerance
    cl_dice: float | None  # harmonic mean of the two
    predicted: int  # pixels
    predicted_near: int  # of these, at most the tolerance away from the label
    labelled: int
    labelled_near: int  # of these, at most the tolerance away from the prediction


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

    def panoptic(self, rule: MatchRule = HALF_IOU) -> PanopticScores:
        """Panoptic quality and its two factors, or why the match rule has none."""
        if not rule.has_panoptic_quality:
            reason = f"defined for {HALF_IOU.words}; the match rule is {rule.words}"
            return PanopticScores(None, None, None, reason)
        return PanopticScores(self.segmentation_quality, self.recognition_quality, self.panoptic_quality)

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
class ToleranceCounts:
    """Pixels of one class within a tolerance. Those of several scenes are pooled by adding them.

    Precision and recall within a tolerance are the correctness and completeness of road extraction (Wiedemann et al.,
    1998). Those of the skeletons are the topology precision and sensitivity of clDice (Shit et al., CVPR 2021).
    """

    predicted: int = 0
    predicted_near: int = 0  # of these, at most the tolerance away from the label
    labelled: int = 0
    labelled_near: int = 0  # of these, at most the tolerance away from the prediction
    skeleton_predicted: int = 0
    skeleton_predicted_inside: int = 0  # of these, in the label
    skeleton_labelled: int = 0
    skeleton_labelled_inside: int = 0  # of these, in the prediction

    def __add__(self, other: ToleranceCounts) -> ToleranceCounts:
        return ToleranceCounts(*(mine + others for mine, others in zip(astuple(self), astuple(other), strict=True)))

    def scores(self) -> ToleranceScores:
        """Precision, recall and F1 of pixels and of skeletons.

        >>> scores = ToleranceCounts(10, 8, 20, 10, 5, 5, 4, 2).scores()
        >>> scores.precision, scores.recall, round(scores.f1, 3), scores.skeleton_precision, scores.skeleton_recall
        (0.8, 0.5, 0.615, 1.0, 0.5)
        """
        precision, recall = ratio(self.predicted_near, self.predicted), ratio(self.labelled_near, self.labelled)
        of_skeletons = (
            ratio(self.skeleton_predicted_inside, self.skeleton_predicted),
            ratio(self.skeleton_labelled_inside, self.skeleton_labelled),
        )
        return ToleranceScores(
            precision,
            recall,
            harmonic_mean(precision, recall),
            *of_skeletons,
            harmonic_mean(*of_skeletons),
            self.predicted,
            self.predicted_near,
            self.labelled,
            self.labelled_near,
        )

    def as_object_scores(self) -> ObjectScores:
        """The pixels in the place of objects: found or missed ones of the label, false ones of the prediction."""
        scores = self.scores()
        return ObjectScores(
            scores.precision,
            scores.recall,
            scores.f1,
            true_positives=self.labelled_near,
            false_positives=self.predicted - self.predicted_near,
            false_negatives=self.labelled - self.labelled_near,
        )


def harmonic_mean(precision: float | None, recall: float | None) -> float | None:
    """F1 of a precision and a recall: 0 where one is 0 or undefined, None where both are undefined.

    >>> harmonic_mean(1.0, 0.5), harmonic_mean(None, 0.0), harmonic_mean(None, None)
    (0.6666666666666666, 0.0, None)
    """
    if precision is None and recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision and recall else 0.0


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class: of its pixels, and under the match rule."""

    pixel: PixelScores
    object: ObjectScores
    panoptic: PanopticScores | None = None  # None: of the background, and in events of earlier versions
    tolerance: ToleranceScores | None = None  # None: the match rule counts objects


@dataclass(frozen=True)
class Scores:
    """Metrics over all scenes that were scored, from their summed counts."""

    mean_iou: float | None
    classes: dict[int, ClassScores]  # by class id; the background's objects are not counted (all None, 0)
    match_rule: MatchRule = HALF_IOU  # what the object scores rest on; that of earlier versions, too


def scores_to_json(scores: Scores) -> dict[str, Any]:
    """The form that ``summary.json`` and ``evaluate`` share.

    ``{"match_rule", "mean_iou", "classes": {"<id>": {"pixel": {"precision", "recall", "iou", "f1"}, "object":
    {"precision", "recall", "f1", "true_positives", "false_positives", "false_negatives"}, "panoptic":
    {"segmentation_quality", "recognition_quality", "panoptic_quality", "reason"}, "tolerance": …}}}``; undefined is
    None. ``match_rule`` is in words and holds for ``object``. ``panoptic`` is None for the background, ``tolerance``
    (the fields of :class:`ToleranceScores`) unless that is the rule.
    """
    return {
        "match_rule": scores.match_rule.words,
        "mean_iou": scores.mean_iou,
        "classes": {str(class_id): asdict(of_class) for class_id, of_class in scores.classes.items()},
    }
