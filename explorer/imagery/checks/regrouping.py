"""A better split by scene: every class on both sides, and scenes that show the same on one side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.checks.footprints import overlaps
from explorer.imagery.checks.mends import SplitAgain
from explorer.imagery.checks.similarity import twins
from explorer.imagery.scene import Dataset
from explorer.imagery.splitting import VALIDATION_SHARE

Link = tuple[int, int]
"""Positions in ``dataset.scenes`` of two scenes that belong on the same side."""

_TRIES = 2000  # random orders of the groups that are compared


def better_split(dataset: Dataset) -> SplitAgain | None:
    """A split with the most classes on both sides, and duplicates and overlapping scenes on one; None if there is none.

    One mend does not undo another: all of this is kept, whichever check asks. About a quarter of the scenes validates.
    """
    scenes = dataset.scenes
    links = [(twin.first, twin.second) for twin in twins(scenes)]
    links += [(overlap.first, overlap.second) for overlap in overlaps(scenes)]
    groups = _groups(len(scenes), links)
    if len(groups) < 2:
        return None
    counts = np.array([scene.pixel_counts(len(dataset.classes)) for scene in scenes])  # (scenes, classes)
    sums = np.array([counts[group].sum(axis=0) for group in groups])
    sizes = np.array([len(group) for group in groups])
    chosen = _choose(sums, sizes)
    names = {scenes[index].name for position in chosen for index in groups[position]}
    return SplitAgain(tuple(scene.name for scene in scenes if scene.name in names))


def _groups(count: int, links: Sequence[Link]) -> list[list[int]]:
    """Scenes that are linked, directly or by others."""
    leader = list(range(count))
    for first, second in links:
        old, new = leader[second], leader[first]
        leader = [new if value == old else value for value in leader]
    return [[index for index in range(count) if leader[index] == value] for value in sorted(set(leader))]


def _choose(counts: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[int]:
    """The groups that validate, by random choices: most classes on both sides, then closest to a quarter."""
    rng = np.random.default_rng(0)
    total, scenes = counts.sum(axis=0), int(sizes.sum())
    best, best_merit = [0], (-1, -np.inf)
    for _ in range(_TRIES):
        order = rng.permutation(len(sizes))
        most = int(rng.integers(1, len(sizes)))  # of the groups, at least one stays for training
        target = np.searchsorted(np.cumsum(sizes[order]), VALIDATION_SHARE * scenes) + 1
        chosen = order[: min(most, int(target))]
        held_out = counts[chosen].sum(axis=0)
        both = int(((held_out[1:] > 0) & (held_out[1:] < total[1:])).sum())
        distance = abs(sizes[chosen].sum() / scenes - VALIDATION_SHARE)
        share = np.abs(held_out[1:] / np.maximum(total[1:], 1) - VALIDATION_SHARE).mean() if len(total) > 1 else 0.0
        merit = both, -float(distance + share)
        if merit > best_merit:
            best, best_merit = chosen.tolist(), merit
    return best
