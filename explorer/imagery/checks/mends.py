"""Mends: descriptions of what can be done about a finding, and the function that does it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from explorer.errors import InputError
from explorer.imagery.scene import Dataset, Scene
from explorer.imagery.stretch import fit_stretch


@dataclass(frozen=True)
class SplitAgain:
    """Uses these scenes, and no others, for validation."""

    validation: tuple[str, ...]

    @property
    def button(self) -> str:
        """What the button says."""
        return "Split again"


@dataclass(frozen=True)
class LeaveOut:
    """Leaves these scenes out of the dataset."""

    scenes: tuple[str, ...]

    @property
    def button(self) -> str:
        """What the button says."""
        return "Leave out 1 scene" if len(self.scenes) == 1 else f"Leave out {len(self.scenes)} scenes"


@dataclass(frozen=True)
class SetMinimumArea:
    """Counts objects from this many pixels on."""

    pixels: int

    @property
    def button(self) -> str:
        """What the button says."""
        return f"Set the minimum area to {self.pixels} px"


@dataclass(frozen=True)
class StretchPerScene:
    """Stretches each scene by its own percentiles."""

    @property
    def button(self) -> str:
        """What the button says."""
        return "Stretch each scene by itself"


Mend = SplitAgain | LeaveOut | SetMinimumArea | StretchPerScene


def mended(dataset: Dataset, mend: Mend) -> Dataset:
    """The dataset with a mend carried out; the stretch is fitted again where the training side changes.

    Raises:
        InputError: the mend would leave one side without scenes.
    """
    match mend:
        case SplitAgain(validation):
            return _with_sides(
                dataset,
                tuple(scene for scene in dataset.scenes if scene.name not in validation),
                tuple(scene for scene in dataset.scenes if scene.name in validation),
            )
        case LeaveOut(scenes):
            return _with_sides(
                dataset,
                tuple(scene for scene in dataset.training if scene.name not in scenes),
                tuple(scene for scene in dataset.validation if scene.name not in scenes),
            )
        case SetMinimumArea(pixels):
            choices = dataset.choices.model_copy(update={"minimum_area": pixels})
            return replace(dataset, choices=choices, minimum_area=pixels)
        case StretchPerScene():
            return replace(dataset, choices=dataset.choices.model_copy(update={"stretch": "scene"}))
    assert_never(mend)


def _with_sides(dataset: Dataset, training: tuple[Scene, ...], validation: tuple[Scene, ...]) -> Dataset:
    for side, scenes in (("training", training), ("validation", validation)):
        if not scenes:
            raise InputError(f"no scene is left for {side}", dataset.name, "keep at least one scene on each side")
    return replace(dataset, training=training, validation=validation, stretch=fit_stretch(training))
