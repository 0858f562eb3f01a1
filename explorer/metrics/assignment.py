"""Choosing pairs so that no object has two partners."""

from __future__ import annotations

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.typing import NDArray


def one_to_one(left: NDArray[np.int64], right: NDArray[np.int64], quality: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of candidate pairs: as many as possible, and of these the ones with the largest sum of qualities.

    The same candidates in the same order always give the same pairs.

    >>> left, right = np.array([1, 1, 2]), np.array([1, 2, 1])  # 1 could have either, 2 only the first
    >>> one_to_one(left, right, np.array([0.9, 0.2, 0.3]))
    array([False,  True,  True])

    Args:
        left: (n,) an object each, not negative.
        right: (n,) the other object; no pair occurs twice.
        quality: (n,) 0 to 1.

    Returns:
        (n,): True where the pair was chosen.
    """
    contested = (np.bincount(left)[left] > 1) | (np.bincount(right)[right] > 1)
    chosen = ~contested
    if contested.any():
        lefts, i = np.unique(left[contested], return_inverse=True)
        rights, j = np.unique(right[contested], return_inverse=True)
        # Each left object may also stay alone, at a cost that no sum of qualities makes up for. Costs are above zero,
        # since a sparse array takes zero for no pair.
        own, alone = np.arange(len(lefts)), len(lefts) + 3.0
        costs = np.concatenate([2.0 - quality[contested], np.full(len(lefts), alone)])
        places = np.concatenate([i, own]), np.concatenate([j, len(rights) + own])
        graph = scipy.sparse.coo_array((costs, places), shape=(len(lefts), len(rights) + len(lefts))).tocsr()
        rows, columns = scipy.sparse.csgraph.min_weight_full_bipartite_matching(graph)
        partner = np.empty(len(lefts), dtype=np.int64)
        partner[rows] = columns
        chosen[contested] = partner[i] == j
    return chosen
