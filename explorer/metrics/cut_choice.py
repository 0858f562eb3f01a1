"""How the objects of a class are cut out of predictions: whether neighbours are split, and which specks are dropped.

Where objects are counted, both are chosen like the threshold, by the criterion on scenes that neither train nor score:
first whether to split, then the smallest object. Where these scenes hold too few objects to tell, the labels of the
training scenes decide: 27 % of the labelled aeroplanes, 51 % of the nuclei, 85 % of the roofs and 15 % of the cars are
near another one.

Measured by the F1 of objects on scenes that did not train (IoU > 0.5): splitting took aeroplanes from 0.52 to 0.87 and
roofs of a town from 0.16 to 0.30, left nuclei at 0.90, and cost cars 0.07, where false alarms are large. Half of the
10th percentile of the areas of training objects did well where objects are large (cars: 0.48 with a fifth of the
median, 0.52 with this); half of the median cost nuclei 0.14. Where objects are small, an outline that lies one pixel
further in takes half of the area: so the percentile is that of objects that were drawn one pixel smaller all round
(criterion on the threshold scenes of ports, 11 objects each: 0.36, 0.14 and 0.10, with the whole area 0.17, 0.09 and
0.11; aeroplanes 0.81 with both). With points, nothing but single pixels is to be dropped: half of the 10th percentile
cost trees 0.1. More than half is never dropped: the whole percentile can look best on the threshold scenes, and where
other scenes have smaller vehicles it cost 0.05 and 0.15 of the F1 of pixels and took the F1 of objects from 0.78 to
0.63 on one of two sequences (0.68 to 0.75 on the other).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from explorer.imagery.match_rule import MatchRule

FEWEST_FOR_SPLIT, FEWEST_FOR_SMALLEST = 15, 30
"""Objects in the threshold scenes with fewer of which the labels decide."""

SHARES = (0.5, 0.25)
"""Of ``LabelSizes.reduced_area``: the smallest objects that are tried. The first is usual."""

NEAR_GAP = 0.1
"""Two labelled objects are near each other with at most so many diameters between them: predictions tend to merge."""

_LEAST_DIAMETER = 10.0  # pixels; smaller objects are not split
_NEAR = 0.2  # share of labelled objects with another one near, from which on predictions are split
_REDUCED = "drawn one pixel smaller all round"
_POINT_DIAMETER, _POINT_AREA = 16.0, 4  # pixels


@dataclass(frozen=True)
class LabelSizes:
    """The objects of one class in the training scenes."""

    diameter: float  # of the disc whose area is the median, in pixels; 0: there are no objects
    small_area: float  # 10th percentile of the areas, in pixels

    @property
    def reduced_area(self) -> float:
        """Of a disc of the small area, drawn one pixel smaller all round: outlines are no more certain than that.

        >>> round(LabelSizes(diameter=30.0, small_area=25 * math.pi).reduced_area / math.pi, 6)
        16.0
        """
        return math.pi * max(math.sqrt(self.small_area / math.pi) - 1, 0) ** 2


@dataclass(frozen=True)
class ChosenCut:
    """How objects are cut out, and why so."""

    split: bool
    smallest: int  # pixels
    split_rule: str  # in words
    smallest_rule: str  # in words


def choose_cut(
    sizes: LabelSizes,
    match_rule: MatchRule,
    count: int,
    value_of: Callable[[bool, int], float],
    near: Callable[[], float],
) -> ChosenCut:
    """Chooses for one class.

    >>> sizes = LabelSizes(diameter=30.0, small_area=400.0)
    >>> choose_cut(sizes, MatchRule.parse("iou:0.5"), 20, lambda split, _: 0.7 if split else 0.5, lambda: 0.0)
    ... # doctest: +NORMALIZE_WHITESPACE
    ChosenCut(split=True, smallest=166, split_rule='split, with which the criterion is 0.70; without, 0.50',
              smallest_rule='half of the 10th percentile (400 px) of the areas of training objects, drawn one pixel
              smaller all round')

    Args:
        sizes: of the class in the training scenes.
        match_rule: of the dataset.
        count: the objects of the class in the threshold scenes, those below the minimum area left out.
        value_of: the criterion on the threshold scenes, with or without a split, and with a smallest object in pixels.
        near: the share of objects in the training scenes that have another one within ``NEAR_GAP``; asked for where
            the threshold scenes cannot tell.
    """
    points = match_rule.kind == "centroid" and sizes.diameter <= _POINT_DIAMETER
    usual = _POINT_AREA if points else max(1, round(SHARES[0] * sizes.reduced_area))
    split, split_rule = _choose_split(sizes, match_rule, points, count, lambda split: value_of(split, usual), near)
    if points:
        return ChosenCut(split, usual, split_rule, f"{usual} px, because the objects are points")
    of_what = f"10th percentile ({sizes.small_area:.0f} px) of the areas of training objects, {_REDUCED}"
    smallest_rule = f"half of the {of_what}"
    if count < FEWEST_FOR_SMALLEST or not match_rule.may_choose:
        return ChosenCut(split, usual, split_rule, smallest_rule)
    tried = dict.fromkeys(max(1, round(share * sizes.reduced_area)) for share in SHARES)
    smallest = max(tried, key=lambda smallest: value_of(split, smallest))  # of equals the first
    return ChosenCut(
        split,
        smallest,
        split_rule,
        f"{smallest} px, with which the criterion is highest of ½ and ¼ of the {of_what}",
    )


def _choose_split(
    sizes: LabelSizes,
    match_rule: MatchRule,
    points: bool,
    count: int,
    value_of: Callable[[bool], float],
    near: Callable[[], float],
) -> tuple[bool, str]:
    if not match_rule.counts_objects:
        return False, "not split, because the match rule counts pixels"
    if points:
        return False, "not split, because the objects are points"
    if sizes.diameter < _LEAST_DIAMETER:
        return False, f"not split, because objects are less than {_LEAST_DIAMETER:g} px across"
    if match_rule.may_choose and count >= FEWEST_FOR_SPLIT:
        without, with_ = value_of(False), value_of(True)
        if with_ > without:
            return True, f"split, with which the criterion is {with_:.2f}; without, {without:.2f}"
        return False, f"not split, without which the criterion is {without:.2f}; with a split, {with_:.2f}"
    tell = "the match rule cannot tell" if not match_rule.may_choose else f"{count} objects are too few to tell"
    share = near()
    words = f"{tell}, and {share:.0%} of the labelled objects are near another".replace("%", " %")
    return (True, f"split, because {words}") if share >= _NEAR else (False, f"not split, because {words}")
