"""Which segmenter, in which size. No torch, so that plans can be read anywhere."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from explorer.errors import InputError

Position = Annotated[int, Field(ge=0, le=15)]
"""Of a band."""


class _Spec(BaseModel):
    """What every segmenter can have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    border: bool = Field(False, description="one output more tells where objects meet, and sets them apart there")


class UNetSpec(_Spec):
    """Width and depth of the small U-Net.

    The number of parameters grows with width² and 4^depth. The pages offer ``SIZES``.
    """

    kind: Literal["unet"] = "unet"
    width: int = Field(8, ge=4, le=64, multiple_of=4, description="channels of the first level")
    depth: int = Field(2, ge=1, le=5, description="number of times the image is halved; the channels double each time")

    def parameters(self, channels: int, classes: int) -> int:
        """Number of parameters with this many channels of the images and classes."""
        widths = [self.width * 2**level for level in range(self.depth + 1)]
        encoder = sum(_block(a, b) for a, b in pairwise([channels, *widths]))
        decoder = sum(_block(low + high, high) for high, low in pairwise(widths))
        return int(encoder + decoder + (widths[0] + 1) * (classes + self.border))

    def check_bands(self, bands: int) -> None:
        """Any number of bands will do."""


class PretrainedSpec(_Spec):
    """A segmenter on an encoder that was trained on ImageNet."""

    kind: Literal["pretrained"] = "pretrained"
    rgb: tuple[Position, Position, Position] = Field(
        (0, 1, 2), description="positions of the bands that serve as red, green and blue, counted from 0"
    )
    width: int = Field(32, ge=8, le=128, multiple_of=8, description="channels of the decoder")
    encoder_rate: float = Field(0.2, ge=0, le=1, description="learning rate of the encoder, as a share of the phase's")

    def parameters(self, channels: int, classes: int) -> int:
        """Number of parameters with this many channels of the images and classes."""
        width, fine = self.width, 16
        decoder = 212 * width + 2 * _normalised(width, width) + _normalised(width, fine)
        full = _normalised(channels, fine) + _normalised(fine, fine) + _normalised(2 * fine, fine)
        return _ENCODER + decoder + full + (fine + 1) * (classes + self.border)

    def check_bands(self, bands: int) -> None:
        """Checks that red, green and blue are among this number of bands.

        Raises:
            InputError: one is not; names the field of the plan.
        """
        if max(self.rgb) >= bands:
            raise InputError(
                f"there is no band at position {max(self.rgb)}: the images have {bands}, counted from 0",
                "segmenter.rgb",
                "choose positions of bands that the images have",
            )


_ENCODER = 355_120  # parameters of EfficientNet-Lite0's stem and first nine blocks


def _normalised(channels_in: int, channels_out: int) -> int:
    """Parameters of a convolution 3×3 without bias and its GroupNorm."""
    return (9 * channels_in + 2) * channels_out


def _block(channels_in: int, channels_out: int) -> int:
    return _normalised(channels_in, channels_out) + _normalised(channels_out, channels_out)


def _tag(given: Any) -> str:
    """Plans of earlier versions name no kind: they had the U-Net only."""
    kind = given.get("kind", "unet") if isinstance(given, dict) else getattr(given, "kind", "unet")
    return f"kind={kind}"  # ``explain_validation`` knows by the prefix that it is no field


SegmenterSpec = Annotated[
    Annotated[UNetSpec, Tag("kind=unet")] | Annotated[PretrainedSpec, Tag("kind=pretrained")],
    Discriminator(
        _tag,
        custom_error_type="segmenter_kind",
        custom_error_message="there is no such kind of segmenter: it is unet or pretrained",
    ),
]
"""Any of the registry's segmenters, in one size."""

SIZES: dict[str, UNetSpec] = {
    "small": UNetSpec(width=8, depth=2),
    "medium": UNetSpec(width=8, depth=3),
    "large": UNetSpec(width=16, depth=3),
}
"""About 30,000, 120,000 and 490,000 parameters (three bands, two classes)."""
