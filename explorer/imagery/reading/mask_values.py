"""What the values of one mask look like: smoothed edges, a number per object, a white or pale border of objects.

Each function looks at a mask's own pixels. What follows from it for a whole set of masks is decided in
:mod:`explorer.imagery.reading.class_key`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.masks import Key, Mask, MaskKind, hexadecimal
from explorer.imagery.scene import IGNORE

VOID_COLOURS = ((224, 224, 192), (255, 255, 255))
"""The border of objects in Pascal VOC, a pale yellow-grey; and white, as which some programs write its index 255."""

_VOID = tuple(hexadecimal(*colour) for colour in VOID_COLOURS)
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.bool_)
_SMOOTHED_SHARE = 0.9  # of the pixels with a value between the extremes that lie at an edge
_LEAST_LEVEL = 16  # smaller values beside 255 are ids
_INSTANCE_SHARE = 0.95  # of the values that are one connected piece each
_LEAST_INSTANCES = 4  # values in one mask; three classes are often one piece each
_BORDER_STEPS = 3  # erosions after which a border of up to six pixels is gone


def looks_smoothed(mask: Mask) -> bool:
    """Whether the values between the smallest and the largest lie along edges, as resizing and smoothing leave them.

    True only for values with 0 and one large value (128 or more) that both cover more than the values between. A
    sixteenth of the large value more than 0 or less than it counts as these, since some filters swing to both sides.
    """
    if mask.lossy:
        return True
    if mask.kind is not MaskKind.VALUES or len(mask.keys) < 3:
        return False
    values = np.array(mask.keys, dtype=np.int64)[mask.index]  # (H, W)
    counted = ~mask.ignored
    top = int(values[counted].max(initial=0))
    margin = top // 16
    low, high = counted & (values <= margin), counted & (values >= top - margin)
    between = counted & ~low & ~high
    amount = int(between.sum())
    if top < 128 or amount == 0 or amount > int(high.sum()) + int(low.sum()):
        return False
    if np.median(values[between]) < _LEAST_LEVEL:
        return False
    at_edge = between & _near(low) & _near(high)
    return int(at_edge.sum()) >= _SMOOTHED_SHARE * amount


def looks_like_instances(mask: Mask) -> bool:
    """Whether nearly every value is one connected piece, as where each object has a number or colour of its own."""
    if mask.kind is MaskKind.NAMES:
        return False
    values = [position for position, key in enumerate(mask.keys) if key not in (0, IGNORE, "#000000", "#ffffff")]
    pieces = mask.pieces()[values]
    present = int(np.count_nonzero(pieces))
    alone = int(np.count_nonzero(pieces == 1))
    return present >= _LEAST_INSTANCES and alone >= _INSTANCE_SHARE * present


def border_colours(mask: Mask) -> frozenset[Key]:
    """Colours that are known for the border of objects and are nothing but thin lines beside other colours."""
    found: set[Key] = set()
    foreground = {key for key in mask.keys if key not in ("#000000", *_VOID)}
    for colour in _VOID:
        if mask.kind is not MaskKind.COLOURS or colour not in mask.keys or not foreground:
            continue
        here = pixels_of(mask, (colour,))
        if not here.any():
            continue
        core = ndimage.binary_erosion(here, _EIGHT_NEIGHBOURS, iterations=_BORDER_STEPS, border_value=1)
        beside = here & _near(pixels_of(mask, tuple(foreground)), steps=2 * _BORDER_STEPS)
        if colour == _VOID[0] or (not core.any() and 2 * beside.sum() > here.sum()):
            found.add(colour)
    return frozenset(found)


def pixels_of(mask: Mask, keys: Sequence[Key]) -> NDArray[np.bool_]:
    """(H, W), True where the mask has one of these keys and is not ignored."""
    positions = [position for position, key in enumerate(mask.keys) if key in keys]
    return np.isin(mask.index, positions) & ~mask.ignored


def joined(masks: Sequence[Mask]) -> Mask:
    """One mask with the objects of several, of the same size, each of which marks one object.

    Where objects overlap, the later one is on top.

    Raises:
        InputError: the sizes differ.
    """
    first = masks[0]
    index = np.zeros(first.index.shape, dtype=np.uint16)
    objects = np.zeros(first.index.shape, dtype=np.int32)
    ignored = np.zeros(first.index.shape, dtype=np.bool_)
    for number, mask in enumerate(masks, start=1):
        if mask.index.shape != index.shape:
            raise InputError(
                f"{' × '.join(map(str, mask.index.shape[::-1]))} pixels, but {first.name} has "
                f"{' × '.join(map(str, index.shape[::-1]))}",
                mask.name,
                "save all masks of an image at one size",
            )
        marked = ~pixels_of(mask, (0, "#000000"))
        marked &= ~mask.ignored
        index[marked], objects[marked] = 1, number
        ignored |= mask.ignored
    note = Note("object_masks_joined", f"The label was joined from {len(masks)} masks, one per object.")
    return replace(
        first, kind=MaskKind.VALUES, keys=(0, 1), index=index, ignored=ignored, colours=(), nodata=None,
        objects=objects, notes=(note,), lossy=False,
    )  # fmt: skip


def numbered(mask: Mask, background: Sequence[Key]) -> NDArray[np.int32]:
    """(H, W), the object of each pixel where every key but the background's is an object; 0 = none."""
    ids = np.array([0 if key in background else position + 1 for position, key in enumerate(mask.keys)], np.int32)
    return np.where(mask.ignored, np.int32(0), ids[mask.index])


def _near(pixels: NDArray[np.bool_], steps: int = 2) -> NDArray[np.bool_]:
    """Pixels within some steps of these."""
    near: NDArray[np.bool_] = ndimage.binary_dilation(pixels, _EIGHT_NEIGHBOURS, iterations=steps)
    return near
