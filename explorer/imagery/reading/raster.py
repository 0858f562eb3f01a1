"""Reads images: PNG, JPEG, TIFF and GeoTIFF of 8 or 16 bits or floating point, 1 to 16 bands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.reading.formats import Decoded, FileKind, kind_of, read_bytes
from explorer.imagery.reading.gdal import decode_with_gdal
from explorer.imagery.reading.pillow import decode_picture
from explorer.imagery.scene import Raster
from explorer.settings import Settings, settings

_IHDR_DEPTH, _IHDR_COLOUR = 24, 25  # offsets in a PNG of its bits per sample and its colour type
_PNG_GREY = 0


def decode(source: Path | bytes, name: str, limits: Settings | None = None) -> Decoded:
    """Decodes a PNG, JPEG or TIFF.

    Args:
        source: a path, or the file's content.
        name: what to call the file in messages.
        limits: size limits; those of the installation if not given.

    Raises:
        InputError: not such a file, unreadable, truncated, too large or with values that are not read.
    """
    limits = limits or settings()
    data = read_bytes(source, name, limits)
    kind = kind_of(data)
    if kind not in (FileKind.PNG, FileKind.JPEG, FileKind.TIFF):
        what = f"a {kind} file, not an image" if kind else "not a PNG, JPEG or TIFF file"
        raise InputError(what, name, "save the image as PNG or TIFF")
    decoder = decode_with_gdal if kind is FileKind.TIFF or _is_deep_colour(data, kind) else decode_picture
    try:
        return decoder(data, kind, name, limits)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError("does not fit into memory", name, "cut it into tiles") from error
    except Exception as error:  # broken files make the decoders raise nearly every type there is
        raise InputError(f"unreadable or truncated ({_one_line(error)})", name, "save or send it again") from error


def _is_deep_colour(data: bytes, kind: FileKind) -> bool:
    header = data[_IHDR_DEPTH : _IHDR_COLOUR + 1]
    return kind is FileKind.PNG and len(header) == 2 and header[0] == 16 and header[1] != _PNG_GREY


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


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
