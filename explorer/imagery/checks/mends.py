"""Mends: what can be done about a finding; the page Imagery does it through the widgets that a visitor has as well."""

from __future__ import annotations

from dataclasses import dataclass


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
