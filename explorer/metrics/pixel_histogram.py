"""Pixel counts at every threshold from one pass over the probabilities, on their device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from explorer.metrics.curves import PixelCurve


class PixelHistogram:
    """Pixels of each class by their probability and by whether the label says that class.

    Scenes, or parts of one, are added by ``update``; nothing is read back from the device until ``curve``.

    >>> histogram = PixelHistogram(classes=2, bins=3)  # thresholds 0, 0.5 and 1
    >>> foreground = torch.tensor([[[[0.1, 0.6, 0.9]]]])
    >>> histogram.update(torch.cat([1 - foreground, foreground], dim=1), torch.tensor([[[0, 0, 1]]]))
    >>> curve = histogram.curve(class_id=1)
    >>> curve.true_positives, curve.false_positives
    (array([1, 1, 0]), array([2, 1, 0]))

    Args:
        classes: number of classes, background included.
        device: where the probabilities lie.
        bins: thresholds are 0, 1/(bins − 1), …, 1. Counts are exact at these thresholds, up to the rounding of a
            probability that lies on one.
    """

    def __init__(self, classes: int, device: torch.device | str = "cpu", bins: int = 1001) -> None:
        self._classes, self._bins = classes, bins
        # the last place takes the pixels that do not count
        self._counts = torch.zeros(classes * 2 * bins + 1, dtype=torch.int64, device=device)

    def update(self, probabilities: Tensor, labels: Tensor) -> None:
        """Adds pixels.

        Args:
            probabilities: (N, K, H, W), in [0, 1]; one that is not a number counts as 0.
            labels: (N, H, W), class ids; ids that are no class (``IGNORE``) do not count.
        """
        if probabilities.shape[1] != self._classes or labels.shape != (len(probabilities), *probabilities.shape[2:]):
            raise ValueError(
                f"probabilities must be (N, {self._classes}, H, W) and labels (N, H, W); "
                f"got {tuple(probabilities.shape)} and {tuple(labels.shape)}"
            )
        classes = torch.arange(self._classes, device=labels.device)[:, None, None]
        labels = labels.long()[:, None]
        scaled = (probabilities.detach().float() * (self._bins - 1)).nan_to_num(0).clamp(0, self._bins - 1)
        place = (classes * 2 + (labels == classes)) * self._bins + scaled.long()
        place = torch.where(labels < self._classes, place, len(self._counts) - 1).flatten()
        self._counts.scatter_add_(0, place, torch.ones_like(place))

    def curve(self, class_id: int) -> PixelCurve:
        """Counts of one class against all others at every threshold."""
        counts = self._counts[:-1].view(self._classes, 2, self._bins)[class_id].cpu().numpy()
        false, true = counts[:, ::-1].cumsum(1)[:, ::-1]  # at or above each threshold
        return PixelCurve(
            thresholds=np.arange(self._bins) / (self._bins - 1),
            true_positives=true,
            false_positives=false,
            false_negatives=true[0] - true,
        )
