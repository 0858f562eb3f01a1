"""The slow and obvious way: flood fill and one comparison a pair."""

from __future__ import annotations

import numpy as np

from explorer.imagery.scene import IGNORE

Pixels = frozenset[tuple[int, int]]


def components(mask: np.ndarray) -> list[Pixels]:
    todo = {(int(r), int(c)) for r, c in np.argwhere(mask)}
    found = []
    while todo:
        stack = [todo.pop()]
        component = set(stack)
        while stack:
            row, column = stack.pop()
            around = {(row + r, column + c) for r in (-1, 0, 1) for c in (-1, 0, 1)} & todo
            todo -= around
            component |= around
            stack.extend(around)
        found.append(frozenset(component))
    return found


def matched(predicted: np.ndarray, label: np.ndarray, class_id: int, minimum_area: int):
    """(found label objects with their IoU, missed label objects, false alarms)."""
    valid = label != IGNORE
    mine = [o for o in components(label == class_id) if len(o) >= minimum_area]
    theirs = [o for o in components(predicted & valid) if len(o) >= minimum_area]
    wholes = components(predicted)
    found = {}
    partners = set()
    for one in mine:
        for other in theirs:
            iou = len(one & other) / len(one | other)
            if iou > 0.5:
                assert one not in found
                assert other not in partners
                found[one] = iou
                partners.add(other)
    false = set()
    for other in set(theirs) - partners:
        whole = next(w for w in wholes if other <= w)
        if sum(not valid[pixel] for pixel in whole) * 2 <= len(whole):
            false.add(other)
    return found, set(mine) - set(found), false


def outcome_counts(predicted: np.ndarray, label: np.ndarray, class_id: int, minimum_area: int):
    found, missed, false = matched(predicted, label, class_id, minimum_area)
    return len(found), len(false), len(missed)
