"""Class balance: the pixels, the objects and the share of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.imagery.objects import MINIMUM_AREA, label_objects
from explorer.imagery.scene import Scene


@dataclass(frozen=True)
class ClassShare:
    """One class over a set of scenes."""

    name: str
    pixels: int
    objects: int | None  # None for the background
    share: float | None  # of the pixels that are not ignored, 0..1; None if all are ignored


def class_balance(
    scenes: Sequence[Scene], classes: Sequence[str], minimum_area: int = MINIMUM_AREA
) -> tuple[ClassShare, ...]:
    """Pixels, objects and share of each class, background first.

    Args:
        scenes: their labels hold ids below ``len(classes)``, or ``IGNORE``.
        classes: names; the position is the id.
        minimum_area: objects with fewer pixels are not counted.
    """
    pixels = np.sum([scene.pixel_counts(len(classes)) for scene in scenes], axis=0)  # (classes,)
    total = int(pixels.sum())
    shares = []
    for class_id, name in enumerate(classes):
        objects = None
        if class_id:
            objects = sum(label_objects(scene.label == class_id, minimum_area)[1] for scene in scenes)
        count = int(pixels[class_id])
        shares.append(ClassShare(name, count, objects, count / total if total else None))
    return tuple(shares)
