"""PNG and JPEG, by Pillow."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from explorer.errors import InputError
from explorer.imagery.reading.formats import Decoded, FileKind, check_size
from explorer.settings import Settings

_BANDS = {1: ("grey",), 3: ("red", "green", "blue")}
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def decode_picture(data: bytes, kind: FileKind, name: str, limits: Settings) -> Decoded:
    """Decodes a PNG or JPEG, turned upright as its Exif orientation says.

    A palette image keeps its indices; CMYK becomes RGB. PNGs of 16 bits per colour are for
    :mod:`explorer.imagery.reading.gdal`: Pillow would cut them to 8.

    Raises:
        InputError: too large.
        Exception: whatever Pillow raises on a broken file.
    """
    Image.MAX_IMAGE_PIXELS = limits.max_pixels  # Pillow's own guard, at the same limit as ours
    try:
        opened = Image.open(io.BytesIO(data), formats=(kind.value,))
    except _BOMB as error:
        raise InputError("too large: a decompression bomb", name, "cut it into tiles") from error
    with opened as image:
        check_size(image.height, image.width, len(image.getbands()), name, limits)
        return _pixels(ImageOps.exif_transpose(image), kind)


def _pixels(image: Image.Image, kind: FileKind) -> Decoded:
    key = image.info.get("transparency")  # PNG's tRNS: a colour, an index, or one alpha per index
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
        values, transparent = channels, _keyed(channels, key)
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
    )


def _keyed(channels: NDArray[np.generic], key: object) -> NDArray[np.bool_]:
    """(H, W), True where a pixel has the colour or the index that the file declares transparent."""
    if isinstance(key, bytes):
        clear = np.zeros(256, dtype=np.bool_)
        clear[: len(key)] = np.frombuffer(key, dtype=np.uint8)[:256] == 0
        return np.asarray(clear[channels[0].astype(np.intp)])
    if isinstance(key, int) and len(channels) == 1:
        return np.asarray(channels[0] == key)
    if isinstance(key, tuple) and len(key) == len(channels):
        return np.asarray((channels == np.array(key).reshape(-1, 1, 1)).all(axis=0))
    return np.zeros(channels.shape[1:], dtype=np.bool_)
