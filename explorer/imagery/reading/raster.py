"""Reads images: PNG, JPEG, TIFF and GeoTIFF with 8 or 16 bits or floating point, 1 to 16 bands.

``DECODERS`` is the registry: a new image format is a :class:`FileKind`, a decoder in a module of its own, and an entry.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.fill_values import find_fill, without_stray_nodata
from explorer.imagery.reading.formats import Decoded, FileKind, kind_of, read_bytes
from explorer.imagery.reading.gdal import decode_with_gdal
from explorer.imagery.reading.georeference import is_pixel_grid, read_side_files
from explorer.imagery.reading.pillow import decode_with_pillow, exif_orientation
from explorer.imagery.reading.regridding import turned
from explorer.imagery.reading.side_nodata import with_side_nodata
from explorer.imagery.scene import GeoReference, Raster
from explorer.settings import Settings, settings

Decoder = Callable[[bytes, FileKind, str, Settings], Decoded]
"""Decodes the content of a file, given its kind, its name for messages, and the limits on its size."""

_NO_FILES: Mapping[str, bytes | Path] = MappingProxyType({})
_IHDR_DEPTH, _IHDR_COLOUR = 24, 25  # offsets in a PNG of its bits per sample and its colour type
_PNG_GREY = 0


def read_raster(
    source: Path | bytes,
    name: str,
    limits: Settings | None = None,
    *,
    companions: Mapping[str, bytes | Path] = _NO_FILES,
    keep_fill: bool = False,
    scene: str | None = None,
) -> Raster:
    """Reads one image.

    A pixel is not valid if the file masks it, it is transparent, or every band is nodata, NaN or infinite (the rule
    of GDAL's dataset mask). A fill value that the file does not declare counts as nodata, with a note (see
    :mod:`explorer.imagery.reading.fill_values`). A palette is replaced by its colours, and band names are taken from
    the file if it has them. Exif orientation is applied, unless the image is georeferenced: georeferences describe
    the pixels as they are stored.

    Args:
        source: a path, or the content of a file.
        name: of the image's file, with its folder, for messages and to find its side files.
        limits: on its size; those of the installation if not given.
        companions: files by name; a world file, .prj or .aux.xml of the same folder and stem georeferences an image
            that has no georeference of its own; an .aux.xml or .msk tells where it has no data.
        keep_fill: use pixels with a suspected fill value as they are.
        scene: name of the raster, if it is not ``name``.

    Raises:
        InputError: the file is not an image, unreadable, truncated, too large, or without a valid pixel; or one of
            its side files cannot be understood.
    """
    decoded = decode(source, name, limits, companions=companions)
    valid = ~(decoded.masked | decoded.transparent | decoded.is_missing())
    if not valid.any():
        raise InputError("no valid pixel: all are nodata, masked, transparent, NaN or infinite", name, "leave it out")
    image, bands, notes = decoded.values, decoded.bands, decoded.notes
    if decoded.palette is not None:
        colours = decoded.colours_of(image[0].astype(np.intp), name)  # (H, W, 3)
        image, bands = np.ascontiguousarray(colours.transpose(2, 0, 1)), ("red", "green", "blue")
    else:
        image = without_stray_nodata(image, decoded.nodata, valid)
        if not keep_fill:
            found = find_fill(image, valid)
            image, valid, notes = found.image, found.valid, notes + found.notes
    return Raster(scene or name, image, valid, bands, decoded.georeference, decoded.turned_by, notes)


def decode(
    source: Path | bytes,
    name: str,
    limits: Settings | None = None,
    *,
    companions: Mapping[str, bytes | Path] = _NO_FILES,
) -> Decoded:
    """Decodes an image with the decoder of its format, locates it with its side files and turns it upright.

    Args:
        source: a path, or the content of a file.
        name: of the file, for messages and to find its side files.
        limits: on its size; those of the installation if not given.
        companions: files by name, among which its side files are.

    Raises:
        InputError: the file is not an image, unreadable, truncated, too large, or holds values that are not read; or
            one of its side files cannot be understood.
    """
    limits = limits or settings()
    data = read_bytes(source, name, limits)
    kind = kind_of(data)
    if kind is None or kind not in DECODERS:
        what = f"a {kind} file, not an image" if kind else "not a PNG, JPEG or TIFF file"
        raise InputError(what, name, "save the image as PNG or TIFF")
    try:
        decoded = DECODERS[kind](data, kind, name, limits)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError("does not fit into memory", name, "cut it into tiles") from error
    except Exception as error:  # on broken files, the decoders raise almost any type
        raise InputError(f"unreadable or truncated ({_one_line(error)})", name, "save or upload it again") from error
    decoded = with_side_nodata(decoded, name, companions, limits)
    return _upright(_without_bare_system(_located(decoded, name, companions, limits)))


def _located(decoded: Decoded, name: str, companions: Mapping[str, bytes | Path], limits: Settings) -> Decoded:
    """The image with what its side files add to its own georeference."""
    own, height = decoded.georeference, decoded.masked.shape[0]
    has_grid = not is_pixel_grid(own, height)
    if own is not None and own.crs is not None and has_grid:
        return decoded
    beside = read_side_files(name, decoded.kind, companions, limits)
    if beside is None:
        return decoded
    crs = (own.crs if own is not None else None) or beside.georeference.crs
    transform = own.transform if own is not None and has_grid else beside.georeference.transform
    combined = GeoReference(crs, transform)
    if combined == own or is_pixel_grid(combined, height):
        return decoded
    return replace(decoded, georeference=combined, notes=(*decoded.notes, beside.note))


def _without_bare_system(decoded: Decoded) -> Decoded:
    """The image without a coordinate reference system that no grid goes with: pixels would be metres or degrees."""
    own = decoded.georeference
    if own is None or own.crs is None or not is_pixel_grid(own, decoded.masked.shape[0]):
        return decoded
    text = (
        "It names a coordinate reference system, but not where its pixels lie: it is used without a georeference. "
        "A world file beside it would tell."
    )
    return replace(decoded, georeference=None, notes=(*decoded.notes, Note("crs_without_grid", text)))


def _upright(decoded: Decoded) -> Decoded:
    """The image turned as its Exif orientation demands; as it is if it is georeferenced."""
    orientation = decoded.orientation
    if orientation == 1 or not is_pixel_grid(decoded.georeference, decoded.masked.shape[0]):
        return decoded
    return replace(
        decoded,
        values=turned(decoded.values, orientation),
        masked=turned(decoded.masked, orientation),
        transparent=turned(decoded.transparent, orientation),
        georeference=None,
        orientation=1,
        turned_by=orientation,
    )


def _decode_png(data: bytes, kind: FileKind, name: str, limits: Settings) -> Decoded:
    """Decodes a PNG with Pillow, which would reduce 16 bits per colour to 8: those go to GDAL."""
    header = data[_IHDR_DEPTH : _IHDR_COLOUR + 1]
    if len(header) < 2 or header[0] != 16 or header[1] == _PNG_GREY:
        return decode_with_pillow(data, kind, name, limits)
    decoded = decode_with_gdal(data, kind, name, limits)
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return replace(decoded, orientation=exif_orientation(image))


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
