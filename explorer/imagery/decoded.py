"""A raster file as decoded: what images and masks share before one becomes a raster and the other a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.scene import GeoReference
from explorer.imagery.sources import FileKind
from explorer.settings import Settings


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels as they stand in the file; nothing is decided about them yet."""

    kind: FileKind
    values: NDArray[np.generic]  # (C, H, W), its own dtype; an alpha channel is not one of the bands
    bands: tuple[str, ...]  # C names
    masked: NDArray[np.bool_]  # (H, W), True where the file's own mask says so, or a value is NaN or infinite
    transparent: NDArray[np.bool_]  # (H, W), True where the alpha channel is 0
    nodata: float | None = None
    palette: NDArray[np.uint8] | None = None  # (n, 3) colours, where the one band holds indices into them
    georeference: GeoReference | None = None

    def is_nodata(self) -> NDArray[np.bool_]:
        """(H, W), True where any band has the file's nodata value."""
        if self.nodata is None:
            return np.zeros(self.masked.shape, dtype=np.bool_)
        with np.errstate(over="ignore"):  # a nodata value beyond the range of the dtype equals no pixel
            return np.asarray((self.values == self.nodata).any(axis=0))


def check_size(height: int, width: int, bands: int, name: str, limits: Settings) -> None:
    """Refuses an image by the size in its header, before a single pixel is decoded.

    Raises:
        InputError: more pixels, bands or values than the settings allow, or none at all.
    """
    size = f"{width}×{height} pixels, {bands} band{'s' if bands != 1 else ''}"
    if min(height, width, bands) < 1:
        raise InputError(f"holds no pixels ({size})", name, "save it again")
    if bands > limits.max_bands:
        raise InputError(f"{bands} bands, at most {limits.max_bands} are read", name, "keep the bands you need")
    if height * width > limits.max_pixels:
        raise InputError(
            f"too large ({size}; at most {limits.max_pixels:,} pixels)",
            name,
            "cut it into tiles or raise EXPLORER_MAX_PIXELS",
        )
    if height * width * bands > limits.max_values:
        raise InputError(
            f"too large ({size}; at most {limits.max_values:,} values)",
            name,
            "cut it into tiles, drop bands or raise EXPLORER_MAX_VALUES",
        )
