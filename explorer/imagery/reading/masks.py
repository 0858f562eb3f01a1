"""Reads raster masks: index images, 0/255, booleans, ids of objects and colour images.

A mask is reduced at once to its distinct values, its *keys*. Which class a key means is decided later, over all
masks of a dataset (see :mod:`explorer.imagery.reading.class_key`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import Decoded, FileKind
from explorer.imagery.reading.pieces import count_pieces
from explorer.imagery.reading.raster import decode
from explorer.imagery.scene import IGNORE, GeoReference
from explorer.settings import Settings

Key = int | str
"""What distinguishes one class from another in a file: a value (7), a colour ("#ff8000") or a name ("ship")."""

WHITE_16 = 2**16 - 1
"""White of 16 bits: the object beside nothing but 0, ignored beside ids."""

_CODES = 1 << 24  # number of 8-bit colours
_MOST_KEYS = 1 << 16  # positions of ``Mask.index``
_GREY_TOLERANCE = 8  # by which the bands of a grey JPEG may differ after compression
_NO_FILES: Mapping[str, bytes | Path] = MappingProxyType({})


class MaskKind(StrEnum):
    """What the keys of a mask are."""

    VALUES = "values"
    COLOURS = "colours"
    NAMES = "names"


@dataclass(frozen=True, eq=False)
class Mask:
    """One mask, not yet translated to classes."""

    name: str
    kind: MaskKind
    keys: tuple[Key, ...]  # ascending
    index: NDArray[np.uint16]  # (H, W), positions in ``keys``
    ignored: NDArray[np.bool_]  # (H, W), True: to be ignored, as nodata, masked, or not covered by the mask
    colours: tuple[str, ...] = ()  # the colour of each key, if the file has a palette
    nodata: NDArray[np.bool_] | None = None  # (H, W), the part of ``ignored`` that the file declares nodata or masks
    georeference: GeoReference | None = None  # of the grid of ``index``
    objects: NDArray[np.int32] | None = None  # (H, W), an id per object that was drawn by itself, 0 = none
    notes: tuple[Note, ...] = ()
    lossy: bool = False  # a JPEG, or fractions: between the values of classes lie others
    properties: tuple[str, ...] = ()  # of the features of a vector file: any of them may hold the class
    turned_by: int = 1  # Exif orientation of its own by which it was turned, 1 to 8; 1: none

    def counts(self) -> NDArray[np.int64]:
        """Number of pixels of each key, (len(keys),); ignored pixels are not counted."""
        return self._counts

    def pieces(self) -> NDArray[np.int64]:
        """Number of connected pieces (8 neighbours) of each key, (len(keys),); ignored pixels belong to none."""
        return self._pieces

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        counted = self.index[~self.ignored] if self.ignored.any() else self.index.ravel()
        return np.bincount(counted, minlength=len(self.keys)).astype(np.int64)

    @cached_property
    def _pieces(self) -> NDArray[np.int64]:
        return count_pieces(self.index, self.ignored, len(self.keys))


def read_mask(
    source: Path | bytes,
    name: str,
    limits: Settings | None = None,
    *,
    companions: Mapping[str, bytes | Path] = _NO_FILES,
) -> Mask:
    """Reads one mask: PNG, TIFF or GeoTIFF, or a grey JPEG.

    Transparent pixels are background, since drawing programs leave the background transparent. Nodata and masked
    pixels are ignored, unless the nodata value is 0, which means background. A single negative value is nodata, too,
    and so is 65535 of 16 bits beside ids. The mask's own Exif orientation is applied, unless it is georeferenced.
    Fractions from 0 to 1 become 0 to 255 and, like a JPEG, make the mask lossy: its values are not all classes.

    Args:
        source: a path, or the content of a file.
        name: of the mask, with its folder, for messages and to find its side files.
        limits: on its size; those of the installation if not given.
        companions: files by name; a world file, .prj or .aux.xml of the same folder and stem georeferences a mask that
            has no georeference of its own.

    Raises:
        InputError: the file is unreadable, too large, or not a mask (other fractions, a JPEG in colour, too many values
            or colours); or one of its side files cannot be understood.
    """
    decoded = decode(source, name, limits, companions=companions)
    if not any(decoded.nodata):  # none, or 0
        decoded = replace(decoded, nodata=())
    ignored = decoded.masked | decoded.is_missing()
    lossy, notes = decoded.kind is FileKind.JPEG, decoded.notes
    if lossy:
        decoded = _grey(decoded, name)
    if len(decoded.bands) == 1:
        undeclared = _undeclared_nodata(decoded.values[0], ignored)
        if undeclared is not None:
            ignored = ignored | (decoded.values[0] == undeclared)
            text = f"{undeclared:g} cannot be a class and is treated as nodata, though the file does not declare it."
            notes = (*notes, Note("fill_value", text))
        band = np.where(ignored, 0, decoded.values[0])
        if band.dtype.kind == "f" and (band != np.rint(band)).any():
            band, lossy = _scaled_fractions(band, name), True
            text = "Its values are fractions from 0 to 1; they were read as 0 to 255."
            notes = (*notes, Note("smoothed_mask", text))
        codes = _values(band, name)
    elif len(decoded.bands) == 3 and decoded.values.dtype == np.uint8:
        red, green, blue = (band.astype(np.int32) for band in decoded.values)
        codes = (red << 16) | (green << 8) | blue
    else:
        raise InputError(
            f"{len(decoded.bands)} bands of {decoded.values.dtype}: not a mask",
            name,
            "save one band of class ids, or an 8-bit colour image",
        )
    codes[ignored | decoded.transparent] = 0
    kind, keys, index, colours = _compact(decoded, codes, name)
    return Mask(
        name,
        kind,
        keys,
        index,
        ignored,
        colours,
        nodata=ignored if ignored.any() else None,
        georeference=decoded.georeference,
        notes=notes,
        lossy=lossy,
        turned_by=decoded.turned_by,
    )


def hexadecimal(red: int, green: int, blue: int) -> str:
    """A colour as "#rrggbb"."""
    return f"#{red:02x}{green:02x}{blue:02x}"


def _grey(decoded: Decoded, name: str) -> Decoded:
    """A JPEG as one band, if all its pixels are grey."""
    if len(decoded.bands) == 3:
        bands = decoded.values.astype(np.int16)
        if int((bands.max(axis=0) - bands.min(axis=0)).max()) > _GREY_TOLERANCE:
            raise InputError(
                "a JPEG in colour cannot be a mask: its compression changes the values",
                name,
                "save masks as PNG or TIFF",
            )
        decoded = replace(decoded, values=decoded.values[1:2], bands=("grey",))
    return decoded


def _scaled_fractions(band: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    values = band.astype(np.float64)
    if values.min() < 0 or values.max() > 1:
        raise InputError("contains fractions, not class ids", name, "save the mask with whole numbers: 0, 1, 2 …")
    return np.rint(values * 255)


def _undeclared_nodata(band: NDArray[np.generic], ignored: NDArray[np.bool_]) -> float | None:
    """The only negative value of a mask of whole numbers, if there is just one; or 65535 beside ids.

    16-bit rasters use 65535 as 8-bit ones use 255; beside nothing but 0 it is the object, and above 255 ids may be
    numbers of objects.
    """
    if band.dtype == np.uint16:
        others = np.unique(band[~ignored & (band != WHITE_16)])
        is_void = bool(others.any()) and others.max() < IGNORE and bool((band == WHITE_16).any())
        return float(WHITE_16) if is_void else None
    if band.dtype.kind not in "if":
        return None
    values = band[~ignored].astype(np.float64)
    negative = np.unique(values[values < 0])
    whole = len(negative) == 1 and bool((values == np.rint(values)).all())
    return float(negative[0]) if whole else None


def _values(band: NDArray[np.generic], name: str) -> NDArray[np.int32]:
    if band.min() < 0 or band.max() >= _CODES:
        raise InputError(
            f"values from {band.min():g} to {band.max():g}",
            name,
            "number the classes from 0 and mark pixels to ignore with 255",
        )
    return band.astype(np.int32)


def _compact(
    decoded: Decoded, codes: NDArray[np.int32], name: str
) -> tuple[MaskKind, tuple[Key, ...], NDArray[np.uint16], tuple[str, ...]]:
    """Kind, keys, index and colours of a mask with these codes (H, W): values, or colours as 0xrrggbb."""
    present = np.zeros(int(codes.max()) + 1, dtype=np.bool_)
    present[codes] = True
    found = np.flatnonzero(present)
    colour_image = len(decoded.bands) == 3
    if len(found) > _MOST_KEYS:
        raise InputError(
            f"{len(found):,} different {'colours' if colour_image else 'values'}",
            name,
            "check that it is a mask and not the image; save it as PNG or TIFF, one value for each class",
        )
    positions = np.zeros(len(present), dtype=np.uint16)
    positions[found] = np.arange(len(found), dtype=np.uint16)
    keys: tuple[Key, ...] = tuple(int(code) for code in found)
    if colour_image:
        return MaskKind.COLOURS, tuple(f"#{code:06x}" for code in found), positions[codes], ()
    colours: tuple[str, ...] = ()
    if decoded.palette is not None:
        colours = tuple(hexadecimal(*colour) for colour in decoded.colours_of(found, name).tolist())
    return MaskKind.VALUES, keys, positions[codes], colours
