"""The labels of a fixed set of crops, sorted once, so that every sum is one over neighbouring pixels.

The valid pixels are sorted by part of the set, class, image, and the objects that they belong to or are nearest to. A
*class range* is all pixels of one part and class. A *segment* is the finest unit: one image, class and object or cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.scene import IGNORE
from explorer.landscape.crops import Crops

PARTS = 4
"""Disjoint parts of a set of crops, whose scatter gives error bars; fewer where there are fewer crops."""


@dataclass(frozen=True)
class ClassRange:
    """Pixels of one class in one part: ``start`` to ``stop`` in the order."""

    part: int
    class_id: int
    start: int
    stop: int


class Segments:
    """The order of the valid pixels, and the part, class and object of each segment in it.

    Groups are the whole set (0) and its disjoint parts (1 to ``parts``).

    Raises:
        InputError: no pixel is valid.
    """

    order: NDArray[np.int64]  # (n,) positions in the flattened (N, H, W)
    starts: NDArray[np.int64]  # (S,) where each segment begins
    size: NDArray[np.int64]  # (S,) its pixels
    part: NDArray[np.int64]  # (S,)
    class_id: NDArray[np.int64]  # (S,)
    ids: NDArray[np.int64]  # (S,) object, unique over all images; 0 = none
    owners: NDArray[np.int64]  # (S, K − 1) nearest object of each class, likewise

    def __init__(self, crops: Crops) -> None:
        self.classes = crops.classes
        count, height, width = crops.labels.shape
        self.image_part = np.arange(count) * min(PARTS, count) // count
        self.parts: int = min(PARTS, count)
        valid = np.flatnonzero(crops.labels.ravel() != IGNORE)
        if len(valid) == 0:
            raise InputError("every pixel of the validation crops is ignored", "crops", "label some of them")
        image = valid // (height * width)
        self.span = 1 + int(max(crops.ids.max(), crops.owners.max()))
        shift = image * self.span
        class_id = crops.labels.ravel()[valid].astype(np.int64)
        ids = crops.ids.ravel()[valid].astype(np.int64)
        ids = np.where((ids > 0) & (class_id > 0), ids + shift, 0)
        owners = np.moveaxis(crops.owners, 1, 3).reshape(-1, self.classes - 1)[valid].astype(np.int64)
        owners = np.where(owners > 0, owners + shift[:, None], 0)
        keys = [*owners.T, ids, image, class_id, self.image_part[image]]  # the last is the first key
        order = np.lexsort(keys)
        self.order = valid[order]
        ordered = np.stack([key[order] for key in keys])
        new = np.flatnonzero((np.diff(ordered, axis=1) != 0).any(0)) + 1
        self.starts = np.concatenate([[0], new])
        self.pixels = len(order)
        self.size = np.diff(self.starts, append=self.pixels)
        of_segment = ordered[:, self.starts]
        self.owners, self.ids = of_segment[: self.classes - 1].T, of_segment[self.classes - 1]
        self.class_id, self.part = of_segment[-2], of_segment[-1]

    @cached_property
    def class_ranges(self) -> tuple[ClassRange, ...]:
        """Pixels of one part and class, in the order."""
        found = []
        for part in range(self.parts):
            for class_id in range(self.classes):
                segments = np.flatnonzero((self.part == part) & (self.class_id == class_id))
                if len(segments):
                    first, last = segments[0], segments[-1]
                    found.append(
                        ClassRange(part, class_id, int(self.starts[first]), int(self.starts[last] + self.size[last]))
                    )
        return tuple(found)

    @cached_property
    def part_bounds(self) -> tuple[tuple[int, int], ...]:
        """Of each part, where its pixels begin and end in the order; both the same if it has none."""
        ends = np.searchsorted(np.repeat(self.part, self.size), np.arange(self.parts + 1))
        return tuple((int(a), int(b)) for a, b in pairwise(ends))

    @cached_property
    def groups(self) -> NDArray[np.float64]:
        """(1 + parts, S): 1 where a segment belongs to a group."""
        return group_matrix(self.part, self.parts)

    @cached_property
    def class_size(self) -> NDArray[np.float64]:
        """(1 + parts, K): labelled pixels of each class in each group."""
        of_class = self.class_id[:, None] == np.arange(self.classes)
        area: NDArray[np.float64] = self.groups @ (of_class * self.size[:, None])
        return area


def group_matrix(part: NDArray[Any], parts: int) -> NDArray[np.float64]:
    """(1 + parts, n): 1 where an item of this part belongs to a group; all belong to the first, the whole set."""
    of_part = part[None] == np.arange(parts)[:, None]
    return np.concatenate([np.ones((1, len(part))), of_part.astype(np.float64)])
