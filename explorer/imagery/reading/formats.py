"""What every reader shares: the bytes of a file and their kind, the limits on size, and decoded pixels.

The kind of a file follows from its content, never from its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.scene import GeoReference
from explorer.settings import MEBI, Settings


class FileKind(StrEnum):
    """The kinds of file that are recognised."""

    PNG = "PNG"
    JPEG = "JPEG"
    TIFF = "TIFF"
    ZIP = "zip"
    GEOJSON = "GeoJSON"
    JSON = "JSON"
    GEOPACKAGE = "GeoPackage"
    FLATGEOBUF = "FlatGeobuf"
    SHAPEFILE = "Shapefile"
    KML = "KML"


_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"\xff\xd8\xff", FileKind.JPEG),
    (b"II*\0", FileKind.TIFF),
    (b"MM\0*", FileKind.TIFF),
    (b"II+\0", FileKind.TIFF),  # BigTIFF
    (b"MM\0+", FileKind.TIFF),
    (b"PK\x03\x04", FileKind.ZIP),
    (b"PK\x05\x06", FileKind.ZIP),  # a zip without members
    (b"SQLite format 3\0", FileKind.GEOPACKAGE),
    (b"fgb\x03fgb", FileKind.FLATGEOBUF),
    (b"\0\0\x27\x0a", FileKind.SHAPEFILE),  # .shp; .shx begins alike, but is never a label
)
_BOM = b"\xef\xbb\xbf"
_XML_HEAD = 4096  # bytes in which the root element of a KML file begins
_KML_ROOT = re.compile(rb"<(?:\w+:)?kml[\s>]")
_GEOJSON_TYPES = (
    rb"FeatureCollection|Feature|GeometryCollection|Point|LineString|Polygon|MultiPoint|MultiLineString|MultiPolygon"
)
_TYPE_ANYWHERE = re.compile(rb'"type"\s*:\s*"(?:' + _GEOJSON_TYPES + rb')"')
_JSON_TOKEN = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL
)  # linear in time, also where quotes do not close


def kind_of(data: bytes) -> FileKind | None:
    """The kind of a file, from its content; None if it is not recognised.

    The first bytes tell, except that GeoJSON is told from other JSON by its member "type", wherever that stands.
    """
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    text = data[:_XML_HEAD].removeprefix(_BOM).lstrip()
    if text.startswith(b"<"):
        return FileKind.KML if _KML_ROOT.search(text) else None
    if text.startswith(b"{"):
        return FileKind.GEOJSON if _is_geojson(data) else FileKind.JSON
    return FileKind.JSON if text.startswith(b"[") else None


def _is_geojson(data: bytes) -> bool:
    """Whether the outermost object of a JSON text has a "type" of GeoJSON."""
    if not _TYPE_ANYWHERE.search(data):  # the quick answer for most other JSON
        return False
    depth = 0
    for token in _JSON_TOKEN.finditer(data):
        text = token[0]
        if text in (b"{", b"["):
            depth += 1
        elif text in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and text == b'"type"' and _TYPE_ANYWHERE.match(data, token.start()):
            return True
    return False


def read_bytes(source: Path | bytes, name: str, limits: Settings, may_be_empty: bool = False) -> bytes:
    """The content of a file, within the size limit.

    Args:
        source: a path, or the content.
        name: of the file, for messages.
        limits: on its size.
        may_be_empty: an empty file is content, too: a list of objects without any.

    Raises:
        InputError: the file is missing, cannot be read, is empty or too large.
    """
    too_large = InputError(
        f"larger than {limits.max_file_bytes / MEBI:g} MiB",
        name,
        "cut it into tiles or raise EXPLORER_MAX_FILE_BYTES",
    )
    if isinstance(source, Path):
        try:
            if source.stat().st_size > limits.max_file_bytes:
                raise too_large
            source = source.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", name, "check the path") from error
    if len(source) > limits.max_file_bytes:
        raise too_large
    if not source and not may_be_empty:
        raise InputError("the file is empty", name, "save or upload it again")
    return source


@dataclass(frozen=True, eq=False)
class Decoded:
    """An image as a decoder returns it: the file's own values, not yet interpreted or turned."""

    kind: FileKind
    values: NDArray[np.generic]  # (C, H, W), its own dtype; an alpha channel is not one of the bands
    bands: tuple[str, ...]  # C names
    masked: NDArray[np.bool_]  # (H, W), True where the file's own mask excludes a pixel
    transparent: NDArray[np.bool_]  # (H, W), True where the alpha channel is 0
    nodata: tuple[float | None, ...] = ()  # of each band; empty if no band has one
    palette: NDArray[np.uint8] | None = None  # (n, 3) colours, if the one band holds indices into them
    georeference: GeoReference | None = None
    orientation: int = 1  # Exif orientation by which the pixels are still to be turned, 1 to 8; 1: none
    turned_by: int = 1  # Exif orientation by which the pixels were turned
    notes: tuple[Note, ...] = ()

    def is_missing(self) -> NDArray[np.bool_]:
        """(H, W), True where every band is nodata, NaN or infinite: the rule of GDAL's dataset mask."""
        missing = np.ones(self.masked.shape, dtype=np.bool_)
        for band, nodata in zip(self.values, self.nodata or (None,) * len(self.values), strict=True):
            missing &= is_empty(band, nodata)
        return missing

    def colours_of(self, indices: NDArray[np.integer], name: str) -> NDArray[np.uint8]:
        """The palette's colours (…, 3) of indices (…); only for images with a palette.

        Raises:
            InputError: an index lies beyond the palette.
        """
        assert self.palette is not None
        largest = int(indices.max())
        if largest >= len(self.palette):
            raise InputError(f"index {largest}, but its palette ends at {len(self.palette) - 1}", name, "save it again")
        colours: NDArray[np.uint8] = self.palette[indices]
        return colours


def is_empty(band: NDArray[np.generic], nodata: float | None) -> NDArray[np.bool_]:
    """True where a band (H, W) is nodata, NaN or infinite."""
    missing = np.zeros(band.shape, dtype=np.bool_) if band.dtype.kind != "f" else ~np.isfinite(band)
    if nodata is not None:
        with np.errstate(over="ignore"):  # a nodata value outside the range of the dtype equals no pixel
            missing |= np.asarray(band == nodata)
    return missing


class DecodedSizeError(InputError):
    """An image or a label would take more memory than the limits allow, once it is decoded."""


def decoded_bytes(height: int, width: int, bands: int, item: int) -> int:
    """What an image takes while it is read, in bytes: its values and a copy of them, and four masks of its pixels.

    Args:
        height: in pixels.
        width: in pixels.
        bands: alpha included.
        item: bytes of a value.
    """
    return height * width * (2 * bands * item + 4)


def check_size(height: int, width: int, bands: int, name: str, limits: Settings, item: int = 1) -> None:
    """Refuses an image by the size in its header, before any pixel is decoded.

    Args:
        height: in pixels.
        width: in pixels.
        bands: alpha included.
        name: of the file, for messages.
        limits: on pixels, bands, values and bytes.
        item: bytes of a value.

    Raises:
        InputError: more pixels, bands, values or bytes than the limits allow, or none at all.
    """
    size = f"{width}×{height} pixels, {bands} band{'s' if bands != 1 else ''}"
    if min(height, width, bands) < 1:
        raise InputError(f"contains no pixels ({size})", name, "save it again")
    if bands > limits.max_bands:
        raise InputError(f"{bands} bands, at most {limits.max_bands} are read", name, "keep only the bands you need")
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
    needed = decoded_bytes(height, width, bands, item)
    if needed > limits.max_decoded_bytes:
        raise DecodedSizeError(
            f"too large ({size} of {8 * item} bits: {needed / MEBI:,.0f} MiB once decoded, at most "
            f"{limits.max_decoded_bytes / MEBI:,.0f} MiB)",
            name,
            "cut it into tiles, drop bands or raise EXPLORER_MAX_DECODED_BYTES",
        )
