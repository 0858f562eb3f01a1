"""Pictures as the browser takes them."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]  # (H, W, 3), red, green, blue

_MOST_EXACT = 1_100_000  # pixels of a picture that is sent as PNG; larger ones as JPEG, a tenth of the size


def as_bytes(shown: NDArray[np.float32]) -> Picture:
    """A picture of 0 to 1 as uint8."""
    picture: Picture = (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)
    return picture


def data_uri(picture: Picture, most_exact: int = _MOST_EXACT) -> str:
    """A picture as the address of an image: a PNG, or a JPEG if it has more than ``most_exact`` pixels."""
    buffer = io.BytesIO()
    if picture.shape[0] * picture.shape[1] <= most_exact:
        kind = "png"
        Image.fromarray(picture).save(buffer, "PNG", compress_level=3)
    else:
        kind = "jpeg"
        Image.fromarray(picture).save(buffer, "JPEG", quality=92, subsampling=0)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()
