"""A segmenter on an encoder that was trained on ImageNet, with a light decoder and a branch at full resolution.

The encoder sees three bands as red, green and blue. The branch sees all channels at the image's own resolution, where
small objects are: the encoder's finest features are at half of it. The decoder adds features of neighbouring sizes, as
in a feature pyramid (Lin et al. 2017, arXiv 1612.03144).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.segmenter.efficientnet import FEATURES, MEAN, STANDARD_DEVIATION, Encoder, load_imagenet_weights
from explorer.segmenter.network import Segmenter
from explorer.segmenter.spec import PretrainedSpec

_GROUPS = 4  # of each GroupNorm
_FINE = 16  # channels at full resolution
_LEAST_SHARE = 1e-4  # of a class at the start: a logit further from 0 takes long to change


class _Block(nn.Sequential):
    """Convolution 3×3, GroupNorm and ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.GroupNorm(_GROUPS, channels_out),
            nn.ReLU(inplace=True),
        )


class _Decoder(nn.Module):
    """From the encoder's features and the whole image to features at the image's resolution."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(features, width, 1) for features in FEATURES)
        self.merge = nn.ModuleList(_Block(width, width if level else _FINE) for level in range(len(FEATURES) - 1))
        self.fine = nn.Sequential(_Block(channels, _FINE), _Block(_FINE, _FINE))
        self.join = nn.ModuleList(nn.Conv2d(_FINE, _FINE, 3, padding=1, bias=False) for _ in range(2))
        self.joined = nn.Sequential(nn.GroupNorm(_GROUPS, _FINE), nn.ReLU(inplace=True))

    def forward(self, features: list[Tensor], images: Tensor) -> Tensor:
        """(N, 16, H, W) of images (N, C, H, W) and their features."""
        x = self.lateral[-1](features[-1])
        for level in range(len(self.merge) - 1, -1, -1):
            x = self.merge[level](_doubled(x) + self.lateral[level](features[level]))
        # a convolution of both, but of the coarse half before it is enlarged: a quarter of that half's cost
        coarse, fine = self.join
        joined: Tensor = self.joined(_doubled(coarse(x)) + fine(self.fine((images - 0.5) * 2)))
        return joined


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class PretrainedSegmenter(Segmenter):
    """The segmenter; its weights are random until ``load_pretrained``.

    Args:
        channels: C of the images; the bands come first.
        classes: channels K of the logits, at least 2.
        spec: bands for red, green and blue, and width.

    Raises:
        InputError: one of these bands is not there.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int, classes: int, spec: PretrainedSpec) -> None:
        super().__init__()
        spec.check_bands(channels)
        self.spec = spec
        self.encoder = Encoder()
        self.decoder = _Decoder(channels, spec.width)
        self.head = nn.Conv2d(_FINE, classes, 1)
        # not part of the state: checkpoints hold what is trained
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(STANDARD_DEVIATION)[:, None, None], persistent=False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def multiple(self) -> int:
        """See ``Segmenter.multiple``."""
        return int(2 ** len(FEATURES))

    def forward(self, images: Tensor) -> Tensor:
        """See ``Segmenter.forward``."""
        rgb = torch.stack([images[:, band] for band in self.spec.rgb], dim=1)
        features = self.encoder((rgb - self.mean) / self.deviation)
        logits: Tensor = self.head(self.decoder(features, images))
        return logits

    def load_pretrained(self) -> None:
        """See ``Segmenter.load_pretrained``: ImageNet's weights for the encoder."""
        load_imagenet_weights(self.encoder)

    @torch.no_grad()
    def start_at(self, pixels: Sequence[int]) -> None:
        """See ``Segmenter.start_at``: it begins with the classes' shares, so that no step is spent on learning them."""
        shares = torch.tensor(pixels, dtype=torch.float32) / max(1, sum(pixels))
        logits = shares.clamp_min(_LEAST_SHARE).log()
        assert self.head.bias is not None
        self.head.bias.copy_(logits - logits[0])

    def rate_factor(self, name: str) -> float:
        """See ``Segmenter.rate_factor``: the encoder learns more slowly."""
        return self.spec.encoder_rate if name.startswith("encoder.") else 1.0
