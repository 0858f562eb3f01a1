"""Decodes PNG and JPEG with Pillow."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from explorer.errors import InputError
from explorer.imagery.reading.formats import Decoded, FileKind, check_size
from explorer.settings import Settings

_BANDS = {1: ("grey",), 3: ("red", "green", "blue")}
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def decode_with_pillow(data: bytes, kind: FileKind, name: str, limits: Settings) -> Decoded:
    """Decodes a PNG or JPEG.

    A palette image keeps its indices; CMYK becomes RGB. PNGs with 16 bits per colour belong to
    :mod:`explorer.imagery.reading.gdal`: Pillow would reduce them to 8.

    Raises:
        InputError: the image is too large.
        Exception: whatever Pillow raises on a broken file.
    """
    Image.MAX_IMAGE_PIXELS = limits.max_pixels  # Pillow's own check, with our limit
    try:
        opened = Image.open(io.BytesIO(data), formats=(kind.value,))
    except _BOMB as error:
        raise InputError("too large: a decompression bomb", name, "cut it into tiles") from error
    with opened as image:
        item = 4 if image.mode[0] in "IF" else 1  # 16 bits are 4 bytes while Pillow decodes them
        check_size(image.height, image.width, len(image.getbands()), name, limits, item)
        orientation = exif_orientation(image)
        return _pixels(image, kind, orientation)


def exif_orientation(image: Image.Image) -> int:
    """The Exif orientation of an opened image, 1 to 8; 1 if it has none."""
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    return orientation if orientation in range(1, 9) else 1


def _pixels(image: Image.Image, kind: FileKind, orientation: int) -> Decoded:
    transparency = image.info.get("transparency")  # PNG's tRNS: a colour, an index, or one alpha per index
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        image = image.convert("RGB")
    elif image.mode == "PA":
        image = image.convert("RGBA")
    channels = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)  # (channels, H, W)
    if channels.dtype == np.bool_:
        channels = channels.astype(np.uint8)
    if image.mode in ("LA", "RGBA"):
        values, transparent = channels[:-1], channels[-1] == 0
    else:
        values, transparent = channels, _declared_transparent(channels, transparency)
    palette = None
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    return Decoded(
        kind,
        np.ascontiguousarray(values),
        _BANDS[len(values)],
        masked=np.zeros(transparent.shape, dtype=np.bool_),
        transparent=transparent,
        palette=palette,
        orientation=orientation,
    )


def _declared_transparent(channels: NDArray[np.generic], declared: object) -> NDArray[np.bool_]:
    """(H, W), True where a pixel has the colour or the index that the file declares transparent."""
    if isinstance(declared, bytes):
        clear = np.zeros(256, dtype=np.bool_)
        clear[: len(declared)] = np.frombuffer(declared, dtype=np.uint8)[:256] == 0
        return np.asarray(clear[channels[0].astype(np.intp)])
    if isinstance(declared, int) and len(channels) == 1:
        return np.asarray(channels[0] == declared)
    if isinstance(declared, tuple) and len(declared) == len(channels):
        return np.asarray((channels == np.array(declared).reshape(-1, 1, 1)).all(axis=0))
    return np.zeros(channels.shape[1:], dtype=np.bool_)
