"""What a segmenter looks like, without torch, so that a plan can be read anywhere."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SegmenterSpec(BaseModel):
    """A small U-Net with GroupNorm.

    The number of parameters grows with width² and 4^depth; the sizes offered on pages are in ``SIZES``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(8, ge=4, le=64, multiple_of=4, description="channels of the first level")
    depth: int = Field(2, ge=1, le=5, description="how often the image is halved; each time the channels double")


SIZES: dict[str, SegmenterSpec] = {
    "small": SegmenterSpec(width=8, depth=2),
    "medium": SegmenterSpec(width=8, depth=3),
    "large": SegmenterSpec(width=16, depth=3),
}
"""About 30 thousand, 120 thousand and 490 thousand parameters (three bands, two classes)."""
