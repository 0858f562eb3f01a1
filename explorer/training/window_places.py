"""Where validation looks: the parts of scenes with the most of each class. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from explorer.imagery.scene import IGNORE

Label = NDArray[np.uint8]
"""(H, W), class ids, 255 = ignore."""


def place_of_window(label: Label, height: int, width: int) -> tuple[int, int]:
    """Top and left of the window of this size with the most of each foreground class.

    Of one class that is the window with most of its pixels, up to half of the window. Of several, each counts as its
    share of what the best window for it alone would hold: a rare class is not left out for a common one.
    """
    if label.shape == (height, width):
        return 0, 0
    rows, columns = label.shape[0] - height + 1, label.shape[1] - width + 1
    merit = np.zeros((rows, columns), np.float32)
    for class_id in _foreground_classes(label):
        density = ndimage.uniform_filter((label == class_id).astype(np.float32), (height, width), mode="constant")
        # The filter is centred: keep only positions at which the window lies inside the scene.
        inside = density[height // 2 : height // 2 + rows, width // 2 : width // 2 + columns]
        inside = np.minimum(inside, 1 - inside)
        merit += inside / max(float(inside.max()), np.finfo(np.float32).tiny)
    top, left = np.unravel_index(int(merit.argmax()), merit.shape)
    return int(top), int(left)


def most_of_each_class(labels: Sequence[Label]) -> int:
    """The position of the label with the largest share of each foreground class, the shares added up.

    >>> common, both = np.ones((2, 2), np.uint8), np.array([[1, 0], [0, 2]], np.uint8)
    >>> most_of_each_class([common, both, common])
    1
    """
    counts = np.array([np.bincount(label.ravel(), minlength=IGNORE + 1)[1:IGNORE] for label in labels])
    return int((counts / np.maximum(counts.sum(axis=0), 1)).sum(axis=1).argmax())


def _foreground_classes(label: Label) -> list[int]:
    return [int(each) for each in np.unique(label) if 0 < each < IGNORE]
