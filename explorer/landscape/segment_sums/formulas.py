"""The losses and pixel metrics in terms of ``Sums``, for the whole set of crops and each part of it at once.

``explorer.losses`` has the same formulas in terms of pixels; ``tests/landscape/test_segment_sums.py`` proves the two
equal on every case of the losses' own table. What has no formula here (regions of single images, regions without the
background, combined losses, a new loss) is computed by its own function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

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


def _object_jaccard(sums: Sums, spec: LossSpec) -> Groups:
    segments = sums.segments
    gamma = spec.number("gamma")
    losses = np.zeros((1 + segments.parts, segments.classes - 1))
    for class_id in range(1, segments.classes):
        own = segments.class_id == class_id
        member, index = np.unique(np.where(own, segments.ids, segments.owners[:, class_id - 1]), return_inverse=True)
        count = len(member)
        area = np.bincount(index, segments.size * own, count)
        missed = np.bincount(index, sums.error[class_id] * own, count)
        false = np.bincount(index, sums.error[class_id] * ~own, count)
        found = (area > 0) & (member > 0)
        part = np.zeros(count, dtype=np.int64)
        part[index] = segments.part
        groups = group_matrix(part, segments.parts) * found
        distance = (missed + false) / np.maximum(area + false, np.finfo(np.float32).tiny)
        distance = np.maximum(distance, np.finfo(np.float32).eps)
        of_objects = (groups @ distance**gamma) / np.maximum(groups.sum(1), 1)
        unassigned = segments.groups @ np.where(found[index] | own, 0, sums.error[class_id])
        losses[:, class_id - 1] = of_objects + unassigned / _pixels(segments)
    return _mean(losses)


FORMULAS: Mapping[LossKind, Callable[[Sums, LossSpec], Groups]] = {
    "cross_entropy": _cross_entropy,
    "weighted_cross_entropy": _weighted_cross_entropy,
    "focal": _focal,
    "jaccard": _jaccard,
    "dice": _dice,
    "tversky": _tversky,
    "focal_tversky": _focal_tversky,
    "lovasz": _lovasz,
    "object_cross_entropy": _object_cross_entropy,
    "object_jaccard": _object_jaccard,
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
