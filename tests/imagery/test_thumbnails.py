"""Thumbnails of values of a mask and of files: what they show, and that they stay small."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from explorer.imagery.scene import Raster
from explorer.imagery.thumbnails import THUMBNAIL_SIDE, file_thumbnail, value_thumbnail
from explorer.settings import Settings
from tests.imagery.encoders import png


def raster_of(picture: np.ndarray) -> Raster:
    """(H, W, 3) as an image."""
    return Raster("a", picture.transpose(2, 0, 1).copy(), np.ones(picture.shape[:2], bool), ("red", "green", "blue"))


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_a_thumbnail_shows_the_largest_area_of_a_value_with_its_outline() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[100:140, 200:240] = (0, 0, 255)
    where = np.zeros((200, 300), bool)
    where[100:140, 200:240] = True
    where[5, 5] = True
    shown = decoded(value_thumbnail(raster_of(picture), where))
    assert shown.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3)
    blue = (shown == (0, 0, 255)).all(axis=2)
    assert blue.mean() > 0.3, "the area is 40 of 60 pixels wide, less its outline"
    assert blue[48, 48]
    yellow = (shown == (255, 255, 0)).all(axis=2)
    assert 4 * 60 < yellow.sum() < 4 * 70
    assert shown[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [(200, 300), (3, 4), (1, 1)])
@pytest.mark.parametrize("value", [False, True])
def test_a_thumbnail_of_everything_or_nothing_shows_the_whole_image(size: tuple[int, int], value: bool) -> None:
    picture = np.full((*size, 3), 60, np.uint8)
    shown = decoded(value_thumbnail(raster_of(picture), np.full(size, value)))
    assert max(shown.shape[:2]) == THUMBNAIL_SIDE


def test_a_thumbnail_finds_a_single_pixel_of_a_large_mask() -> None:
    where = np.zeros((4100, 4100), bool)
    where[4001, 3001] = True
    picture = np.zeros((4100, 4100, 3), np.uint8)
    picture[where] = 255
    assert decoded(value_thumbnail(raster_of(picture), where)).max() == 255


def test_a_file_that_is_no_image_or_too_large_has_none() -> None:
    data = png(np.zeros((40, 60), np.uint8))
    assert decoded(file_thumbnail(data, "a.png", Settings())).shape == (40, 60, 3)
    assert file_thumbnail(b"no image", "a.png", Settings()) == ""
    assert file_thumbnail(data, "a.png", Settings(max_decoded_bytes=100)) == ""
