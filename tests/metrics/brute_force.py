"""The slow and obvious way: flood fill and one comparison a pair."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from explorer.imagery.match_rule import MatchRule
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


def label_objects(label: np.ndarray, class_id: int, drawn: np.ndarray | None = None) -> list[Pixels]:
    """All pixels of the class with one id are an object; those without an id form components."""
    if drawn is None:
        drawn = np.zeros(label.shape, int)
    of_ids: dict[int, set[tuple[int, int]]] = {}
    for row, column in np.argwhere((label == class_id) & (drawn > 0)):
        of_ids.setdefault(int(drawn[row, column]), set()).add((int(row), int(column)))
    return [frozenset(pixels) for pixels in of_ids.values()] + components((label == class_id) & (drawn == 0))


def matched(
    predicted: np.ndarray, label: np.ndarray, class_id: int, minimum_area: int, drawn: np.ndarray | None = None
):
    """(found label objects with their IoU, missed label objects, false alarms)."""
    valid = label != IGNORE
    mine = label_objects(label, class_id, drawn)
    theirs = components(predicted & valid)
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
        if sum(not valid[pixel] for pixel in whole) * 2 <= len(whole) and len(other) >= minimum_area:
            false.add(other)
    missed = {one for one in set(mine) - set(found) if len(one) >= minimum_area}
    return {one: iou for one, iou in found.items() if len(one) >= minimum_area}, missed, false


def outcome_counts(
    predicted: np.ndarray, label: np.ndarray, class_id: int, minimum_area: int, drawn: np.ndarray | None = None
):
    found, missed, false = matched(predicted, label, class_id, minimum_area, drawn)
    return len(found), len(false), len(missed)


def iou_of(one: Pixels, other: Pixels) -> Fraction:
    return Fraction(len(one & other), len(one | other))


def centroid(pixels: Pixels) -> tuple[Fraction, Fraction]:
    rows, columns = zip(*pixels, strict=True)
    return Fraction(sum(rows), len(rows)), Fraction(sum(columns), len(columns))


def squared_distance(one: Pixels, other: Pixels) -> Fraction:
    return sum((a - b) ** 2 for a, b in zip(centroid(one), centroid(other), strict=True))


def allowed(rule: MatchRule, of_label: Pixels, predicted: Pixels) -> bool:
    if rule.kind == "iou":
        return iou_of(of_label, predicted) > Fraction(str(rule.value))
    if rule.kind == "overlap":
        return bool(of_label & predicted)
    if rule.kind == "centre":
        return tuple((c + Fraction(1, 2)).__floor__() for c in centroid(of_label)) in predicted
    return squared_distance(of_label, predicted) <= Fraction(str(rule.value)) ** 2


def preference(rule: MatchRule, of_label: Pixels, predicted: Pixels) -> float:
    """What is added up over pairs, and is to be large."""
    if rule.kind == "centroid":
        return -(float(squared_distance(of_label, predicted)) ** 0.5)
    return float(iou_of(of_label, predicted))


def best_matching(rule: MatchRule, mine: list[Pixels], theirs: list[Pixels]) -> tuple[int, float]:
    """The most pairs of any one-to-one matching, and the largest sum of preferences with so many, by trying all."""
    pairs = [[j for j, other in enumerate(theirs) if allowed(rule, one, other)] for one in mine]

    def best(i: int, free: frozenset[int]) -> tuple[int, float]:
        if i == len(mine):
            return 0, 0.0
        options = [best(i + 1, free)]
        for j in pairs[i]:
            if j in free:
                count, total = best(i + 1, free - {j})
                options.append((count + 1, total + preference(rule, mine[i], theirs[j])))
        return max(options, key=lambda option: (option[0], round(option[1], 9)))

    return best(0, frozenset(range(len(theirs))))
