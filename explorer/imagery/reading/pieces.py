"""Connected pieces of all values of a grid at once, in time that does not grow with the number of values.

A *run* is a stretch of equal pixels in a row. Runs of one value that touch in neighbouring rows (8 neighbours) are one
piece. Rows are looked at in bands, each of which begins with the last row of the one above.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_BAND = 1 << 20  # pixels that are looked at together


def count_pieces(index: NDArray[np.integer], ignored: NDArray[np.bool_], values: int) -> NDArray[np.int64]:
    """Number of connected pieces of each value.

    >>> count_pieces(np.array([[1, 0, 1], [0, 1, 0], [2, 2, 2]]), np.zeros((3, 3), dtype=bool), 4).tolist()
    [4, 1, 1, 0]

    Args:
        index: (H, W), values from 0 to ``values`` − 1.
        ignored: (H, W), pixels that belong to no piece.
        values: that are counted.

    Returns:
        (values,)
    """
    height, width = index.shape
    rows = max(1, _BAND // width)
    owners: list[NDArray[np.int64]] = []  # the value of each piece
    joints: list[NDArray[np.int64]] = []  # (2, n), pieces of two bands that are one
    found, above = 0, None
    for top in range(0, max(1, height - 1), rows):
        band = slice(top, top + rows + 1)
        value, piece, count, first, last = _pieces(np.where(ignored[band], values, index[band]))
        owner = np.zeros(count, dtype=np.int64)
        owner[piece] = value
        owners.append(owner)
        if above is not None:
            joints.append(np.stack([above, piece[:first] + found]))
        above = piece[last:] + found
        found += count
    owner = np.concatenate(owners)
    if joints:
        count, piece = _connected(np.concatenate(joints, axis=1), found)
        joined = np.zeros(count, dtype=np.int64)
        joined[piece] = owner
        owner = joined
    return np.bincount(owner, minlength=values + 1)[:values].astype(np.int64)


def _pieces(band: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int, int]:
    """Value and piece of each run; the number of pieces; where the first row ends and the last begins."""
    height, width = band.shape
    starts = np.ones(band.shape, dtype=np.bool_)
    starts[:, 1:] = band[:, 1:] != band[:, :-1]
    begin = np.flatnonzero(starts)
    end = np.append(begin[1:], band.size)
    value = band.ravel()[begin].astype(np.int64)
    next_row = begin - begin % width + width
    low = np.searchsorted(end, np.maximum(begin + width - 1, next_row), side="right")
    high = np.searchsorted(begin, np.minimum(end + width + 1, next_row + width), side="left")
    amount = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(len(begin)), amount)
    lower = np.arange(len(upper)) + np.repeat(low - (np.cumsum(amount) - amount), amount)
    same = value[upper] == value[lower]
    count, piece = _connected(np.stack([upper[same], lower[same]]), len(begin))
    first, last = np.searchsorted(begin, [width, (height - 1) * width])
    return value, piece, count, int(first), int(last)


def _connected(edges: NDArray[np.int64], nodes: int) -> tuple[int, NDArray[np.int64]]:
    """The number of connected components of a graph, and the component of each node."""
    graph = coo_array((np.ones(edges.shape[1], dtype=np.int8), (edges[0], edges[1])), shape=(nodes, nodes))
    count, component = connected_components(graph, directed=False)
    return int(count), component.astype(np.int64)
