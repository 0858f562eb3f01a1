"""Match rules: when a predicted object counts as an object of the label. The counting itself is in ``metrics``."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from explorer.errors import InputError

MatchKind = Literal["iou", "overlap", "centre", "centroid", "tolerance"]

_WORDS: dict[MatchKind, str] = {
    "iou": "IoU > {0:g}",
    "overlap": "any overlap",
    "centre": "centre inside",
    "centroid": "centroids within {0:g} px",
    "tolerance": "pixels within {0:g} px",
}
_NUMBERS: dict[MatchKind, str] = {"iou": "an IoU from 0 to below 1", "centroid": "pixels", "tolerance": "pixels"}
FORMS = "iou:0.5, overlap, centre, centroid:5 or tolerance:3"
"""Examples of all rules, for messages."""


class MatchRule(BaseModel):
    """One rule with its number.

    >>> str(MatchRule.parse("iou:0.1")), MatchRule.parse("centroid:6").words
    ('iou:0.1', 'centroids within 6 px')

    - ``iou``: intersection over union strictly above ``value``.
    - ``overlap``: at least one common pixel. One blob over everything wins it: never use it alone.
    - ``centre``: the centroid of the label's object lies in the predicted one. A blob over everything wins it, too.
    - ``centroid``: the two centroids are at most ``value`` pixels apart.
    - ``tolerance``: pixels instead of objects: precision is the share of predicted pixels at most ``value`` pixels from
      the label, recall the share of label pixels at most ``value`` pixels from the prediction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: MatchKind = "iou"
    value: float | None = None  # IoU, or pixels of the scene's grid; None for rules without a number

    @model_validator(mode="after")
    def _number_fits(self) -> Self:
        if (self.value is not None) != (self.kind in _NUMBERS):
            needs = (
                f"{self.kind} needs {_NUMBERS[self.kind]}" if self.kind in _NUMBERS else f"{self.kind} has no number"
            )
            raise ValueError(needs)
        if self.value is not None and not (0 <= self.value < 1 if self.kind == "iou" else 0 <= self.value <= 10_000):
            raise ValueError(f"{self.value:g} is not {_NUMBERS[self.kind]}")
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """The rule of a text such as ``iou:0.5``.

        Raises:
            InputError: it names no rule, or its number is missing, superfluous or out of range.
        """
        kind, _, number = text.strip().partition(":")
        try:
            return cls.model_validate({"kind": kind, "value": float(number) if number else None})
        except ValueError:
            raise InputError(f"{text!r} is no match rule", "match", f"give one such as {FORMS}") from None

    def __str__(self) -> str:
        return self.kind if self.value is None else f"{self.kind}:{self.value:g}"

    @property
    def words(self) -> str:
        """The rule as it is shown."""
        return _WORDS[self.kind].format(self.value)

    @property
    def counts_objects(self) -> bool:
        """Whether the rule matches objects; the tolerance counts pixels."""
        return self.kind != "tolerance"

    def scaled(self, scale: float) -> Self:
        """The rule for an image of another size: distances in pixels are multiplied, everything else stays.

        >>> str(MatchRule.parse("centroid:6").scaled(0.25)), str(HALF_IOU.scaled(0.25))
        ('centroid:1.5', 'iou:0.5')
        """
        if self.kind == "iou" or self.value is None:
            return self
        return type(self)(kind=self.kind, value=round(self.value * scale, 3))

    @property
    def may_choose(self) -> bool:
        """Whether a threshold, or a run, may be chosen by this rule.

        False where one blob over everything would win: such numbers are shown beside the precision of pixels only.
        """
        return self.kind not in ("overlap", "centre")

    @property
    def has_panoptic_quality(self) -> bool:
        """Whether panoptic quality is defined: it rests on IoU > 0.5 (Kirillov et al., CVPR 2019)."""
        return (self.kind, self.value) == ("iou", 0.5)


HALF_IOU = MatchRule(kind="iou", value=0.5)
"""The rule where no other is chosen."""
