"""Objects as several predictions of one scene have them: found by one, missed by another, false alarms of one alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.metrics.matching import LabelObjects, Matching
from explorer.metrics.objects import ObjectRecord, Outcome, list_objects


@dataclass(frozen=True)
class ComparedObject:
    """An object of the label, which every prediction has found or missed, or a false alarm of some of them."""

    row: float  # of the centroid, in pixels; the middle of the first pixel is 0
    column: float
    area: int  # pixels
    outcomes: tuple[Outcome | None, ...]  # one a prediction; None: no false alarm here
    ious: tuple[float | None, ...]  # with what found it; None: not found


def compare_objects(
    objects: LabelObjects, matchings: Sequence[Matching], minimum_area: int
) -> tuple[ComparedObject, ...]:
    """What each prediction makes of every object: those of the label in the order of their ids, then the false alarms.

    A false alarm is the same as one of another prediction where they share a pixel; it is listed once, with the place
    and the area that it has in the first of them.

    >>> from explorer.metrics.matching import find_label_objects, match
    >>> label = np.array([[1, 1, 0, 1, 1, 0, 0]], dtype=np.uint8)
    >>> one, other = np.array([[[1, 1, 0, 0, 0, 0, 1]], [[0, 0, 0, 1, 1, 0, 0]]], dtype=bool)
    >>> there = find_label_objects(label, class_id=1)
    >>> [each.outcomes for each in compare_objects(there, [match(one, there), match(other, there)], 1)]
    [('found', 'missed'), ('missed', 'found'), ('false', None)]

    Args:
        objects: the label's objects of one class in one scene.
        matchings: one a prediction, all with these objects.
        minimum_area: in pixels; see :mod:`explorer.metrics.matching`.
    """
    listed = [list_objects(each, objects, minimum_area) for each in matchings]
    of_label = [[record for record in records if record.outcome != "false"] for records in listed]
    compared = [_joined(records) for records in zip(*of_label, strict=True)]
    alarms = [np.flatnonzero(each.false_alarms(minimum_area)) + 1 for each in matchings]
    alone = len(listed) == 1  # there is no other prediction whose false alarms could share a pixel
    places = [] if alone else [_only(each, ids) for each, ids in zip(matchings, alarms, strict=True)]
    for first, records in enumerate(listed):
        sharing = [set() if alone or number == first else _sharing(places[first], places[number])
                   for number in range(len(listed))]  # fmt: skip
        for alarm, record in zip(alarms[first], (each for each in records if each.outcome == "false"), strict=True):
            shares = [number == first or alarm in sharing[number] for number in range(len(listed))]
            if not any(shares[:first]):  # else an earlier prediction has listed it
                outcomes: tuple[Outcome | None, ...] = tuple("false" if shared else None for shared in shares)
                none = (None,) * len(listed)
                compared.append(ComparedObject(record.row, record.column, record.area, outcomes, none))
    return tuple(compared)


def _joined(records: Sequence[ObjectRecord]) -> ComparedObject:
    """One object of the label; the minimum area leaves out the same ones for every prediction."""
    first = records[0]
    outcomes, ious = tuple(each.outcome for each in records), tuple(each.iou for each in records)
    return ComparedObject(first.row, first.column, first.area, outcomes, ious)


def _only(matching: Matching, ids: NDArray[np.int64]) -> NDArray[np.int32]:
    """The predicted objects (H, W) of these ids, 0 elsewhere."""
    kept = np.zeros(len(matching.predicted_areas) + 1, np.int32)
    kept[ids] = ids
    only: NDArray[np.int32] = kept[matching.predicted_ids]
    return only


def _sharing(ids: NDArray[np.int32], other: NDArray[np.int32]) -> set[int]:
    """Those of the ids (H, W), 0 = none, that share a pixel with any of the others."""
    return {int(each) for each in np.unique(ids[other > 0]) if each}
