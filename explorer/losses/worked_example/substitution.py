"""Which arithmetic belongs to which kind of loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec
from explorer.losses.worked_example.crop import Crop, NotWorkedOut, Worked
from explorer.losses.worked_example.objects import object_jaccard, scale_location
from explorer.losses.worked_example.parts import OF_PARTS, sum_of_parts
from explorer.losses.worked_example.pixels import lovasz, pixelwise
from explorer.losses.worked_example.regions import OVERLAPS, overlap, soft_jaccard

_BY_PIXEL: Mapping[LossKind, Callable[[LossSpec, Crop, int, int], Worked]] = {
    "cross_entropy": pixelwise,
    "weighted_cross_entropy": pixelwise,
    "focal": pixelwise,
    "lovasz": lovasz,
    "object_cross_entropy": pixelwise,
    "object_jaccard": object_jaccard,
    "scale_location": scale_location,
}


def substituted(spec: LossSpec, crop: Crop, row: int, column: int) -> tuple[Worked | NotWorkedOut, ...]:
    r"""The loss with the numbers of one pixel; of a combined loss each term by itself.

    >>> import numpy as np
    >>> crop = Crop(np.array([[[0.2]], [[0.8]]]), np.array([[1]], dtype=np.uint8))
    >>> substituted(LossSpec(kind="jaccard", include_background=False), crop, 0, 0)[0].latex
    '1-\\frac{0.8}{0.8 + 0 + 0.2} = 0.2'

    Args:
        spec: with its class weights as numbers.
        crop: at least one pixel of it is not ignored.
        row: of the pixel, 0 at the top.
        column: of the pixel, 0 at the left.

    Returns:
        Empty if the pixel is ignored and the loss is made of terms by pixel or object.
    """
    if spec.kind == "combined":
        return tuple(
            replace(each, factor=term.factor * each.factor)
            for term in spec.terms
            for each in substituted(term.loss, crop, row, column)
        )
    if spec.kind in OVERLAPS:
        return (overlap(spec, crop),)
    if spec.kind == "soft_jaccard":
        return (soft_jaccard(spec, crop),)
    if spec.kind in OF_PARTS:
        return (sum_of_parts(spec, crop),)
    work_out = _BY_PIXEL.get(spec.kind)
    if work_out is None:
        return (NotWorkedOut(spec, 1.0),)
    return (work_out(spec, crop, row, column),) if crop.valid[row, column] else ()
