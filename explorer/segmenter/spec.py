"""Which segmenter, in which size. No torch, so that plans can be read anywhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag


class UNetSpec(BaseModel):
    """Width and depth of the small U-Net.

    The number of parameters grows with width² and 4^depth. The pages offer ``SIZES``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["unet"] = "unet"
    width: int = Field(8, ge=4, le=64, multiple_of=4, description="channels of the first level")
    depth: int = Field(2, ge=1, le=5, description="number of times the image is halved; the channels double each time")


class PretrainedSpec(BaseModel):
    """A segmenter on an encoder that was trained on ImageNet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["pretrained"] = "pretrained"
    rgb: tuple[int, int, int] = Field((0, 1, 2), description="positions of the bands that serve as red, green and blue")
    width: int = Field(32, ge=8, le=128, multiple_of=8, description="channels of the decoder")
    encoder_rate: float = Field(0.2, ge=0, le=1, description="learning rate of the encoder, as a share of the phase's")


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
