"""A prediction over its image: hits, misses and false alarms in colours that are safe for colour-blind readers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.figures.imagery import Picture, scene_picture
from explorer.imagery.scene import IGNORE, Scene, Stretch

HIT, MISS, FALSE_ALARM, CONFUSED = "#0072B2", "#E69F00", "#CC79A7", "#F0E442"
OUTCOMES = {"hit": HIT, "miss": MISS, "false alarm": FALSE_ALARM, "wrong class": CONFUSED}
"""What a foreground pixel can be; the last one only where there are several foreground classes."""


def outcome_picture(image: Picture, prediction: NDArray[np.uint8], label: NDArray[np.uint8]) -> Picture:
    """The image in grey, with each foreground pixel of label or prediction in the colour of its outcome.

    Args:
        image: uint8 (H, W, 3), or a whole multiple of that size.
        prediction: (H, W), class ids.
        label: (H, W), class ids, 255 = ignore: left grey.
    """
    factor = image.shape[0] // label.shape[0]
    seen, there = prediction > 0, (label > 0) & (label != IGNORE)
    counted = label != IGNORE
    colours = {
        HIT: there & (prediction == label),
        MISS: there & ~seen,
        FALSE_ALARM: ~there & seen & counted,
        CONFUSED: there & seen & (prediction != label),
    }
    grey = image.mean(axis=2, keepdims=True) * 0.75 + 50
    shown = np.broadcast_to(grey, image.shape).copy()
    for colour, where in colours.items():
        large = where.repeat(factor, 0).repeat(factor, 1)
        shown[large] = 0.2 * shown[large] + 0.8 * np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    picture: Picture = shown.clip(0, 255).astype(np.uint8)
    return picture


def window(scene: Scene, top: int, left: int, size: tuple[int, int]) -> Scene:
    """A part of a scene as a scene."""
    rows, columns = slice(top, top + size[0]), slice(left, left + size[1])
    return Scene(scene.name, scene.image[:, rows, columns], scene.label[rows, columns], scene.bands)


def label_picture(scene: Scene, stretch: Stretch, longest: int = 512) -> Picture:
    """The scene with its label over it, in the classes' colours."""
    return scene_picture(scene, stretch, opacity=0.5, longest=longest)
