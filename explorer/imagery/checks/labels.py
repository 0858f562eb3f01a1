"""Checks of labels: objects below the minimum area, few objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.checks.finding import Case
from explorer.imagery.checks.mends import SetMinimumArea
from explorer.imagery.objects import object_areas
from explorer.imagery.scene import Dataset, Scene

MOST_BELOW = 0.05
"""Share of the objects of a class that may be below the minimum area."""

_SPECK, _SPECK_SHARE = 3, 0.01
"""Objects of so few pixels that make up less than this share of their class are fragments of larger ones."""

FEWEST_TRAINING, FEWEST_VALIDATION = 20, 10
"""Objects of a class on each side, from which on it is not called rare in this dataset."""


def below_minimum_area(dataset: Dataset) -> list[Case]:
    """Classes of which more than ``MOST_BELOW`` of the objects are smaller than the minimum area, specks left out."""
    areas = object_areas(dataset.scenes, len(dataset.classes))
    minimum = dataset.minimum_area
    concerned = [index for index, own in enumerate(areas) if _many_below(own, minimum)]
    if not concerned:
        return []
    lowest = min(_minimum_for(areas[index]) for index in concerned)
    parts = [
        f"{np.count_nonzero(areas[index] < minimum)} of {areas[index].size} objects of {dataset.classes[index + 1]!r}"
        for index in concerned
    ]
    text = f"{', '.join(parts)} have fewer than {minimum} pixels, the minimum area."
    scenes = tuple(
        scene.name
        for scene in dataset.scenes
        if any((_areas([scene], index + 1) < minimum).any() for index in concerned)
    )
    return [Case(text, scenes, SetMinimumArea(lowest))]


def few_objects(dataset: Dataset) -> list[Case]:
    """Classes with fewer objects on a side than ``FEWEST_TRAINING`` or ``FEWEST_VALIDATION``; none is another check."""
    cases = []
    for class_id, name in enumerate(dataset.classes[1:], 1):
        trained, held_out = (
            int(np.count_nonzero(_areas(side, class_id) >= dataset.minimum_area))
            for side in (dataset.training, dataset.validation)
        )
        sentences = []
        if 0 < held_out < FEWEST_VALIDATION:
            sentences.append(
                f"{name!r} has {_number(held_out)} in validation: each is {100 / held_out:.3g} points of recall."
            )
        if 0 < trained < FEWEST_TRAINING:
            sentences.append(f"{name!r} has {_number(trained)} in training.")
        if sentences:
            there = tuple(scene.name for scene in dataset.scenes if (scene.label == class_id).any())
            cases.append(Case(" ".join(sentences), there))
    return cases


def _areas(scenes: Sequence[Scene], class_id: int) -> NDArray[np.int64]:
    return object_areas(scenes, class_id + 1)[class_id - 1]


def _many_below(areas: NDArray[np.int64], minimum: int) -> bool:
    below = areas[areas < minimum]
    if below.size <= MOST_BELOW * areas.size:
        return False
    return bool(below.sum() >= _SPECK_SHARE * areas.sum() or np.median(below) > _SPECK)


def _minimum_for(areas: NDArray[np.int64]) -> int:
    """The largest minimum area that leaves at most ``MOST_BELOW`` of the objects below it."""
    return int(np.sort(areas)[int(MOST_BELOW * areas.size)])


def _number(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"
