"""Which predicted object may be the partner of which object of a label, by the match rule."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, Self

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray

from explorer.imagery.match_rule import MatchRule
from explorer.imagery.objects import centroids_of

_ROUNDING = 1e-9  # pixels: centroids are quotients, and a distance that is the limit must not lie above it
_FINEST = 10**6  # an IoU is compared in whole numbers, with the limit as a fraction of at most this denominator

Ids = NDArray[np.int64]


class Objects(Protocol):
    """The objects of a label."""

    @property
    def ids(self) -> NDArray[np.int32]:
        """(H, W), 1..n, 0 = none."""

    @property
    def areas(self) -> NDArray[np.int64]:
        """(n,): pixels."""

    @property
    def centroids(self) -> NDArray[np.float64]:
        """(n, 2): row and column."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of an object of the label and a predicted one."""

    label_ids: Ids  # (p,)
    predicted_ids: Ids  # (p,)
    ious: NDArray[np.float64]  # (p,)
    quality: NDArray[np.float64]  # (p,) 0 to 1: which pair is preferred
    unique: bool = False  # no object is in two pairs

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """The chosen pairs: (p,) of bool."""
        return type(self)(
            self.label_ids[chosen], self.predicted_ids[chosen], self.ious[chosen], self.quality[chosen], unique=True
        )


def candidate_pairs(rule: MatchRule, objects: Objects, ids: NDArray[np.int32], areas: Ids) -> Pairs:
    """The pairs that the rule allows.

    Args:
        rule: one that matches objects.
        objects: of the label, n of them.
        ids: (H, W) of the predicted objects, 1..m, 0 = none; none at ignored pixels.
        areas: (m,) pixels of these.

    Raises:
        ValueError: the rule counts pixels.
    """
    overlaps = _overlaps(objects, ids, areas)
    if rule.kind == "overlap":
        return overlaps.pairs(np.ones(len(overlaps.label_ids), dtype=np.bool_))
    if rule.kind == "iou":
        limit = Fraction(str(rule.value)).limit_denominator(_FINEST)
        # whole numbers: exactly the limit is no match, whatever the rounding
        above = limit.denominator * overlaps.intersections > limit.numerator * overlaps.unions
        return overlaps.pairs(above, unique=2 * limit >= 1)
    if rule.kind == "centre":
        rows, columns = np.floor(objects.centroids + 0.5).astype(np.int64).T
        there = ids[rows, columns]
        label_ids, predicted_ids = np.flatnonzero(there) + 1, there[there > 0].astype(np.int64)
        ious = overlaps.ious_of(label_ids, predicted_ids)
        return Pairs(label_ids, predicted_ids, ious, quality=ious)
    if rule.kind == "centroid":
        return _near_centroids(objects, ids, overlaps, rule.value or 0.0)
    raise ValueError(f"{rule} matches no objects")


@dataclass(frozen=True, eq=False)
class _Overlaps:
    """Pairs with a common pixel, in the order of label id, then predicted id."""

    label_ids: Ids
    predicted_ids: Ids
    intersections: Ids
    unions: Ids
    predicted: int  # how many predicted objects there are

    def pairs(self, chosen: NDArray[np.bool_], unique: bool = False) -> Pairs:
        ious = self.intersections[chosen] / self.unions[chosen]
        return Pairs(self.label_ids[chosen], self.predicted_ids[chosen], ious, quality=ious, unique=unique)

    def ious_of(self, label_ids: Ids, predicted_ids: Ids) -> NDArray[np.float64]:
        """Of any pairs; 0 for those without a common pixel."""
        if not len(self.label_ids):
            return np.zeros(len(label_ids))
        known, wanted = (
            left * (self.predicted + 1) + right
            for left, right in ((self.label_ids, self.predicted_ids), (label_ids, predicted_ids))
        )
        place = np.searchsorted(known, wanted).clip(max=len(known) - 1)
        ious = self.intersections[place] / self.unions[place]
        return np.where(known[place] == wanted, ious, 0.0)


def _overlaps(objects: Objects, ids: NDArray[np.int32], areas: Ids) -> _Overlaps:
    count = len(areas)
    both = np.flatnonzero((ids > 0) & (objects.ids > 0))
    codes, intersections = np.unique(
        objects.ids.ravel()[both].astype(np.int64) * (count + 1) + ids.ravel()[both], return_counts=True
    )
    label_ids, predicted_ids = np.divmod(codes, count + 1)
    unions = objects.areas[label_ids - 1] + areas[predicted_ids - 1] - intersections
    return _Overlaps(label_ids, predicted_ids, intersections, unions, count)


def _near_centroids(objects: Objects, ids: NDArray[np.int32], overlaps: _Overlaps, limit: float) -> Pairs:
    centroids = centroids_of(ids, overlaps.predicted)
    near = scipy.spatial.cKDTree(objects.centroids).sparse_distance_matrix(
        scipy.spatial.cKDTree(centroids), limit + _ROUNDING, output_type="ndarray"
    )
    near = near[np.lexsort((near["j"], near["i"]))]
    label_ids, predicted_ids, distances = near["i"] + 1, near["j"] + 1, near["v"]
    quality = (1 - distances / (limit + _ROUNDING)).clip(0, 1)
    return Pairs(label_ids, predicted_ids, overlaps.ious_of(label_ids, predicted_ids), quality)
