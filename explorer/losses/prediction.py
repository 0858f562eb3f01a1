"""One prediction and its label, from which every loss is computed.

Softmax, its logarithm and the sums that region losses share are computed once, in float32 (float64 stays
float64): half precision gives NaN in region losses of published libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.imagery.objects import object_maps

CERTAIN = 1e4  # logits this far apart give p = 1, a loss of 0 and a gradient of 0, even in float64

_SUM = 2  # torch's number of the reduction


class Prediction:
    """Logits with their labels; everything else is derived from them on first use and kept.

    >>> seen = Prediction(torch.tensor([0.2, 0.8]).log().view(1, 2, 1, 1), torch.tensor([[[1]]]))
    >>> seen.probabilities.flatten(), seen.intersection, seen.false_positives
    (tensor([0.2000, 0.8000]), tensor([[0.0000, 0.8000]]), tensor([[0.2000, 0.0000]]))

    Args:
        logits: (N, K, H, W); K = 1 is one sigmoid logit, taken as two classes with logits (0, z).
        labels: (N, H, W), class ids from 0 to K − 1 (to 1 if K is 1), ``IGNORE`` (or any from K up) where a
            pixel is ignored.
        ids: (N, H, W), the objects' ids within each image, 0 = none. Computed from the labels if not given.
        owners: (N, K − 1, H, W), id of the nearest object of each foreground class (on an object: its own), 0 = none;
            given with ``ids``.
        id_bound: a number above all ids and owners. If not given, it is read back from the device.
    """

    def __init__(
        self,
        logits: Tensor,
        labels: Tensor,
        ids: Tensor | None = None,
        owners: Tensor | None = None,
        id_bound: int | None = None,
    ) -> None:
        if logits.dim() != 4 or labels.shape != (logits.shape[0], *logits.shape[2:]):
            raise ValueError(
                f"logits must be (N, K, H, W) and labels (N, H, W); got {tuple(logits.shape)} and {tuple(labels.shape)}"
            )
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        if logits.shape[1] == 1:
            logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
        self.logits = logits
        self.labels = labels
        self._maps = None if ids is None or owners is None else (ids, owners)
        self._id_bound = id_bound

    @property
    def classes(self) -> int:
        """K, at least 2."""
        return self.logits.shape[1]

    @cached_property
    def _float_labels(self) -> Tensor:
        return self.labels.to(self.logits.dtype)

    @cached_property
    def weight(self) -> Tensor:
        """(N, H, W): 1 where the label counts, 0 where it is ignored, in the logits' type."""
        return torch.lt(self._float_labels, self.classes, out=torch.empty_like(self._float_labels))

    @cached_property
    def one_hot(self) -> Tensor:
        """(N, K, H, W): 1 for the labelled class, 0 elsewhere and where ignored, in the logits' type.

        Compared and written as floating point numbers, ten times faster on a CPU than by way of bool.
        """
        classes = torch.arange(self.classes, device=self.labels.device, dtype=self.logits.dtype)[:, None, None]
        return torch.eq(self._float_labels[:, None], classes, out=self._float_labels.new_empty(self.logits.shape))

    def by_class(self, values: Sequence[float]) -> Tensor:
        """(N, H, W): the value of each pixel's class, 0 where ignored."""
        if self.classes == 2:
            return torch.addcmul(self.weight * values[0], self.weight, self._float_labels, value=values[1] - values[0])
        return (self.one_hot * self._vector(values)[:, None, None]).sum(1)

    def _vector(self, values: Sequence[float]) -> Tensor:
        """(K,): numbers on the logits' device, in their type."""
        if self.logits.device.type == "cpu":
            return self.logits.new_tensor(values)
        # filled there: a device would wait for numbers that are copied from the host
        return torch.stack([self.logits.new_full((), value) for value in values])

    @cached_property
    def area(self) -> Tensor:
        """(N, K): Σ y, labelled pixels of each class."""
        return self.one_hot.sum((2, 3))

    @cached_property
    def image_pixels(self) -> Tensor:
        """(N,): valid pixels of each image."""
        return self.weight.sum((1, 2))

    @cached_property
    def pixels(self) -> Tensor:
        """Scalar: valid pixels of the batch."""
        return self.image_pixels.sum()

    @cached_property
    def log_probabilities(self) -> Tensor:
        """(N, K, H, W)."""
        return F.log_softmax(self.logits, dim=1)

    @cached_property
    def probabilities(self) -> Tensor:
        """(N, K, H, W)."""
        return F.softmax(self.logits, dim=1)

    @cached_property
    def _margin(self) -> Tensor:
        """(N, H, W), two classes only: the other class's logit minus the labelled one's; −``CERTAIN`` if ignored."""
        background, foreground = self.logits.unbind(1)
        sign = torch.addcmul(self.weight, self.weight, self._float_labels, value=-2)
        ignored = (self.weight - 1).mul_(CERTAIN)
        return torch.addcmul(ignored, sign, foreground - background)

    @cached_property
    def nll(self) -> Tensor:
        """(N, H, W): −log p of the labelled class; 0 where ignored."""
        if self.classes == 2:
            return F.softplus(self._margin, threshold=40)
        # up to twice as fast as gathering, forward and backward
        return (self.log_probabilities * self.one_hot).sum(1).neg_()

    @cached_property
    def _targets(self) -> Tensor:
        """(N, H, W): class ids, int64, K where ignored."""
        return self.labels.clamp_max(self.classes).long()

    def nll_sum(self, weights: Sequence[float] | None = None) -> tuple[Tensor, Tensor]:
        """Scalars: Σ w·(−log p) of the labelled class over valid pixels, and Σ w, where w is the weight of that class.

        With more than two classes, torch's fused kernel gives both in one pass.

        Args:
            weights: one number for each class; None: all are 1.
        """
        if self.classes == 2:
            if weights is None:
                return self.nll.sum(), self.pixels
            weight = self.by_class(weights)
            return (self.nll * weight).sum(), weight.sum()
        of_class = None if weights is None else self._vector(weights)
        both: tuple[Tensor, Tensor] = torch.ops.aten.nll_loss2d_forward(
            self.log_probabilities, self._targets, of_class, _SUM, self.classes
        )
        return both

    @cached_property
    def one_minus_pt(self) -> Tensor:
        """(N, H, W): 1 − p of the labelled class, exact where it is tiny; 0 where ignored."""
        return torch.sigmoid(self._margin) if self.classes == 2 else -torch.expm1(-self.nll)

    @cached_property
    def missed(self) -> Tensor:
        """(N, H, W): 1 − p of the labelled class; 0 where ignored. From p itself where p is small, so that a confident
        miss keeps its gradient in float32, and exact where 1 − p is tiny."""
        labelled = torch.sigmoid(-self._margin) if self.classes == 2 else (self.probabilities * self.one_hot).sum(1)
        return torch.where(self.one_minus_pt < 0.5, self.one_minus_pt, self.weight - labelled)

    @cached_property
    def errors(self) -> Tensor:
        """(N, K − 1, H, W): |y − p| of each foreground class, 0 where ignored."""
        if self.classes == 2:
            probabilities = torch.sigmoid(self.logits[:, 1:] - self.logits[:, :1])
        else:
            probabilities = self.probabilities[:, 1:]
        one_hot = self.one_hot[:, 1:]
        return torch.addcmul(one_hot, probabilities, self.weight[:, None] - 2 * one_hot)

    @cached_property
    def intersection(self) -> Tensor:
        """(N, K): I = Σ p·y, from p itself: computed from 1 − p, a confident miss would have no gradient in float32."""
        hit = torch.sigmoid(-self._margin)[:, None] if self.classes == 2 else self.probabilities
        return (hit * self.one_hot).sum((2, 3))

    @cached_property
    def false_positives(self) -> Tensor:
        """(N, K): FP = Σ p·(1 − y) over valid pixels. Not as Σ p − I, which would cancel for a large class."""
        if self.classes == 2:  # the misses of one class are the false positives of the other
            return (self.one_minus_pt[:, None] * self.one_hot).sum((2, 3)).flip(1)
        return (self.probabilities * (self.weight[:, None] - self.one_hot)).sum((2, 3))

    @cached_property
    def objects(self) -> tuple[Tensor, Tensor, int]:
        """Ids (N, H, W) and owners (N, K − 1, H, W) within each image, int64, 0 = none; and a bound above them."""
        if self._maps is not None:
            ids, owners = self._maps
            bound = self._id_bound
            if bound is None:
                bound = int(torch.maximum(ids.amax(), owners.amax())) + 1
        else:
            labels = self.labels.cpu().numpy().astype(np.uint8)
            maps = [object_maps(label, self.classes) for label in labels]
            ids = torch.from_numpy(np.stack([each.ids for each in maps])).to(self.labels.device)
            owners = torch.from_numpy(np.stack([each.owners for each in maps])).to(self.labels.device)
            bound = 1 + max(int(each.ids.max(initial=0)) for each in maps)
        return ids.long(), owners.long(), bound
