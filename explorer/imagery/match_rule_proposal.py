"""Which match rule suits the objects of a label, and why. A proposal: the visitor may choose another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.object_statistics import ObjectStatistics, object_statistics, weighted_median
from explorer.imagery.scene import IGNORE, Scene

MOST_PIXELS = 8_000_000
"""Of more pixels, evenly spaced scenes are looked at."""

_LOW_IOU = MatchRule(kind="iou", value=0.1)
_ENOUGH = 0.75  # of the objects must still match where their outline is one pixel off
_THICK = 5.0  # px: from here on the tolerance of thin things is the larger one
_TOLERANCES = (2.0, 3.0)  # px; the extraction of roads is usually scored within 3
_LEAST_DISTANCE = 2.0  # px between centroids
_FEWEST = 20  # objects that can decide for another rule than IoU > 0.5
_FEWEST_PIXELS = 500  # of thin things that can
_ROUND = 1.15  # roundness, see ``ObjectStatistics``: a disc has 1, a square 1.27
_BLOCK = 9  # px: 3 × 3
_EQUAL_SIDES = 1.2  # longer ÷ shorter side


def match_rule_of(scenes: Sequence[Scene], classes: Sequence[str], minimum_area: int) -> tuple[MatchRule, str]:
    """The rule that suits a dataset's rarest class, and why.

    Args:
        scenes: with foreground.
        classes: names; the position is the id, 0 is the background.
        minimum_area: in pixels; smaller objects do not decide.

    Returns:
        The rule, and its reason in one or two sentences.
    """
    pixels = np.sum([scene.pixel_counts(len(classes)) for scene in scenes], axis=0)
    rarest = min((k for k in range(1, len(classes)) if pixels[k]), key=lambda k: int(pixels[k]))
    there = [scene for scene in scenes if (scene.label == rarest).any()]
    step = -(-sum(scene.label.size for scene in there) // MOST_PIXELS)
    alone = [replace(scene, label=_only(scene, rarest)) for scene in there[::step]]
    rule, reason = proposed_match_rule(object_statistics(alone, 2)[0], minimum_area)
    if len(classes) > 2:
        reason += f" The rule suits {classes[rarest]}, the rarest class."
    return rule, reason


def proposed_match_rule(statistics: ObjectStatistics, minimum_area: int = 1) -> tuple[MatchRule, str]:
    """The rule that suits objects of one class, and why in one sentence.

    - Points, which are discs of equal size: centroids within the disc's diameter, or within half of the median spacing
      where that is less.
    - Thin, connected things: pixels within 2 px, or 3 px where they are at least 5 px thick.
    - Objects of which fewer than three in four still match at IoU > 0.5 when drawn one pixel smaller all round:
      IoU > 0.1.
    - Others: IoU > 0.5.

    Args:
        statistics: of the class.
        minimum_area: in pixels; smaller objects do not decide.
    """
    counted = statistics.whole & (statistics.areas >= minimum_area)
    thin = statistics.kind == "thin"
    if statistics.areas.sum() < _FEWEST_PIXELS if thin else np.count_nonzero(counted) < _FEWEST:
        return HALF_IOU, "There are too few objects to tell what suits them."
    if _are_discs_round_points(statistics):
        diameter = float(np.median(statistics.diameters[statistics.whole]))
        spacing = statistics.spacing[np.isfinite(statistics.spacing)]
        apart = float(np.median(spacing)) if len(spacing) else 2 * diameter
        distance = float(max(_LEAST_DISTANCE, round(min(diameter, apart / 2))))
        rule = MatchRule(kind="centroid", value=distance)
        return rule, (
            f"The label has discs of {diameter:.0f} px round points, about {apart:.0f} px apart, and no outlines: a "
            f"prediction counts where its centroid is at most {distance:g} px from a point."
        )
    if thin:
        thickness = weighted_median(statistics.thickness, statistics.areas)
        rule = MatchRule(kind="tolerance", value=_TOLERANCES[thickness >= _THICK])
        return rule, (
            f"Most of the objects' pixels lie in thin, connected things about {thickness:.0f} px thick, which are not "
            f"counted one by one: pixels count that are at most {rule.value:g} px off."
        )
    kept = _kept_when_smaller(statistics.areas[counted], statistics.thickness[counted])
    if kept < _ENOUGH:
        return _LOW_IOU, (
            f"The objects are small, {np.median(statistics.thickness[counted]):.0f} px thick: an outline that is one "
            f"pixel off all round costs many of them the match at {HALF_IOU.words}."
        )
    return HALF_IOU, "The objects are large enough for their outlines to be compared."


def _are_discs_round_points(statistics: ObjectStatistics) -> bool:
    """Whether the label has points: discs of equal size, or blocks of a few pixels; no larger boxes of equal size."""
    whole = statistics.whole
    if statistics.kind != "points":
        return False
    if np.median(statistics.areas[whole]) <= _BLOCK:
        return True
    sides = statistics.sides[whole]
    round_enough = np.median(statistics.roundness[whole]) <= _ROUND
    return bool(round_enough and np.median(sides.max(1) / sides.min(1)) <= _EQUAL_SIDES)


def _kept_when_smaller(areas: NDArray[np.int64], widths: NDArray[np.float64]) -> float:
    """The share of objects that have more than half of their area left without a border of one pixel.

    They are taken for bars of the same thickness and area.
    """
    left = (widths - 2).clip(0) * (areas / widths - 2).clip(0)
    return float((2 * left > areas).mean())


def _only(scene: Scene, class_id: int) -> NDArray[np.uint8]:
    """The scene's label with this class as 1, and the other classes as background."""
    return np.where(scene.label == IGNORE, np.uint8(IGNORE), (scene.label == class_id).astype(np.uint8))
