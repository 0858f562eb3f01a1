"""Decodes TIFF, GeoTIFF and PNG with 16 bits per colour, with GDAL (rasterio), in memory.

The driver is fixed, so that no file can make GDAL open another one, as a VRT or a /vsi name would.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import replace

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader, MemoryFile
from rasterio.warp import calculate_default_transform

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import Decoded, FileKind, check_size
from explorer.imagery.reading.georeference import crs_text, fitted_transform
from explorer.imagery.reading.regridding import control_points_lookup, picked
from explorer.imagery.scene import GeoReference
from explorer.settings import Settings
from explorer.texts import LONGEST_NAME, plain

_DRIVERS = {FileKind.TIFF: "GTiff", FileKind.PNG: "PNG"}
_BAND_NAMES = {ColorInterp.red: "red", ColorInterp.green: "green", ColorInterp.blue: "blue"}
_ALPHA_EXTREMES = 0.95  # share of the pixels of an alpha channel that are clear or opaque
_CONTROL_POINT_TOLERANCE = 0.5  # px by which ground control points may miss an affine grid
_ORIENTATION, _BIG_TIFF = 274, 43
_RPCS_ONLY = Note(
    "rpcs_only",
    "It has only rational polynomial coefficients (RPCs), no grid on the ground: polygons and georeferenced masks "
    "cannot be laid on it. Orthorectify it first, for example with gdalwarp -rpc.",
)

# Most images have no georeference, and Pillow does not know all tags of GeoTIFFs: not worth a warning.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
warnings.filterwarnings("ignore", module="PIL.TiffImagePlugin")


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
        check_size(dataset.height, dataset.width, dataset.count, name, limits, _largest_item(dataset))
        if len(dataset.subdatasets) > 1:
            raise InputError(
                f"contains {len(dataset.subdatasets)} images",
                name,
                "save each in its own file, or all as bands of one image",
            )
        dtype = np.result_type(*dataset.dtypes) if "complex_int16" not in dataset.dtypes else np.dtype(complex)
        if dtype.kind not in "iuf":
            raise InputError("contains complex numbers", name, "save their amplitude")
        decoded = _pixels(dataset, kind)
        if kind is FileKind.TIFF:
            decoded = replace(decoded, orientation=_tiff_orientation(data))
        decoded = _located_by_control_points(decoded, dataset, name, limits)
        if decoded.georeference is None and dataset.rpcs is not None:
            decoded = replace(decoded, notes=(*decoded.notes, _RPCS_ONLY))
        return decoded


def _largest_item(dataset: DatasetReader) -> int:
    """Bytes of a value, as all bands are read: the widest type that any of them has."""
    return max(16 if "complex" in dtype else np.dtype(dtype).itemsize for dtype in dataset.dtypes)


def _pixels(dataset: DatasetReader, kind: FileKind) -> Decoded:
    values = dataset.read()  # (C, H, W)
    bands, nodata = list(_band_names(dataset)), list(dataset.nodatavals)
    transparent = np.zeros(values.shape[1:], dtype=np.bool_)
    alpha = _alpha_band(dataset, values)
    if alpha is not None:
        transparent = values[alpha] == 0
        values = np.delete(values, alpha, axis=0)
        del bands[alpha], nodata[alpha]
    masked = np.zeros(values.shape[1:], dtype=np.bool_)
    flags = dataset.mask_flag_enums[0]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        masked |= dataset.read_masks(1) == 0
    palette = None
    if dataset.count == 1 and dataset.colorinterp[0] == ColorInterp.palette:
        colours = dataset.colormap(1)
        palette = np.zeros((max(colours) + 1, 3), dtype=np.uint8)
        for index, colour in colours.items():
            palette[index] = colour[:3]
    declared = tuple(nodata) if any(value is not None for value in nodata) else ()
    return Decoded(kind, values, tuple(bands), masked, transparent, declared, palette, _georeference(dataset))


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
        return (plain(dataset.descriptions[0] or "grey", LONGEST_NAME),)
    return tuple(
        plain(description or _BAND_NAMES.get(colour) or f"band {number}", LONGEST_NAME)
        for number, (description, colour) in enumerate(
            zip(dataset.descriptions, dataset.colorinterp, strict=True), start=1
        )
    )


def _georeference(dataset: DatasetReader) -> GeoReference | None:
    if dataset.crs is None and dataset.transform.is_identity:
        return None
    a, b, c, d, e, f = tuple(dataset.transform)[:6]
    return GeoReference(crs_text(dataset.crs), (a, b, c, d, e, f))


def _located_by_control_points(decoded: Decoded, dataset: DatasetReader, name: str, limits: Settings) -> Decoded:
    """The image with a georeference from its ground control points; unchanged if it has one, or no such points.

    Where the points do not lie on an affine grid, the pixels are moved onto a regular one (nearest).
    """
    points, crs = dataset.gcps
    if not points or decoded.georeference is not None:
        return decoded
    fitted = fitted_transform(points)
    if fitted is None:
        text = f"It has {len(points)} ground control points; at least three, not on one line, are needed."
        return replace(decoded, notes=(Note("ground_control_points", text),))
    transform, residual = fitted
    text = f"The georeference was computed from {len(points)} ground control points"
    if residual <= _CONTROL_POINT_TOLERANCE:
        note = Note("ground_control_points", f"{text}; they agree within {residual:.2f} px.")
        return replace(decoded, georeference=GeoReference(crs_text(crs), tuple(transform)[:6]), notes=(note,))
    shape = decoded.masked.shape
    grid_crs = crs or CRS.from_epsg(3857)  # any: no coordinates are converted
    target, width, height = calculate_default_transform(grid_crs, grid_crs, shape[1], shape[0], gcps=points)
    if min(height, width) < 1:
        raise InputError("its ground control points describe no area", name, "correct them, or warp it first: gdalwarp")
    check_size(height, width, dataset.count, name, limits, _largest_item(dataset))
    lookup = control_points_lookup(shape, points, crs, (height, width), target)
    note = Note(
        "ground_control_points",
        f"{text}. They do not lie on a regular grid (off by up to {residual:.1f} px), so the pixels were moved onto "
        f"one: {shape[1]}×{shape[0]} became {width}×{height} pixels (nearest).",
    )
    return replace(
        decoded,
        values=picked(decoded.values, lookup, 0),
        masked=picked(decoded.masked, lookup, True),
        transparent=picked(decoded.transparent, lookup, False),
        georeference=GeoReference(crs_text(crs), tuple(target)[:6]),
        orientation=1,
        notes=(note,),
    )


def _tiff_orientation(data: bytes) -> int:
    """The tag Orientation of a TIFF, 1 to 8, which GDAL does not tell; 1 if there is none."""
    try:
        header = data[:16] if data[2] == _BIG_TIFF or data[3] == _BIG_TIFF else data[:8]
        directory = ImageFileDirectory_v2(header)
        file = io.BytesIO(data)
        file.seek(directory.next)
        directory.load(file)
        orientation = directory.get(_ORIENTATION, 1)
    except Exception:  # Pillow raises almost any type; GDAL has read the file, so it is only unusual
        return 1
    return orientation if orientation in range(1, 9) else 1
