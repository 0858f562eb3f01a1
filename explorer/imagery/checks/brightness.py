"""Check of brightness: scenes whose medians differ too much for one stretch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.checks.finding import Case, listed
from explorer.imagery.checks.mends import StretchPerScene
from explorer.imagery.scene import IGNORE, Dataset, Scene

MOST_RATIO = 3.0
_SAMPLES = 100_000  # pixels of a scene: enough for a median
_FLOOR = 0.01  # of the brightest median: a darker one is black, and its ratio to others means nothing more


def brightness_differs(dataset: Dataset) -> list[Case]:
    """Scenes whose median differs more than threefold from another's, where all share one stretch.

    Values that can be negative (decibels, heights) have no ratio and are not judged.
    """
    scenes = dataset.scenes
    blocks_of_one = any(note.code == "single_scene" for note in dataset.notes)
    if dataset.choices.stretch == "scene" or len(scenes) < 2 or blocks_of_one:
        return []
    medians = np.array([_median(scene) for scene in scenes])
    if not np.isfinite(medians).all() or medians.min() < 0 or medians.max() <= 0:
        return []
    floored = np.maximum(medians, _FLOOR * medians.max())
    ratio = floored.max() / floored.min()
    if ratio <= MOST_RATIO:
        return []
    middle = float(np.median(floored))
    odd = [
        scene.name
        for scene, value in zip(scenes, floored, strict=True)
        if max(value / middle, middle / value) > np.sqrt(MOST_RATIO)
    ]
    dark, bright = int(medians.argmin()), int(medians.argmax())
    times = f"more than {1 / _FLOOR:.0f}" if medians[dark] < floored[dark] else _rounded(ratio)
    text = (
        f"The median is {medians[dark]:.4g} in {scenes[dark].name} and {medians[bright]:.4g} in "
        f"{scenes[bright].name}, {times} times as much. Far from the rest: {listed(odd)}."
    )
    return [Case(text, tuple(odd), StretchPerScene())]


def _rounded(ratio: float) -> str:
    return f"{ratio:.{0 if ratio >= 10 else 1}f}"


def _median(scene: Scene) -> float:
    """Of the mean of the bands, over the pixels that count."""
    step = max(1, round((scene.label.size / _SAMPLES) ** 0.5))
    counted = scene.label[::step, ::step] != IGNORE
    if not counted.any():
        counted = np.ones_like(counted)
    values: NDArray[np.float64] = scene.image[:, ::step, ::step][:, counted].astype(np.float64).mean(axis=0)
    return float(np.median(values))
