"""Reads images: PNG, JPEG, TIFF and GeoTIFF with 8 or 16 bits or floating point, 1 to 16 bands.

``DECODERS`` is the registry: a new image format is a :class:`FileKind`, a decoder in a module of its own, and an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from explorer.errors import InputError
from explorer.imagery.reading.formats import Decoded, FileKind, kind_of, read_bytes
from explorer.imagery.reading.gdal import decode_with_gdal
from explorer.imagery.reading.pillow import decode_with_pillow
from explorer.imagery.scene import Raster
from explorer.settings import Settings, settings

Decoder = Callable[[bytes, FileKind, str, Settings], Decoded]
"""Decodes the content of a file, given its kind, its name for messages, and the limits on its size."""

_IHDR_DEPTH, _IHDR_COLOUR = 24, 25  # offsets in a PNG of its bits per sample and its colour type
_PNG_GREY = 0


def read_raster(source: Path | bytes, name: str, limits: Settings | None = None) -> Raster:
    """Reads one image.

    Pixels that are nodata, masked, transparent, NaN or infinite in any band are not valid. A palette is replaced by
    its colours, Exif orientation is applied, and band names are taken from the file if it has them.

    Args:
        source: a path, or the content of a file.
        name: of the image, also for messages.
        limits: on its size; those of the installation if not given.

    Raises:
        InputError: the file is not an image, unreadable, truncated, too large, or without a valid pixel.
    """
    decoded = decode(source, name, limits)
    valid = ~(decoded.masked | decoded.transparent | decoded.is_nodata())
    if not valid.any():
        raise InputError("no valid pixel: all are nodata, masked, transparent, NaN or infinite", name, "leave it out")
    if decoded.palette is None:
        return Raster(name, decoded.values, valid, decoded.bands, decoded.georeference)
    colours = decoded.colours_of(decoded.values[0].astype(np.intp), name).transpose(2, 0, 1)  # (3, H, W)
    return Raster(name, np.ascontiguousarray(colours), valid, ("red", "green", "blue"), decoded.georeference)


def decode(source: Path | bytes, name: str, limits: Settings | None = None) -> Decoded:
    """Decodes an image with the decoder of its format.

    Args:
        source: a path, or the content of a file.
        name: of the file, for messages.
        limits: on its size; those of the installation if not given.

    Raises:
        InputError: the file is not an image, unreadable, truncated, too large, or holds values that are not read.
    """
    limits = limits or settings()
    data = read_bytes(source, name, limits)
    kind = kind_of(data)
    if kind is None or kind not in DECODERS:
        what = f"a {kind} file, not an image" if kind else "not a PNG, JPEG or TIFF file"
        raise InputError(what, name, "save the image as PNG or TIFF")
    try:
        return DECODERS[kind](data, kind, name, limits)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError("does not fit into memory", name, "cut it into tiles") from error
    except Exception as error:  # on broken files, the decoders raise almost any type
        raise InputError(f"unreadable or truncated ({_one_line(error)})", name, "save or upload it again") from error


def _decode_png(data: bytes, kind: FileKind, name: str, limits: Settings) -> Decoded:
    """Decodes a PNG with Pillow, which would reduce 16 bits per colour to 8: those go to GDAL."""
    header = data[_IHDR_DEPTH : _IHDR_COLOUR + 1]
    is_deep_colour = len(header) == 2 and header[0] == 16 and header[1] != _PNG_GREY
    return (decode_with_gdal if is_deep_colour else decode_with_pillow)(data, kind, name, limits)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


DECODERS: Mapping[FileKind, Decoder] = MappingProxyType(
    {
        FileKind.PNG: _decode_png,
        FileKind.JPEG: decode_with_pillow,
        FileKind.TIFF: decode_with_gdal,
    }
)
"""The decoder of each image format."""
