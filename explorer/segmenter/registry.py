"""Every segmenter of the project, described once: what it suits, what it costs, how it is built. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explorer.segmenter.spec import PretrainedSpec, UNetSpec


@dataclass(frozen=True)
class SegmenterInfo:
    """What there is to say about one kind of segmenter."""

    kind: str
    name: str
    spec: type[UNetSpec] | type[PretrainedSpec]  # its settings
    builder: str  # "module:function" of this package; (channels, classes, spec) -> Segmenter
    sentence: str  # one plain sentence
    suits: str  # one plain sentence
    cost: str  # parameters and time, in words


SEGMENTERS: Mapping[str, SegmenterInfo] = MappingProxyType(
    {
        info.kind: info
        for info in (
            SegmenterInfo(
                "unet",
                "Small U-Net",
                UNetSpec,
                "network:UNet",
                "A U-Net with GroupNorm that starts from random weights.",
                "Built-in scenes, lessons, and imagery unlike photographs.",
                "30,000 to 490,000 parameters; the fastest step.",
            ),
            SegmenterInfo(
                "pretrained",
                "Pretrained encoder",
                PretrainedSpec,
                "pretrained:PretrainedSegmenter",
                "Nine blocks of EfficientNet-Lite0 with weights from ImageNet, a light decoder, and a branch at full "
                "resolution.",
                "Photographs, aerial and satellite imagery, above all with few scenes.",
                "390,000 parameters; a step takes about 1.5 times that of the medium U-Net.",
            ),
        )
    }
)
"""Segmenters by kind."""
