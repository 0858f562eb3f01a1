"""Decodes TIFF, GeoTIFF and PNG with 16 bits per colour, with GDAL (rasterio), in memory.

The driver is fixed, so that no file can make GDAL open another one, as a VRT or a /vsi name would.
"""

from __future__ import annotations

import warnings

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader, MemoryFile

from explorer.errors import InputError
from explorer.imagery.reading.formats import Decoded, FileKind, check_size
from explorer.imagery.scene import GeoReference
from explorer.settings import Settings

_DRIVERS = {FileKind.TIFF: "GTiff", FileKind.PNG: "PNG"}
_BAND_NAMES = {ColorInterp.red: "red", ColorInterp.green: "green", ColorInterp.blue: "blue"}
_ALPHA_EXTREMES = 0.95  # share of the pixels of an alpha channel that are clear or opaque

# Most images have no georeference: not worth a warning.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


def decode_with_gdal(data: bytes, kind: FileKind, name: str, limits: Settings) -> Decoded:
    """Decodes a TIFF, or a PNG that Pillow would reduce to 8 bits.

    Raises:
        InputError: the file is too large, or holds complex numbers or several images.
        Exception: whatever rasterio raises on a broken file.
    """
    with (
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO"),
        MemoryFile(data) as memory,
        memory.open(driver=_DRIVERS[kind]) as dataset,
    ):
        check_size(dataset.height, dataset.width, dataset.count, name, limits)
        if len(dataset.subdatasets) > 1:
            raise InputError(
                f"contains {len(dataset.subdatasets)} images",
                name,
                "save each in its own file, or all as bands of one image",
            )
        dtype = np.result_type(*dataset.dtypes) if "complex_int16" not in dataset.dtypes else np.dtype(complex)
        if dtype.kind not in "iuf":
            raise InputError("contains complex numbers", name, "save their amplitude")
        return _pixels(dataset, kind)


def _pixels(dataset: DatasetReader, kind: FileKind) -> Decoded:
    values = dataset.read()  # (C, H, W)
    bands = list(_band_names(dataset))
    transparent = np.zeros(values.shape[1:], dtype=np.bool_)
    alpha = _alpha_band(dataset, values)
    if alpha is not None:
        transparent = values[alpha] == 0
        values = np.delete(values, alpha, axis=0)
        del bands[alpha]
    masked = np.zeros(values.shape[1:], dtype=np.bool_)
    flags = dataset.mask_flag_enums[0]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        masked |= dataset.read_masks(1) == 0
    if values.dtype.kind == "f":
        for band in values:
            masked |= ~np.isfinite(band)
    palette = None
    if dataset.count == 1 and dataset.colorinterp[0] == ColorInterp.palette:
        colours = dataset.colormap(1)
        palette = np.zeros((max(colours) + 1, 3), dtype=np.uint8)
        for index, colour in colours.items():
            palette[index] = colour[:3]
    return Decoded(kind, values, tuple(bands), masked, transparent, dataset.nodata, palette, _georeference(dataset))


def _alpha_band(dataset: DatasetReader, values: NDArray[np.generic]) -> int | None:
    """Position of the alpha channel, if there is one.

    Some software marks every fourth band as alpha, even near infrared. A real alpha channel is fully clear or fully
    opaque nearly everywhere; any other band holds data.
    """
    if ColorInterp.alpha not in dataset.colorinterp or len(values) == 1:
        return None
    index = dataset.colorinterp.index(ColorInterp.alpha)
    band = values[index]
    extreme = (band == 0) | (band == band.max())
    return index if float(extreme.mean()) >= _ALPHA_EXTREMES else None


def _band_names(dataset: DatasetReader) -> tuple[str, ...]:
    if dataset.count == 1:
        return (dataset.descriptions[0] or "grey",)
    return tuple(
        description or _BAND_NAMES.get(colour) or f"band {number}"
        for number, (description, colour) in enumerate(
            zip(dataset.descriptions, dataset.colorinterp, strict=True), start=1
        )
    )


def _georeference(dataset: DatasetReader) -> GeoReference | None:
    if dataset.crs is None and dataset.transform.is_identity:
        return None
    crs = None
    if dataset.crs is not None:
        code = dataset.crs.to_epsg()
        crs = f"EPSG:{code}" if code else dataset.crs.to_wkt()
    a, b, c, d, e, f = tuple(dataset.transform)[:6]
    return GeoReference(crs, (a, b, c, d, e, f))
