"""The objects of a scene that were found, missed or falsely reported: counted, listed, and grouped by size.

``count_objects`` and ``list_objects`` read one ``Matching`` and apply the minimum area; ``recall_by_size`` takes lists
of any number of scenes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.objects import areas_of, centroids_of
from explorer.metrics.counts import ObjectCounts, ratio
from explorer.metrics.matching import LabelObjects, Matching

Outcome = Literal["found", "missed", "false"]


@dataclass(frozen=True)
class ObjectRecord:
    """One object: of the label if it was found or missed, of the prediction if it is a false alarm."""

    outcome: Outcome
    row: float  # of the centroid, in pixels; the middle of the first pixel is 0
    column: float
    area: int  # pixels
    iou: float | None  # with the predicted object that found it; None: not found


def count_objects(matching: Matching, minimum_area: int) -> ObjectCounts:
    """Found, false and missed objects of one scene.

    Args:
        matching: of all objects of one class.
        minimum_area: in pixels; see :mod:`explorer.metrics.matching`.
    """
    counted = matching.counted(minimum_area)
    found = int(np.count_nonzero(matching.partners[counted]))
    return ObjectCounts(
        true_positives=found,
        false_positives=int(np.count_nonzero(matching.false_alarms(minimum_area))),
        false_negatives=int(np.count_nonzero(counted)) - found,
        iou_sum=float(matching.ious[counted].sum()),
    )


def list_objects(matching: Matching, objects: LabelObjects, minimum_area: int) -> tuple[ObjectRecord, ...]:
    """What ``count_objects`` counts: the label's objects in the order of their ids, then the false alarms."""
    outcomes: list[Outcome | None] = [
        ("found" if partner else "missed") if counted else None
        for partner, counted in zip(matching.partners, matching.counted(minimum_area), strict=True)
    ]
    alarms: list[Outcome | None] = ["false" if alarm else None for alarm in matching.false_alarms(minimum_area)]
    return (
        *_records(objects.ids, outcomes, matching.ious),
        *_records(matching.predicted_ids, alarms, np.zeros(len(alarms))),
    )


def _records(
    ids: NDArray[np.int32], outcomes: Sequence[Outcome | None], ious: NDArray[np.float64]
) -> list[ObjectRecord]:
    """The objects 1..n of a map; those without an outcome are left out."""
    areas, centroids = areas_of(ids, len(outcomes)), centroids_of(ids, len(outcomes))
    return [
        ObjectRecord(
            outcome=outcome,
            row=float(centroids[i, 0]),
            column=float(centroids[i, 1]),
            area=int(areas[i]),
            iou=float(ious[i]) if outcome == "found" else None,
        )
        for i, outcome in enumerate(outcomes)
        if outcome is not None
    ]


@dataclass(frozen=True)
class SizeBin:
    """The objects of the label in one range of sizes."""

    smallest: int  # pixels, of the smallest object in it
    largest: int
    objects: int
    found: int

    @property
    def recall(self) -> float | None:
        """Found objects ÷ all objects."""
        return ratio(self.found, self.objects)


def recall_by_size(records: Iterable[ObjectRecord], bins: int = 4) -> tuple[SizeBin, ...]:
    """Recall in groups with about the same number of objects, from the smallest objects to the largest.

    Objects of equal size share a group, so that there are fewer groups where many sizes are equal.

    >>> small, large = (ObjectRecord("missed", 0, 0, 9, None), ObjectRecord("found", 0, 0, 80, 0.7))
    >>> [(each.largest, each.recall) for each in recall_by_size([small, large], bins=2)]
    [(9, 0.0), (80, 1.0)]

    Args:
        records: objects of any number of scenes; false alarms are left out.
        bins: the most groups.
    """
    kept = [record for record in records if record.outcome != "false"]
    if not kept:
        return ()
    areas = np.array([record.area for record in kept])
    found = np.array([record.outcome == "found" for record in kept])
    edges = np.unique(np.quantile(areas, np.arange(1, bins) / bins, method="lower"))
    group = np.searchsorted(edges, areas, side="left")
    return tuple(
        SizeBin(int(areas[here].min()), int(areas[here].max()), int(here.sum()), int(found[here].sum()))
        for here in (group == g for g in np.unique(group))
    )
