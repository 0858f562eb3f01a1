"""An image of an upload once it was decoded: what a page shows of it, and its pixels as a file that a job maps."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError
from explorer.files import atomic_file
from explorer.imagery.archive import MappedArrays
from explorer.imagery.notes import Note
from explorer.imagery.scene import GeoReference, Raster


@dataclass(frozen=True)
class DecodedImage:
    """What is known of one file of an upload."""

    name: str
    file: Path | None  # with its pixels; None: it could not be used
    size: tuple[int, int] = (0, 0)  # height and width in pixels
    bands: tuple[str, ...] = ()
    data_type: str = ""
    crs: str | None = None  # None: unknown
    notes: tuple[Note, ...] = ()  # of its reader
    reason: str = ""  # why it could not be used
    remedy: str = ""  # what can be done about it


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bands: tuple[str, ...]
    crs: str | None
    transform: tuple[float, float, float, float, float, float] | None
    notes: tuple[Note, ...]


def save_raster(raster: Raster, path: Path) -> DecodedImage:
    """Writes an image; the file appears complete or not at all."""
    place = raster.georeference
    crs, transform = (place.crs, place.transform) if place else (None, None)
    header = _Header(name=raster.name, bands=raster.bands, crs=crs, transform=transform, notes=raster.notes)
    content = np.frombuffer(header.model_dump_json().encode(), dtype=np.uint8)
    with atomic_file(path) as file:
        np.savez(file, allow_pickle=False, header=content, image=raster.image, valid=raster.valid)
    height, width = raster.valid.shape
    data_type = str(raster.image.dtype)
    return DecodedImage(raster.name, path, (height, width), raster.bands, data_type, crs, raster.notes)


def load_raster(path: Path) -> Raster:
    """Maps what ``save_raster`` wrote; the arrays cannot be written to.

    Raises:
        InputError: the file is gone or cannot be read.
    """
    try:
        with path.open("rb") as file:
            arrays = MappedArrays(file)
            header = _Header.model_validate_json(arrays["header"].tobytes())
            place = GeoReference(header.crs, header.transform) if header.transform else None
            return Raster(header.name, arrays["image"], arrays["valid"], header.bands, place, notes=header.notes)
    except (OSError, KeyError, ValueError, ValidationError, zipfile.BadZipFile):
        raise InputError("the image is no longer there", "upload", "upload it again") from None
