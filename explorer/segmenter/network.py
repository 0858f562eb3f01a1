"""The segmenter: a small U-Net (Ronneberger et al. 2015, arXiv 1505.04597) with GroupNorm.

GroupNorm has no running statistics, which would be wrong for perturbed weights as on a landscape. The weights are in
channels_last format, which is up to twice as fast on a CPU.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib import import_module

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.segmenter.registry import SEGMENTERS
from explorer.segmenter.spec import SegmenterSpec, UNetSpec

GROUP = 4  # channels that share a mean and a variance


class Block(nn.Sequential):
    """Convolution 3×3, GroupNorm and ReLU, twice."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        layers: list[nn.Module] = []
        for channels in (channels_in, channels_out):
            layers += [
                nn.Conv2d(channels, channels_out, 3, padding=1, bias=False),
                nn.GroupNorm(channels_out // GROUP, channels_out),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class Segmenter(nn.Module):
    """Maps images to class logits. The segmenters of the registry derive from it."""

    @property
    def multiple(self) -> int:
        """The height and width of an input must be multiples of this number."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K, H, W) of images (N, C, H, W), most values in [0, 1]; H and W multiples of ``multiple``."""
        raise NotImplementedError

    def load_pretrained(self) -> None:
        """Gives parts that were trained elsewhere their weights; there are none in most segmenters."""

    def start_at(self, pixels: Sequence[int]) -> None:
        """Sets the biases of an untrained segmenter by how many pixels each class has; the U-Net starts at even odds.

        Args:
            pixels: K counts, background first.
        """

    def rate_factor(self, name: str) -> float:
        """The learning rate of a parameter with this name, as a multiple of the phase's."""
        return 1.0


class UNet(Segmenter):
    """The small U-Net.

    Args:
        channels: C of the images, see ``InputSpec.channels``.
        classes: channels K of the logits, at least 2.
        spec: width and depth.
    """

    def __init__(self, channels: int, classes: int, spec: UNetSpec) -> None:
        super().__init__()
        self.spec = spec
        widths = [spec.width * 2**level for level in range(spec.depth + 1)]
        self.encoder = nn.ModuleList(Block(a, b) for a, b in zip([channels, *widths[:-1]], widths, strict=True))
        self.decoder = nn.ModuleList(
            Block(low + high, high) for low, high in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], classes, 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def multiple(self) -> int:
        """See ``Segmenter.multiple``."""
        return int(2**self.spec.depth)

    def forward(self, images: Tensor) -> Tensor:
        """See ``Segmenter.forward``."""
        skips: list[Tensor] = []
        x = (images - 0.5) * 2
        for level, block in enumerate(self.encoder):
            x = block(x if level == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for block in self.decoder:
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), skips.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits


_random_state = threading.Lock()  # it is global: two threads that seed it would draw from each other's


def build_segmenter(channels: int, classes: int, spec: SegmenterSpec, seed: int, pretrained: bool = True) -> Segmenter:
    """A new segmenter whose random weights depend on the seed alone; the global random state does not change.

    Args:
        channels: of the prepared images, see ``InputSpec.channels``.
        classes: channels K of the logits, at least 2.
        spec: kind and size.
        seed: of the random weights.
        pretrained: False where a checkpoint's weights follow, so that those trained elsewhere need not be read.

    Raises:
        InputError: the spec names bands that are not there.
    """
    module, name = SEGMENTERS[spec.kind].builder.split(":")
    builder = getattr(import_module(f"explorer.segmenter.{module}"), name)
    with _random_state, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        segmenter: Segmenter = builder(channels, classes + spec.border, spec)
    if spec.border:
        from explorer.segmenter.border import BorderSegmenter  # derives from Segmenter

        segmenter = BorderSegmenter(segmenter)
    if pretrained:
        segmenter.load_pretrained()
    return segmenter


def parameter_groups(segmenter: Segmenter) -> list[tuple[list[str], float]]:
    """Names of the parameters that share a learning rate, and that rate as a multiple of the phase's.

    In the order of ``named_parameters``; each parameter is in one group.
    """
    groups: dict[float, list[str]] = {}
    for name, _ in segmenter.named_parameters():
        groups.setdefault(segmenter.rate_factor(name), []).append(name)
    return [(names, factor) for factor, names in groups.items()]


def count_parameters(segmenter: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in segmenter.parameters())
