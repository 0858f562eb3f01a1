"""Small pictures of objects: the surroundings, and beside them the outcome of each prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.figures.imagery import scene_picture
from explorer.figures.outcome import class_outcome_picture, window
from explorer.imagery.pictures import Picture
from explorer.imagery.scene import Scene, Stretch

TILE_SIDE = 128
"""Pixels of a picture in a gallery, about: it is enlarged by whole pixels."""

_LEAST, _MOST = 32, 512  # pixels of the surroundings
_AROUND = 3.0  # sides of a square of the object's area
_BETWEEN = 3  # white columns


def surroundings(
    size: tuple[int, int], row: float, column: float, area: int, around: float = _AROUND
) -> tuple[int, int, int, int]:
    """Top, left, height and width of a square around an object, moved into the scene where it is at its edge.

    >>> surroundings((100, 200), row=3.0, column=198.0, area=100)
    (0, 168, 32, 32)

    Args:
        size: height and width of the scene.
        row, column: of the object's centroid.
        area: of the object, in pixels.
        around: side of the square, in sides of a square of that area.
    """
    side = min(_MOST, max(_LEAST, math.ceil(around * math.sqrt(area))))
    height, width = min(side, size[0]), min(side, size[1])
    top = min(max(0, round(row) - height // 2), size[0] - height)
    left = min(max(0, round(column) - width // 2), size[1] - width)
    return top, left, height, width


def part_pictures(
    scene: Scene,
    stretch: Stretch,
    predictions: Sequence[NDArray[np.bool_]],
    class_id: int,
    part: tuple[int, int, int, int],
    longest: int,
) -> list[Picture]:
    """A part of a scene, then the outcome of its class in each prediction, all of one size.

    Args:
        predictions: (height, width) of the part each, where the class is predicted.
        part: top, left, height and width, in pixels.
        longest: pixels of the longer side that a small part is enlarged to, at most; a larger one is not reduced.
    """
    top, left, height, width = part
    shown = window(scene, top, left, (height, width))
    plain = scene_picture(shown, stretch, longest=max(longest, height, width))
    return [plain, *(class_outcome_picture(plain, each, shown.label, class_id) for each in predictions)]


def tile_picture(pictures: Sequence[Picture]) -> Picture:
    """Pictures of one height side by side, with a white line between them."""
    line = np.full((pictures[0].shape[0], _BETWEEN, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (line, picture)]
    return np.concatenate(parts[1:], axis=1)
