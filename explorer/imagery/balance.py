"""Class balance: the pixels, the objects and the share of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.imagery.objects import object_areas
from explorer.imagery.scene import Scene


@dataclass(frozen=True)
class ClassShare:
    """One class over a set of scenes."""

    name: str
    pixels: int
    objects: int | None  # all, whatever their size; None for the background
    share: float | None  # of the pixels that are not ignored, 0..1; None if all are ignored
    below_minimum: int = 0  # of the objects, those smaller than the minimum area


def class_balance(scenes: Sequence[Scene], classes: Sequence[str], minimum_area: int = 1) -> tuple[ClassShare, ...]:
    """Pixels, objects and share of each class, background first.

    Args:
        scenes: their labels hold ids below ``len(classes)``, or ``IGNORE``.
        classes: names; the position is the id.
        minimum_area: in pixels; objects with fewer are counted in ``below_minimum`` too.
    """
    pixels = np.sum([scene.pixel_counts(len(classes)) for scene in scenes], axis=0)  # (classes,)
    total = int(pixels.sum())
    areas = object_areas(scenes, len(classes))
    shares = []
    for class_id, name in enumerate(classes):
        objects, below = None, 0
        if class_id:
            of_class = areas[class_id - 1]
            objects, below = len(of_class), int(np.count_nonzero(of_class < minimum_area))
        count = int(pixels[class_id])
        shares.append(ClassShare(name, count, objects, count / total if total else None, below))
    return tuple(shares)
