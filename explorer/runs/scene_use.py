"""What a run has used a scene for: scores on scenes that trained, or that chose its threshold, are no result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from explorer.imagery.scene import Scene
from explorer.imagery.scene_marks import known_again
from explorer.runs.folder import DatasetReference

SceneUse = Literal["training", "threshold", "validation", "new"]
"""It trained, at least in part; it chose the thresholds; it validated; the run does not know it."""

USED: frozenset[SceneUse] = frozenset({"training", "threshold"})
"""Uses after which scores are too good."""


def uses_of_scenes(
    reference: DatasetReference, threshold_scenes: Sequence[str], scenes: Iterable[Scene]
) -> dict[str, SceneUse] | None:
    """What each scene was used for, by its name; None: the run is of a version that did not remember its scenes.

    Scenes are known again by their pixels (:mod:`explorer.imagery.scene_marks`), whatever their names are.

    Args:
        reference: what the run remembers of its dataset.
        threshold_scenes: names of those on which its thresholds were chosen. A block of a scene has another name: the
            scene it was cut from trained.
        scenes: that are asked about.
    """
    marks = reference.training + reference.validation
    if not marks:
        return None
    trained = len(reference.training)
    of_marks: list[SceneUse] = [
        "validation" if position >= trained else "threshold" if mark.name in threshold_scenes else "training"
        for position, mark in enumerate(marks)
    ]
    found = {scene.name: {of_marks[position] for position in known_again(scene, marks)} for scene in scenes}
    order: tuple[SceneUse, ...] = ("training", "threshold", "validation")
    return {name: next((use for use in order if use in uses), "new") for name, uses in found.items()}
