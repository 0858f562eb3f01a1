"""Which pixels hold no data, by the files that GDAL writes beside an image: a mask, or nodata values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from explorer.errors import InputError
from explorer.imagery.reading.formats import Decoded, FileKind, kind_of, read_bytes
from explorer.imagery.reading.gdal import decode_with_gdal
from explorer.imagery.reading.georeference import AUX, MASK_FILE, files_beside, parse_aux
from explorer.settings import Settings


def with_side_nodata(decoded: Decoded, name: str, companions: Mapping[str, bytes | Path], limits: Settings) -> Decoded:
    """The image with what the files beside it say of its pixels: ``NAME.tif.msk`` and ``NAME.tif.aux.xml``.

    A nodata value beside the image is read where the image declares none.

    Args:
        decoded: not yet turned.
        name: of the image, with its folder.
        companions: all files that may be side files, by name.
        limits: on their size.

    Raises:
        InputError: a side file cannot be understood, or the mask has another size than the image.
    """
    beside = files_beside(name, companions)
    if MASK_FILE in beside:
        decoded = _masked(decoded, beside[MASK_FILE], companions[beside[MASK_FILE]], limits)
    if AUX in beside and not decoded.nodata:
        root = parse_aux(companions[beside[AUX]], beside[AUX], limits)
        declared = {band.get("band"): _number(band.findtext("NoDataValue")) for band in root.iter("PAMRasterBand")}
        values = tuple(declared.get(str(number)) for number in range(1, len(decoded.bands) + 1))
        if any(value is not None for value in values):
            decoded = replace(decoded, nodata=values)
    return decoded


def _masked(decoded: Decoded, name: str, source: bytes | Path, limits: Settings) -> Decoded:
    data = read_bytes(source, name, limits)
    if kind_of(data) is not FileKind.TIFF:  # a file of other software with the same suffix
        return decoded
    try:
        valid = (decode_with_gdal(data, FileKind.TIFF, name, limits).values != 0).any(axis=0)
    except InputError:
        raise
    except Exception as error:  # on broken files, GDAL raises almost any type
        raise InputError("an unreadable or truncated mask", name, "export it again, or leave it out") from error
    height, width = valid.shape
    if valid.shape != decoded.masked.shape:
        own_height, own_width = decoded.masked.shape
        raise InputError(
            f"the mask of valid pixels is {width}×{height} pixels, its image {own_width}×{own_height}",
            name,
            "export it again, or leave it out",
        )
    return replace(decoded, masked=decoded.masked | ~valid)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
