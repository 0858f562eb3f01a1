"""A segmenter with one output more: whether a pixel lies where two objects meet.

As in the winning entries of the Data Science Bowl 2018 (Caicedo et al. 2019, doi 10.1038/s41592-019-0612-7), such a
border is predicted beside the classes, and what it marks belongs to no object, so that neighbours come apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.segmenter.network import Segmenter

_REACH = 1  # pixels: a border pixel has two objects within this distance, its own among them
_SHARE = 0.01  # of the pixels, with which an untrained segmenter may begin


class BorderSegmenter(Segmenter):
    """Wraps a segmenter that was built for one class more: its last output is the logit of the border.

    Args:
        inner: with K + 1 outputs.
    """

    def __init__(self, inner: Segmenter) -> None:
        super().__init__()
        self.inner = inner

    @property
    def multiple(self) -> int:
        """See ``Segmenter.multiple``."""
        return self.inner.multiple

    def forward(self, images: Tensor) -> Tensor:
        """See ``Segmenter.forward``; the objects are apart, see ``separated``."""
        return separated(*self.outputs(images))

    def outputs(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the classes (N, K, H, W), and of the border (N, H, W)."""
        outputs: Tensor = self.inner(images)
        return outputs[:, :-1], outputs[:, -1]

    def load_pretrained(self) -> None:
        """See ``Segmenter.load_pretrained``."""
        self.inner.load_pretrained()

    def start_at(self, pixels: Sequence[int]) -> None:
        """See ``Segmenter.start_at``."""
        self.inner.start_at([*pixels, round(_SHARE * sum(pixels))])

    def rate_factor(self, name: str) -> float:
        """See ``Segmenter.rate_factor``."""
        return self.inner.rate_factor(name.removeprefix("inner."))


def outputs_of(segmenter: Segmenter, images: Tensor) -> tuple[Tensor, Tensor | None]:
    """What is trained: logits of the classes (N, K, H, W), and of the border (N, H, W) where there is one."""
    return segmenter.outputs(images) if isinstance(segmenter, BorderSegmenter) else (segmenter(images), None)


def separated(logits: Tensor, border: Tensor) -> Tensor:
    """Log-probabilities (N, K, H, W) in which the border is background: p·(1 − b) of each foreground class.

    >>> logits, border = torch.tensor([0.2, 0.8]).log().view(1, 2, 1, 1), torch.tensor([[[0.0]]])
    >>> separated(logits, border).exp().flatten()
    tensor([0.6000, 0.4000])

    Args:
        logits: of the classes (N, K, H, W), background first.
        border: logit (N, H, W) of b.
    """
    known = logits.float().log_softmax(1)
    on, off = F.logsigmoid(border.float())[:, None], F.logsigmoid(-border.float())[:, None]
    objects = known[:, 1:].logsumexp(1, keepdim=True)
    return torch.cat([torch.logaddexp(known[:, :1], objects + on), known[:, 1:] + off], dim=1)


def border_target(ids: Tensor) -> Tensor:
    """(N, H, W) bool: there are pixels of two objects among the 3 × 3 around.

    >>> border_target(torch.tensor([[[1, 1, 2, 0, 0, 3, 0, 4]]])).int()
    tensor([[[0, 1, 1, 0, 0, 0, 1, 0]]], dtype=torch.int32)

    Args:
        ids: (N, H, W), the objects' ids within each image, 0 = none.
    """
    side = 2 * _REACH + 1
    marked = ids.double()[:, None]
    highest = F.max_pool2d(marked, side, 1, _REACH)
    lowest = -F.max_pool2d(-torch.where(marked > 0, marked, torch.inf), side, 1, _REACH)
    return ((highest > 0) & (lowest < highest))[:, 0]


def border_loss(border: Tensor, ids: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy of the border, the mean over pixels on objects and between two of them; 0 or more.

    Elsewhere a border changes nothing: there is no object that it could set apart.

    Args:
        border: logits (N, H, W).
        ids: (N, H, W), see ``border_target``.
        weight: (N, H, W), 0 where ignored, else 1.
    """
    target = border_target(ids)
    losses = F.binary_cross_entropy_with_logits(border.float(), target.float(), reduction="none")
    counted = weight * ((ids > 0) | target)
    return (losses * counted).sum() / counted.sum().clamp_min(1)
