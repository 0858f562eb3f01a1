"""Reads raster masks: index images, 0/255, booleans and colour images.

A mask is reduced at once to its few distinct values, its *keys*. Which class a key means is decided later, over all
masks of a dataset (see :mod:`explorer.imagery.reading.class_key`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import Decoded, FileKind
from explorer.imagery.reading.raster import decode
from explorer.imagery.scene import GeoReference
from explorer.settings import Settings, settings

Key = int | str
"""What distinguishes one class from another in a file: a value (7), a colour ("#ff8000") or a name ("ship")."""

_CODES = 1 << 24  # number of 8-bit colours


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
    lossy: bool = False  # a JPEG or fractions: its values are classes only after a threshold

    def counts(self) -> NDArray[np.int64]:
        """Number of pixels of each key, (len(keys),); ignored pixels are not counted."""
        counted = self.index[~self.ignored] if self.ignored.any() else self.index.ravel()
        return np.bincount(counted, minlength=len(self.keys)).astype(np.int64)


def read_mask(source: Path | bytes, name: str, limits: Settings | None = None) -> Mask:
    """Reads one mask: PNG, TIFF or GeoTIFF.

    Transparent pixels are background, since drawing programs leave the background transparent. Nodata and masked
    pixels are ignored, unless the nodata value is 0, which means background.

    Args:
        source: a path, or the content of a file.
        name: of the mask, also for messages.
        limits: on its size; those of the installation if not given.

    Raises:
        InputError: the file is unreadable, too large, a JPEG, or not a mask (fractions, too many values or colours).
    """
    limits = limits or settings()
    decoded = decode(source, name, limits)
    if decoded.kind is FileKind.JPEG:
        raise InputError(
            "a JPEG cannot be a mask: its compression changes the values", name, "save masks as PNG or TIFF"
        )
    ignored = decoded.masked | decoded.is_nodata() if decoded.nodata else decoded.masked
    if len(decoded.bands) == 1:
        codes = _values(decoded, ignored, name)
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
    return _compact(decoded, codes, ignored, name, limits)


def hexadecimal(red: int, green: int, blue: int) -> str:
    """A colour as "#rrggbb"."""
    return f"#{red:02x}{green:02x}{blue:02x}"


def _values(decoded: Decoded, ignored: NDArray[np.bool_], name: str) -> NDArray[np.int32]:
    band = np.where(ignored, 0, decoded.values[0])
    if band.dtype.kind == "f" and (band != np.rint(band)).any():
        raise InputError("contains fractions, not class ids", name, "save the mask with whole numbers: 0, 1, 2 …")
    if band.min() < 0 or band.max() >= _CODES:
        raise InputError(
            f"values from {band.min():g} to {band.max():g}",
            name,
            "number the classes from 0 and mark pixels to ignore with 255",
        )
    return band.astype(np.int32)


def _compact(
    decoded: Decoded, codes: NDArray[np.int32], ignored: NDArray[np.bool_], name: str, limits: Settings
) -> Mask:
    present = np.zeros(int(codes.max()) + 1, dtype=np.bool_)
    present[codes] = True
    found = np.flatnonzero(present)
    colour_image = len(decoded.bands) == 3
    if len(found) > limits.max_classes + 1:  # one more for ignored pixels
        raise InputError(
            f"{len(found)} different {'colours' if colour_image else 'values'}, "
            f"at most {limits.max_classes} classes are possible",
            name,
            "check that it is a mask and not the image, and that each class has one value (no id per object, "
            "no smoothed edges); save it as PNG or TIFF",
        )
    positions = np.zeros(len(present), dtype=np.uint16)
    positions[found] = np.arange(len(found), dtype=np.uint16)
    keys: tuple[Key, ...] = tuple(int(code) for code in found)
    kind = MaskKind.VALUES
    colours: tuple[str, ...] = ()
    if colour_image:
        kind = MaskKind.COLOURS
        keys = tuple(f"#{code:06x}" for code in found)
    elif decoded.palette is not None:
        colours = tuple(hexadecimal(*colour) for colour in decoded.colours_of(found, name).tolist())
    return Mask(name, kind, keys, positions[codes], ignored, colours)
