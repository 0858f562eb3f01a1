"""One prediction and its label, from which every loss and metric reads.

Softmax, its logarithm and the sums that region losses share are computed once, in float32 (float64 stays
float64): half precision gave NaN in region losses of published libraries.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.imagery.objects import object_maps
from explorer.imagery.scene import IGNORE


class Prediction:
    """Logits with their labels; everything else is derived from them on first use and kept.

    Args:
        logits: (N, K, H, W); K = 1 is one sigmoid logit, taken as two classes with logits (0, z).
        labels: (N, H, W), class ids below K (or 2), ``IGNORE`` where a pixel counts nowhere.
        ids: (N, H, W), the objects' ids within each image, 0 = none. Computed from the labels if not given.
        owners: (N, K − 1, H, W), id of the nearest object of each foreground class, 0 = none; given with ``ids``.
        id_bound: a number above all ids and owners. A caller that knows it saves the synchronisation that finds it.
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
        self._objects = None if ids is None or owners is None else (ids, owners)
        self._id_bound = id_bound

    @property
    def classes(self) -> int:
        """K, at least 2."""
        return self.logits.shape[1]

    @cached_property
    def valid(self) -> Tensor:
        """(N, H, W) bool: the label counts."""
        return self.labels != IGNORE

    @cached_property
    def target(self) -> Tensor:
        """(N, H, W) int64: the label, 0 where it is ignored."""
        return torch.where(self.valid, self.labels, 0).long()

    @cached_property
    def weight(self) -> Tensor:
        """(N, H, W): 1 where the label counts, 0 elsewhere, in the logits' type."""
        return self.valid.to(self.logits.dtype)

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
        return self.log_probabilities.exp()

    @cached_property
    def true_log_probability(self) -> Tensor:
        """(N, H, W): log-probability of the labelled class; where ignored, that of class 0."""
        if self.classes == 2:  # a gather costs more than this
            return torch.where(self.target == 1, self.log_probabilities[:, 1], self.log_probabilities[:, 0])
        return self.log_probabilities.gather(1, self.target[:, None])[:, 0]

    @cached_property
    def one_hot(self) -> Tensor:
        """(N, K, H, W): 1 for the labelled class, 0 elsewhere and where ignored, in the logits' type."""
        classes = torch.arange(self.classes, device=self.labels.device, dtype=self.labels.dtype)
        return (self.labels[:, None] == classes[:, None, None]).to(self.logits.dtype)

    @cached_property
    def area(self) -> Tensor:
        """(N, K): Σ y, labelled pixels of each class."""
        return self.one_hot.sum((2, 3))

    @cached_property
    def mass(self) -> Tensor:
        """(N, K): Σ p over valid pixels."""
        return (self.probabilities * self.weight[:, None]).sum((2, 3))

    @cached_property
    def intersection(self) -> Tensor:
        """(N, K): Σ p·y."""
        return (self.probabilities * self.one_hot).sum((2, 3))

    @cached_property
    def objects(self) -> tuple[Tensor, Tensor, int]:
        """Ids (N, H, W) and owners (N, K − 1, H, W), unique over the batch, 0 = none; and a bound above them."""
        if self._objects is None:
            labels = self.labels.cpu().numpy().astype(np.uint8)
            maps = [object_maps(label, self.classes) for label in labels]
            ids = torch.from_numpy(np.stack([each.ids for each in maps])).to(self.labels.device)
            owners = torch.from_numpy(np.stack([each.owners for each in maps])).to(self.labels.device)
            span = 1 + max(int(each.ids.max(initial=0)) for each in maps)
        else:
            ids, owners = self._objects
            known = self._id_bound
            span = int(torch.maximum(ids.amax(), owners.amax())) + 1 if known is None else known
        shift = torch.arange(len(ids), device=ids.device)[:, None, None] * span
        ids, owners = ids.long(), owners.long()
        unique_ids = torch.where(ids > 0, ids + shift, 0)
        unique_owners = torch.where(owners > 0, owners + shift[:, None], 0)
        return unique_ids, unique_owners, span * len(ids)
