"""The size of a segmenter. No torch, so that plans can be read anywhere."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SegmenterSpec(BaseModel):
    """Width and depth of the U-Net.

    The number of parameters grows with width² and 4^depth. The pages offer ``SIZES``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(8, ge=4, le=64, multiple_of=4, description="channels of the first level")
    depth: int = Field(2, ge=1, le=5, description="number of times the image is halved; the channels double each time")


SIZES: dict[str, SegmenterSpec] = {
    "small": SegmenterSpec(width=8, depth=2),
    "medium": SegmenterSpec(width=8, depth=3),
    "large": SegmenterSpec(width=16, depth=3),
}
"""About 30,000, 120,000 and 490,000 parameters (three bands, two classes)."""
