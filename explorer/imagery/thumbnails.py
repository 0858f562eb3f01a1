"""Small pictures of what was read: around a value of a mask, and of files that are not used. No plotting library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray
from PIL import Image

from explorer.errors import InputError
from explorer.imagery.bands import natural_bands
from explorer.imagery.pictures import Picture, as_bytes, data_uri
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.scene import Raster, Stretch
from explorer.imagery.stretch import image_stretch, stretched
from explorer.settings import Settings

THUMBNAIL_SIDE = 96
_MARGIN = 0.25  # of the area's size, on each side of a thumbnail
_LONGEST_PART = 1024  # pixels of the surroundings that are looked at; larger ones are thinned out


def value_thumbnail(raster: Raster, where: NDArray[np.bool_]) -> str:
    """The surroundings of the largest area of a value of a mask, with the area's outline, as a data URI.

    Args:
        raster: the image.
        where: (H, W), the pixels that have the value; if there are none, the whole image is shown.

    Returns:
        A PNG of at most ``THUMBNAIL_SIDE`` pixels a side, for ``st.column_config.ImageColumn``.
    """
    top, left, bottom, right = _largest_area(where)
    side = max(bottom - top, right - left)
    margin = max(4, round(_MARGIN * side))
    height, width = where.shape
    step = -(-(side + 2 * margin) // _LONGEST_PART)
    rows = slice(max(0, top - margin), min(height, bottom + margin), step)
    columns = slice(max(0, left - margin), min(width, right + margin), step)
    part, area = _picture(raster, rows, columns), where[rows, columns]
    factor = THUMBNAIL_SIDE / max(area.shape)
    size = max(1, round(area.shape[1] * factor)), max(1, round(area.shape[0] * factor))
    smooth = Image.Resampling.BOX if factor < 1 else Image.Resampling.NEAREST
    small = np.array(Image.fromarray(part).resize(size, smooth))
    inner = np.asarray(Image.fromarray(area).convert("L").resize(size, smooth)) >= 128
    rim = inner & ~scipy.ndimage.binary_erosion(inner, border_value=1)
    small[scipy.ndimage.binary_dilation(rim) & ~rim & ~inner] = 0  # dark beside light: seen on any ground
    small[rim] = (255, 255, 0)
    return data_uri(small)


def file_thumbnail(source: Path | bytes, name: str, limits: Settings) -> str:
    """A small picture of a file as a data URI; "" if it is no image that is read.

    Args:
        source: a path, or the content of a file.
        name: of the file.
        limits: on its size.
    """
    try:
        raster = read_raster(source, name, limits)
        step = -(-max(raster.valid.shape) // _LONGEST_PART)
        small = Image.fromarray(_picture(raster, slice(None, None, step), slice(None, None, step)))
    except (InputError, MemoryError):
        return ""
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return data_uri(np.asarray(small))


def _picture(raster: Raster, rows: slice, columns: slice) -> Picture:
    """A part of an image, stretched by the percentiles of the whole."""
    bands = list(natural_bands(raster.bands))
    limits = image_stretch(raster.image, raster.valid)
    own = Stretch(tuple(limits.low[band] for band in bands), tuple(limits.high[band] for band in bands))
    return as_bytes(stretched(raster.image[bands, rows, columns], own).transpose(1, 2, 0))


def _largest_area(where: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of the largest connected area; of everything if there is none."""
    step = -(-max(where.shape) // 2048)  # large masks are looked at more coarsely, if that leaves anything
    coarse = where[::step, ::step]
    if not coarse.any():
        step, coarse = 1, where
    areas, count = scipy.ndimage.label(coarse, np.ones((3, 3)))
    if not count:
        return 0, 0, *where.shape
    largest = int(np.bincount(areas.ravel())[1:].argmax()) + 1
    rows, columns = scipy.ndimage.find_objects(areas, largest)[largest - 1]
    height, width = where.shape
    return rows.start * step, columns.start * step, min(height, rows.stop * step), min(width, columns.stop * step)
