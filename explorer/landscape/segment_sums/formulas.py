"""The losses and pixel metrics in terms of ``Sums``, for the whole set of crops and each part of it at once.

``explorer.losses`` has the same formulas in terms of pixels; ``tests/landscape/test_segment_sums.py`` proves the two
equal on every case of the losses' own table. What has no formula here (regions of single images, regions without the
background, combined losses, losses that only a run that trains them has) is computed by its own function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.landscape.segment_sums.segments import Segments, group_matrix
from explorer.landscape.segment_sums.sums import Sums
from explorer.losses.registry import LossKind
from explorer.losses.spec import LossSpec

Groups = NDArray[np.float64]
"""(1 + parts,): a value for the whole set, then one for each part."""


def covers(spec: LossSpec) -> bool:
    """True: the loss has a formula here."""
    return spec.kind in FORMULAS and spec.aggregate == "batch" and spec.include_background


def _pixels(segments: Segments) -> Groups:
    pixels: Groups = np.maximum(segments.class_size.sum(1), 1)
    return pixels


def _class_weights(spec: LossSpec, segments: Segments) -> NDArray[np.float64]:
    return np.asarray(spec.class_weights if spec.class_weights is not None else np.ones(segments.classes), np.float64)


def _cross_entropy(sums: Sums, spec: LossSpec) -> Groups:
    return (sums.segments.groups @ sums.cross_entropy) / _pixels(sums.segments)


def _weighted_cross_entropy(sums: Sums, spec: LossSpec) -> Groups:
    segments = sums.segments
    weights = _class_weights(spec, segments)
    total = segments.class_size @ weights
    return (segments.groups @ (sums.cross_entropy * weights[segments.class_id])) / np.where(total > 0, total, 1)


def _focal(sums: Sums, spec: LossSpec) -> Groups:
    segments = sums.segments
    factor = _class_weights(spec, segments)[segments.class_id]
    if spec.alpha is not None:
        factor = factor * np.where(segments.class_id > 0, spec.alpha, 1 - spec.alpha)
    return (segments.groups @ (sums.focal * factor)) / _pixels(segments)


def _tversky_distance(sums: Sums, alpha: float, beta: float) -> NDArray[np.float64]:
    """(1 + parts, K): 1 − index where the class occurs in the labels, its mean probability where it does not."""
    segments = sums.segments
    own = segments.class_id == np.arange(segments.classes)[:, None]
    missed = segments.groups @ (sums.error * own).T
    false = segments.groups @ (sums.error * ~own).T
    hit = segments.class_size - missed
    present = segments.class_size > 0
    denominator = np.where(present, hit + alpha * false + beta * missed, 1)
    # 1 − I/(I + αFP + βFN), written so that no digits cancel where the overlap is nearly perfect
    distance = (alpha * false + beta * missed) / np.maximum(denominator, np.finfo(np.float32).tiny)
    either: NDArray[np.float64] = np.where(present, distance, false / _pixels(segments)[:, None])
    return either


def _mean(losses: NDArray[np.float64]) -> Groups:
    """Over classes."""
    mean: Groups = losses.mean(1)
    return mean


def _jaccard(sums: Sums, spec: LossSpec) -> Groups:
    return _mean(_tversky_distance(sums, 1.0, 1.0))


def _dice(sums: Sums, spec: LossSpec) -> Groups:
    return _mean(_tversky_distance(sums, 0.5, 0.5))


def _dice_cross_entropy(sums: Sums, spec: LossSpec) -> Groups:
    over_pixels = _cross_entropy if spec.class_weights is None else _weighted_cross_entropy
    return _dice(sums, spec) + spec.number("ce_factor") * over_pixels(sums, spec)


def _tversky(sums: Sums, spec: LossSpec) -> Groups:
    return _mean(_tversky_distance(sums, spec.number("alpha"), spec.number("beta")))


def _focal_tversky(sums: Sums, spec: LossSpec) -> Groups:
    distance = _tversky_distance(sums, spec.number("alpha"), spec.number("beta"))
    least = np.finfo(np.float32).eps  # as in explorer.losses.regions
    return _mean(np.maximum(distance, least) ** spec.number("gamma"))


def _lovasz(sums: Sums, spec: LossSpec) -> Groups:
    """One sort for each group and class. With two classes one sort serves both: their errors are the same numbers."""
    segments = sums.segments
    values = np.zeros(1 + segments.parts)
    for group, (start, stop) in enumerate([(0, segments.pixels), *segments.part_bounds]):
        if start == stop:
            continue
        losses: list[float] = []
        if segments.classes == 2:
            keys = sums.pixel_error[0, start:stop].copy().view(np.int32)
            _mark_class(keys, segments, start, stop, 1)
            losses = _lovasz_extension(keys, both=True)
        else:
            for class_id in range(segments.classes):
                keys = sums.pixel_error[class_id, start:stop].copy().view(np.int32)
                _mark_class(keys, segments, start, stop, class_id)
                losses += _lovasz_extension(keys, both=False)
        present = np.flatnonzero(segments.class_size[group] > 0)
        values[group] = np.mean([losses[class_id] for class_id in present])
    return values


def _mark_class(keys: NDArray[np.int32], segments: Segments, start: int, stop: int, class_id: int) -> None:
    """Stores whether a pixel has this class in the last bit of its error, so that one sort orders both.

    This changes an error by at most 2⁻²³ of itself.
    """
    keys &= -2
    for pixels_of in segments.class_ranges:
        if pixels_of.class_id == class_id and start <= pixels_of.start and pixels_of.stop <= stop:
            keys[pixels_of.start - start : pixels_of.stop - start] |= 1


def _lovasz_extension(keys: NDArray[np.int32], both: bool) -> list[float]:
    """The Lovász extension of the Jaccard distance: the integral over t of the distance of {error ≥ t}.

    With the n errors in ascending order, i of them smaller and c of these in the class, the hits are c and the union
    n − i + c; for the other class of two, i − c and n − c.

    Args:
        keys: bits of the float32 errors, the last of which says whether the pixel is in the class; sorted in place.
        both: two classes share the errors.

    Returns:
        The loss of the class, or of class 0 and class 1.
    """
    keys.sort()
    count = np.float32(len(keys))
    found = np.zeros(len(keys), dtype=np.float32)
    found[1:] = np.cumsum(keys[:-1] & 1, dtype=np.int32)
    errors = keys.view(np.float32)
    step = np.diff(errors, prepend=np.float32(0))
    union = np.arange(len(keys), 0, -1, dtype=np.float32)  # n − i
    union += found
    own = float(errors[-1] - np.dot(step, found / union))
    if not both:
        return [own]
    union -= count
    np.negative(union, out=union)  # i − c
    np.subtract(count, found, out=found)
    union /= found
    return [float(errors[-1] - np.dot(step, union)), own]


def _object_cross_entropy(sums: Sums, spec: LossSpec) -> Groups:
    segments = sums.segments
    on_object = segments.ids > 0
    members, index = np.unique(segments.ids[on_object], return_inverse=True)
    size = np.bincount(index, segments.size[on_object], len(members))
    total = np.bincount(index, sums.cross_entropy[on_object], len(members))
    part = np.zeros(len(members), dtype=np.int64)
    part[index] = segments.part[on_object]
    groups = group_matrix(part, segments.parts)
    share = (groups @ size) / np.maximum(groups.sum(1), 1)  # mean size of an object
    elsewhere = segments.groups @ np.where(on_object, 0, sums.cross_entropy)
    mean: Groups = (share * (groups @ (total / np.maximum(size, 1))) + elsewhere) / _pixels(segments)
    return mean


@dataclass(frozen=True)
class _Objects:
    """Sums over the objects of one class, each with its cell: (objects,), float64."""

    area: NDArray[np.float64]
    missed: NDArray[np.float64]  # Σ 1 − p on the object
    false: NDArray[np.float64]  # Σ p in its cell, beside it
    pixels: NDArray[np.float64]  # of object and cell
    cross_entropy: NDArray[np.float64]  # over object and cell


def _over_objects(
    sums: Sums, term: Callable[[_Objects], NDArray[np.float64]], beside: NDArray[np.float64] | float = 0.0
) -> Groups:
    """Mean of a term over the objects of each class; then over foreground classes.

    Args:
        beside: (S,), what pixels cost beside their error where no object of the class shows; a mean over all pixels.
    """
    segments = sums.segments
    losses = np.zeros((1 + segments.parts, segments.classes - 1))
    for class_id in range(1, segments.classes):
        own = segments.class_id == class_id
        member, index = np.unique(np.where(own, segments.ids, segments.owners[:, class_id - 1]), return_inverse=True)
        error = sums.error[class_id]
        area, missed, false, pixels, cross_entropy = (
            np.bincount(index, values, len(member)).astype(np.float64, copy=False)
            for values in (segments.size * own, error * own, error * ~own, segments.size, sums.cross_entropy)
        )
        found = (area > 0) & (member > 0)
        part = np.zeros(len(member), dtype=np.int64)
        part[index] = segments.part
        groups = group_matrix(part, segments.parts) * found
        of_objects = (groups @ term(_Objects(area, missed, false, pixels, cross_entropy))) / np.maximum(
            groups.sum(1), 1
        )
        unassigned = segments.groups @ np.where(found[index] | own, 0, error + beside)
        losses[:, class_id - 1] = of_objects + unassigned / _pixels(segments)
    return _mean(losses)


def _object_jaccard(sums: Sums, spec: LossSpec) -> Groups:
    gamma = spec.number("gamma")

    def term(of: _Objects) -> NDArray[np.float64]:
        distance = (of.missed + of.false) / np.maximum(of.area + of.false, np.finfo(np.float32).tiny)
        power: NDArray[np.float64] = np.maximum(distance, np.finfo(np.float32).eps) ** gamma
        return power

    return _over_objects(sums, term)


def _component_dice_cross_entropy(sums: Sums, spec: LossSpec) -> Groups:
    def term(of: _Objects) -> NDArray[np.float64]:
        both = np.maximum(2 * of.area - of.missed + of.false, np.finfo(np.float32).tiny)
        return (of.missed + of.false) / both + of.cross_entropy / np.maximum(of.pixels, 1)

    share = spec.number("component_share")
    of_objects = _over_objects(sums, term, sums.cross_entropy)
    return (1 - share) * (_dice(sums, spec) + _cross_entropy(sums, spec)) + share * of_objects


FORMULAS: Mapping[LossKind, Callable[[Sums, LossSpec], Groups]] = {
    "cross_entropy": _cross_entropy,
    "weighted_cross_entropy": _weighted_cross_entropy,
    "focal": _focal,
    "jaccard": _jaccard,
    "dice": _dice,
    "tversky": _tversky,
    "focal_tversky": _focal_tversky,
    "lovasz": _lovasz,
    "dice_cross_entropy": _dice_cross_entropy,
    "object_cross_entropy": _object_cross_entropy,
    "object_jaccard": _object_jaccard,
    "component_dice_cross_entropy": _component_dice_cross_entropy,
}


def pixel_metrics(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1 + parts, K, 4): precision, recall, IoU and F1 of each class; NaN where undefined.

    Args:
        confusion: (1 + parts, K, K) pixels by label and prediction.
    """
    hit = np.diagonal(confusion, axis1=1, axis2=2)
    predicted, labelled = confusion.sum(1), confusion.sum(2)
    union = predicted + labelled - hit
    with np.errstate(invalid="ignore"):
        return np.stack([hit / predicted, hit / labelled, hit / union, 2 * hit / (predicted + labelled)], axis=2)
