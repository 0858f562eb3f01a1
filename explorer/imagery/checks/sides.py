"""Checks of the split: classes on one side only, the same scene or the same ground on both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.checks.finding import Case, listed
from explorer.imagery.checks.footprints import overlaps
from explorer.imagery.checks.mends import LeaveOut
from explorer.imagery.checks.regrouping import better_split
from explorer.imagery.checks.similarity import Twin, twins
from explorer.imagery.scene import Dataset, Scene


def class_missing(dataset: Dataset) -> list[Case]:
    """Classes that occur on one side of the split only, or nowhere."""
    counts = [_pixels(side, len(dataset.classes)) for side in (dataset.training, dataset.validation)]
    cases = []
    mend = None
    for class_id, name in enumerate(dataset.classes[1:], 1):
        trained, held_out = (count[class_id] for count in counts)
        if trained and held_out:
            continue
        if not trained and not held_out:
            cases.append(Case(f"No pixel is labelled {name!r}, neither in training nor in validation."))
            continue
        mend = mend or better_split(dataset)
        there = tuple(scene.name for scene in dataset.scenes if (scene.label == class_id).any())
        number = "1 scene" if len(there) == 1 else f"{len(there)} scenes"
        present, absent = ("training", "validation") if trained else ("validation", "training")
        text = f"{name!r} occurs in {present} only, in {number}: there is none in {absent}."
        if len(there) == 1:
            text += " A class that occurs in one scene cannot be on both sides: add a scene that has it."
        cases.append(Case(text, there, mend if mend and _on_both_sides(there, mend.validation) else None))
    return cases


def duplicates(dataset: Dataset) -> list[Case]:
    """Equal scenes anywhere, and nearly equal scenes on both sides of the split."""
    scenes, border = dataset.scenes, len(dataset.training)
    found = twins(scenes)
    equal = [twin for twin in found if twin.kind == "equal"]
    across = [twin for twin in found if twin.kind != "equal" and twin.first < border <= twin.second]
    cases = []
    if equal:
        pairs = [f"{scenes[twin.first].name} = {scenes[twin.second].name}" for twin in equal]
        both = sum(twin.first < border <= twin.second for twin in equal)
        text = f"{_pairs(len(equal))} of equal scenes, {both or 'none'} of them on both sides of the split: "
        cases.append(Case(f"{text}{listed(pairs, 3)}.", _names(scenes, equal), _without_copies(dataset, equal)))
    if across:
        pairs = [f"{scenes[twin.first].name} and {scenes[twin.second].name} ({twin.kind})" for twin in across]
        text = f"{_pairs(len(across))} of scenes on both sides of the split: {listed(pairs, 3)}."
        cases.append(Case(text, _names(scenes, across), better_split(dataset)))
    return cases


def ground_overlap(dataset: Dataset) -> list[Case]:
    """Pairs of a training and a validation scene whose footprints overlap."""
    scenes, border = dataset.scenes, len(dataset.training)
    found = overlaps(scenes)
    across = [overlap for overlap in found if overlap.first < border <= overlap.second]
    if not across:
        return []
    across.sort(key=lambda overlap: -overlap.share)
    pairs = [f"{scenes[o.first].name} and {scenes[o.second].name} ({100 * o.share:.3g} %)" for o in across]
    number = "1 pair overlaps" if len(across) == 1 else f"{len(across)} pairs overlap"
    names = tuple(dict.fromkeys(scenes[index].name for o in across for index in (o.first, o.second)))
    mend = better_split(dataset)
    return [Case(f"{number} on the ground: {listed(pairs, 3)} of the smaller scene.", names, mend)]


def _pixels(scenes: Sequence[Scene], classes: int) -> NDArray[np.int64]:
    total: NDArray[np.int64] = np.sum([scene.pixel_counts(classes) for scene in scenes], axis=0)
    return total


def _on_both_sides(names: Sequence[str], validation: Sequence[str]) -> bool:
    inside = set(names) & set(validation)
    return 0 < len(inside) < len(names)


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count} pairs"


def _without_copies(dataset: Dataset, equal: Sequence[Twin]) -> LeaveOut | None:
    """Keeps the last of equal scenes, which validates if any of them does, else the first; None if a side is lost."""
    for spare in ({twin.first for twin in equal}, {twin.second for twin in equal}):
        kept = [index for index in range(len(dataset.scenes)) if index not in spare]
        if kept and kept[0] < len(dataset.training) <= kept[-1]:
            return LeaveOut(tuple(dataset.scenes[index].name for index in sorted(spare)))
    return None


def _names(scenes: Sequence[Scene], pairs: Sequence[Twin]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scenes[index].name for twin in pairs for index in (twin.first, twin.second)))
