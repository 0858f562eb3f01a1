"""Recall by object size: are the small ones the ones that are missed?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from explorer.metrics.counts import ratio
from explorer.metrics.objects import ObjectRecord


@dataclass(frozen=True)
class SizeBin:
    """The label's objects of one range of sizes."""

    smallest: int  # pixels, of the smallest object in it
    largest: int
    objects: int
    found: int

    @property
    def recall(self) -> float | None:
        """Found ÷ all."""
        return ratio(self.found, self.objects)


def recall_by_size(records: Iterable[ObjectRecord], bins: int = 4) -> tuple[SizeBin, ...]:
    """Recall in groups of about as many objects each, from the smallest to the largest.

    Objects of one size stay together, so that there are fewer groups where many objects are alike.

    Args:
        records: objects of any number of scenes; false alarms have no place here and are left out.
        bins: how many groups at most.
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
