"""A prediction over its image: hits, misses and false alarms in colours that are safe for colour-blind readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.figures.colours import CONFUSED, FALSE_ALARM, HIT, MISS
from explorer.figures.imagery import scene_picture
from explorer.imagery.pictures import Picture
from explorer.imagery.scene import IGNORE, Scene, Stretch

_AROUND = 24  # pixels around an object that are shown


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
    objects = None if scene.objects is None else scene.objects[rows, columns]
    return Scene(scene.name, scene.image[:, rows, columns], scene.label[rows, columns], scene.bands, objects=objects)


def label_picture(scene: Scene, stretch: Stretch, longest: int = 512, colours: Sequence[str] | None = None) -> Picture:
    """The scene with its label over it; ``colours`` are "#rrggbb" by class id, the default ones if not given."""
    return scene_picture(scene, stretch, opacity=0.5, longest=longest, colours=colours)


def point_pictures(
    image: NDArray[np.float32], label: NDArray[np.uint8], masks: Mapping[str, NDArray[np.uint8]]
) -> dict[str, Picture]:
    """Predictions on one crop by their captions, then the label itself; each pixel enlarged to 2×2.

    Args:
        image: (C, H, W), stretched to [0, 1]; the first three bands are shown, or the first alone.
        label: (H, W), class ids, 255 = ignore.
        masks: (H, W) class ids, by caption.
    """
    bands = image[:3] if len(image) >= 3 else image[[0, 0, 0]]
    plain = (255 * np.clip(bands, 0, 1)).astype(np.uint8).transpose(1, 2, 0).repeat(2, 0).repeat(2, 1)
    shown = {**masks, "label": np.where(label == IGNORE, 0, label).astype(np.uint8)}
    return {caption: outcome_picture(plain, mask, label) for caption, mask in shown.items()}


def class_outcome_picture(
    image: Picture, predicted: NDArray[np.bool_], label: NDArray[np.uint8], class_id: int
) -> Picture:
    """The outcome of one class against all others.

    Args:
        image: uint8 (H, W, 3), or a whole multiple of that size.
        predicted: (H, W), where the class is predicted.
        label: (H, W), class ids, 255 = ignore.
    """
    own = np.where(label == IGNORE, IGNORE, label == class_id).astype(np.uint8)
    return outcome_picture(image, predicted.astype(np.uint8), own)


def object_pictures(
    scene: Scene, stretch: Stretch, predicted: NDArray[np.bool_], class_id: int, row: float, column: float
) -> tuple[Picture, Picture]:
    """The surroundings of an object, and the outcome of its class there.

    Args:
        predicted: (H, W) of the scene, where the class is predicted.
        row, column: of the object's centroid, in pixels.
    """
    top, left = (max(0, int(centre) - _AROUND) for centre in (row, column))
    part = window(scene, top, left, (2 * _AROUND, 2 * _AROUND))
    plain = scene_picture(part, stretch, longest=480)
    here = predicted[top : top + 2 * _AROUND, left : left + 2 * _AROUND]
    return plain, class_outcome_picture(plain, here, part.label, class_id)
