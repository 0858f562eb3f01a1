"""The segmenter on a fixed set of validation crops, as an ``Objective``."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import InputError
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.landscape.crops import Crops
from explorer.landscape.directions import filter_axes
from explorer.landscape.fields import Field
from explorer.landscape.segment_sums.evaluate import FieldEvaluator
from explorer.losses.loss import Loss, build_loss
from explorer.losses.prediction import Prediction
from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.segmenter.network import Segmenter

_PIXELS_AT_ONCE = {"cpu": 2**17, "cuda": 2**22}
"""How many pixels go through the segmenter at once. On a CPU, tensors of more than 32 MiB are returned to the system
after every forward and their pages fetched again, which adds a third to the time."""


class SegmenterObjective:
    """Fields and losses of a segmenter as functions of its weights.

    Args:
        segmenter: on its device. It is switched to evaluation; its weights are those of the moment.
        crops: what it is measured on.
        losses: by kind, for example ``logged_specs``; also those that ``loss`` computes.
        classes: names, background first.
        objects: object metrics too.
        minimum_area: of these metrics, in pixels.
        rule: of these metrics: when a predicted object counts as one of the label.

    Raises:
        InputError: the crops do not fit the segmenter or the names.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        crops: Crops,
        losses: Mapping[LossKind, LossSpec],
        classes: Sequence[str],
        objects: bool = False,
        minimum_area: int = 1,
        rule: MatchRule = HALF_IOU,
    ) -> None:
        if any(side % segmenter.multiple for side in crops.labels.shape[1:]):
            raise InputError(
                f"crops of {crops.labels.shape[1]}×{crops.labels.shape[2]} pixels do not fit the segmenter",
                "crops",
                f"take a multiple of {segmenter.multiple}",
            )
        self.segmenter = segmenter.eval()
        self.names = tuple(name for name, _ in segmenter.named_parameters())
        self.parameters: tuple[Tensor, ...] = tuple(segmenter.parameters())
        axes = filter_axes(segmenter)
        self.filter_axes = tuple(axes[name] for name in self.names)
        device = self.parameters[0].device
        images = torch.from_numpy(crops.images).to(device).contiguous(memory_format=torch.channels_last)
        limit = _PIXELS_AT_ONCE.get(device.type, _PIXELS_AT_ONCE["cuda"])
        self._batches = torch.split(images, max(1, limit // crops.labels[0].size))
        self._labels, self._ids, self._owners = (
            torch.from_numpy(array).to(device) for array in (crops.labels, crops.ids, crops.owners)
        )
        self.evaluator = FieldEvaluator(crops, losses, classes, device, objects, minimum_area, rule)
        self._losses: dict[LossKind, Loss] = {kind: build_loss(spec) for kind, spec in losses.items()}

    def copied(self) -> Self:
        """The same with weights of its own; all that is not written is shared."""
        copied = copy.copy(self)
        copied.segmenter = copy.deepcopy(self.segmenter)
        copied.parameters = tuple(copied.segmenter.parameters())
        return copied

    @property
    def fields(self) -> tuple[Field, ...]:
        """What ``evaluate`` gives, in its order."""
        return self.evaluator.fields

    @property
    def parts(self) -> int:
        """Disjoint parts of the crops."""
        return self.evaluator.parts

    def logits(self) -> Tensor:
        """(N, K, H, W) of all crops at the current weights."""
        return torch.cat([self.segmenter(batch) for batch in self._batches])

    def evaluate(self) -> NDArray[np.float64]:
        """(1 + parts, fields) from one forward."""
        return self.evaluator(self.logits())

    def loss(self, kind: LossKind) -> Tensor:
        """One loss of the fields, differentiable in the weights.

        Raises:
            InputError: it is not one of them.
        """
        found = self._losses.get(kind)
        if found is None:
            raise InputError(f"{kind!r} is not measured here", "loss", f"take one of {', '.join(self._losses)}")
        result: Tensor = found.of(Prediction(self.logits(), self._labels, self._ids, self._owners))
        return result
