"""All fields of one prediction: every loss and pixel metric, for the whole set of crops and for each part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import InputError
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.landscape.crops import Crops
from explorer.landscape.fields import Field, loss_field, object_fields, pixel_fields
from explorer.landscape.segment_sums.formulas import FORMULAS, covers, pixel_metrics
from explorer.landscape.segment_sums.segments import Segments
from explorer.landscape.segment_sums.sums import in_order, sum_up
from explorer.losses.loss import Loss, build_loss, evaluate_losses
from explorer.losses.prediction import Prediction
from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.metrics.counts import ObjectCounts, ToleranceCounts
from explorer.metrics.matching import LabelObjects, find_label_objects, match
from explorer.metrics.objects import count_objects
from explorer.metrics.tolerance import count_within

_ANY_GAMMA = 2.0  # where the focal loss is not among the losses


class FieldEvaluator:
    """Turns logits of a fixed set of crops into every field.

    Args:
        crops: the set; what depends on labels alone is computed once, here.
        losses: by kind, with numbers for class weights.
        classes: names, background first.
        device: where the logits will be.
        objects: object metrics too, which take a component search for each prediction.
        minimum_area: of these metrics, in pixels; see :mod:`explorer.metrics.matching`.
        rule: of these metrics: when a predicted object counts as one of the label.

    Raises:
        InputError: the names do not fit the crops, class weights are still a rule, a loss is not in the registry, or no
            pixel is valid.
    """

    def __init__(
        self,
        crops: Crops,
        losses: Mapping[LossKind, LossSpec],
        classes: Sequence[str],
        device: torch.device,
        objects: bool = False,
        minimum_area: int = 1,
        rule: MatchRule = HALF_IOU,
    ) -> None:
        if len(classes) != crops.classes:
            raise InputError(f"{len(classes)} names for {crops.classes} classes", "classes", "name each class")
        self._segments = Segments(crops)
        self.order = torch.from_numpy(self._segments.order).to(device)
        self._covered = [spec for spec in losses.values() if covers(spec)]
        built = {kind: build_loss(spec) for kind, spec in losses.items()}
        self._others = [loss for loss in built.values() if not covers(loss.spec)]
        self._labels, self._ids, self._owners = (
            torch.from_numpy(array).to(device) for array in (crops.labels, crops.ids, crops.owners)
        )
        focal = losses.get("focal")
        self._gamma = _ANY_GAMMA if focal is None else focal.number("gamma")
        self._found = _find(crops) if objects else ()
        self._minimum_area, self._rule = minimum_area, rule
        self.fields: tuple[Field, ...] = (
            *(loss_field(spec.kind) for spec in self._covered),
            *(loss_field(loss.spec.kind) for loss in self._others),
            *pixel_fields(classes),
            *(object_fields(classes) if objects else ()),
        )

    @property
    def parts(self) -> int:
        """Disjoint parts of the set."""
        return self._segments.parts

    def __call__(self, logits: Tensor) -> NDArray[np.float64]:
        """(1 + parts, fields): the whole set, then its parts; NaN where undefined, all NaN if a logit is not finite.

        Args:
            logits: (N, K, H, W) of the crops.
        """
        ordered = in_order(logits, self.order).cpu()
        if not torch.isfinite(ordered.sum()):
            return np.full((1 + self.parts, len(self.fields)), np.nan)
        sums = sum_up(ordered, self._segments, self._gamma)
        columns = [FORMULAS[spec.kind](sums, spec)[:, None] for spec in self._covered]
        if self._others:
            columns.append(self._evaluate(logits, self._others))
        columns.append(pixel_metrics(sums.confusion).reshape(1 + self.parts, -1))
        if self._found:
            columns.append(self._object_metrics(logits))
        return np.concatenate(columns, axis=1)

    def _evaluate(self, logits: Tensor, losses: Sequence[Loss]) -> NDArray[np.float64]:
        """(1 + parts, losses): by their own functions."""
        values = []
        for group in range(1 + self.parts):
            here = self._images(group).to(logits.device)
            prediction = Prediction(logits[here], self._labels[here], self._ids[here], self._owners[here])
            values.append(evaluate_losses(prediction, losses).double().cpu().numpy())
        return np.stack(values)

    def _images(self, group: int) -> Tensor:
        part = self._segments.image_part
        return torch.from_numpy(np.flatnonzero(part == group - 1) if group else np.arange(len(part)))

    def _object_metrics(self, logits: Tensor) -> NDArray[np.float64]:
        """(1 + parts, 3 · foreground classes)."""
        predicted = logits.argmax(1).to(torch.uint8).cpu().numpy()
        values = np.full((1 + self.parts, len(self._found), 3), np.nan)
        for column, of_class in enumerate(self._found):
            counts = [
                self._count(image == column + 1, objects) for image, objects in zip(predicted, of_class, strict=True)
            ]
            for group in range(1 + self.parts):
                total = reduce(add, (counts[image] for image in self._images(group).tolist())).scores()
                given = (total.precision, total.recall, total.f1)
                values[group, column] = [np.nan if value is None else value for value in given]
        return values.reshape(1 + self.parts, -1)

    def _count(self, predicted: NDArray[np.bool_], objects: LabelObjects) -> ObjectCounts | ToleranceCounts:
        if self._rule.counts_objects:
            return count_objects(match(predicted, objects, self._rule), self._minimum_area)
        return count_within(predicted, objects, self._rule.value or 0.0)


def _find(crops: Crops) -> tuple[tuple[LabelObjects, ...], ...]:
    """Of each foreground class, the objects of each crop: parts of those of its scene."""
    return tuple(
        tuple(find_label_objects(label, class_id, ids) for label, ids in zip(crops.labels, crops.ids, strict=True))
        for class_id in range(1, crops.classes)
    )
