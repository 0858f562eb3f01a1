"""Reads images: PNG, JPEG, TIFF and GeoTIFF of 8 or 16 bits or floating point, 1 to 16 bands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.decoded import Decoded
from explorer.imagery.decoding import decode
from explorer.imagery.scene import Raster
from explorer.settings import Settings


def read_raster(source: Path | bytes, name: str, limits: Settings | None = None) -> Raster:
    """Reads one image.

    Pixels that are nodata, masked, transparent, NaN or infinite in any band are not valid. A palette is
    replaced by its colours; Exif orientation is applied; band names come from the file where it has them.

    Args:
        source: a path, or the file's content.
        name: what to call the image.
        limits: size limits; those of the installation if not given.

    Raises:
        InputError: not an image, unreadable, truncated, too large, or without a single valid pixel.
    """
    decoded = decode(source, name, limits)
    valid = ~(decoded.masked | decoded.transparent | decoded.is_nodata())
    if not valid.any():
        raise InputError("no valid pixel: all are nodata, masked, transparent, NaN or infinite", name, "leave it out")
    if decoded.palette is None:
        return Raster(name, decoded.values, valid, decoded.bands, decoded.georeference)
    image = colours_of(decoded, name).transpose(2, 0, 1)
    return Raster(name, np.ascontiguousarray(image), valid, ("red", "green", "blue"), decoded.georeference)


def colours_of(decoded: Decoded, name: str) -> NDArray[np.uint8]:
    """The colours (H, W, 3) of an image with a palette.

    Raises:
        InputError: a pixel has an index that the palette lacks.
    """
    assert decoded.palette is not None
    index = decoded.values[0].astype(np.intp)
    if int(index.max()) >= len(decoded.palette):
        raise InputError(
            f"index {index.max()}, but its palette ends at {len(decoded.palette) - 1}", name, "save it again"
        )
    colours: NDArray[np.uint8] = decoded.palette[index]
    return colours
