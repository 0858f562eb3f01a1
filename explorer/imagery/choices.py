"""What a visitor may choose about how imagery is read, on the page and on the command line.

The choices are stored with the dataset and in the run's ``dataset.json``, so that a run can be repeated.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from explorer.imagery.match_rule import MatchRule

NODATA = "nodata"
"""Stands for a mask's nodata pixels where a value is expected."""

Polygon = tuple[tuple[float, float], ...]
"""Corners (x, y) in pixels: x to the right, y down, (0, 0) is the upper left corner of the first pixel."""


class ReadingChoices(BaseModel):
    """How masks and images are to be understood. Everything is optional: the readers decide what is not chosen.

    Values of masks are given as text: ``"2"`` (a value), ``"#ff8000"`` (a colour), ``"ship"`` (a name in a vector or
    annotation file) or ``"nodata"``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    background: str | None = Field(None, description="the value that is the background")
    ignore: tuple[str, ...] = Field((), description="values that no loss and no score counts")
    names: dict[str, str] = Field({}, description="class of a value; values with one name are merged")
    colours: dict[str, str] = Field({}, description='colour of a class on screen, "#rrggbb"')
    swap: bool = Field(False, description="exchange object and background")
    instances: bool = Field(False, description="each value of a mask is one object of the same class")
    smoothed: Literal["half"] | None = Field(None, description="half: from half of the largest value on, it is object")
    class_property: str | None = Field(None, description="property of vector features that holds the class")
    turn_masks: bool = Field(False, description="turn masks as the Exif data of their photos says")
    keep_fill: bool = Field(False, description="use pixels with a suspected fill value as they are")
    stretch: Literal["dataset", "scene"] = Field("dataset", description="scene: each scene by its own percentiles")
    minimum_area: int | None = Field(None, ge=1, description="pixels; smaller objects count as neither hit nor miss")
    match_rule: MatchRule | None = Field(None, description="when a predicted object counts as one of the label")
    leave_out: tuple[str, ...] = Field((), description="names of scenes that are not used")
    pairs: dict[str, str] = Field({}, description="label file of an image, where names do not tell")
    areas: dict[str, tuple[Polygon, ...]] = Field({}, description="areas of interest of a scene; outside is ignored")

    def for_files(self) -> ReadingChoices:
        """The choices that readers of files get; after a change of another one, files need not be read again."""
        names = ("class_property", "turn_masks", "keep_fill", "pairs")
        return ReadingChoices(**{name: getattr(self, name) for name in names})

    def for_other_files(self) -> ReadingChoices:
        """The choices without those that name files or scenes."""
        return self.model_copy(update={"pairs": {}, "areas": {}, "leave_out": ()})

    def as_options(self) -> tuple[str, ...]:
        """The same choices as options of the command line."""
        options: list[str] = []
        for name, value in (("background", self.background), ("smoothed", self.smoothed),
                            ("class-property", self.class_property), ("min-area", self.minimum_area),
                            ("match", self.match_rule)):  # fmt: skip
            if value is not None:
                options += [f"--{name}", str(value)]
        for name, values in (("ignore", self.ignore), ("leave-out", self.leave_out)):
            if values:
                options += [f"--{name}", listed(values)]
        for name, pairs in (("names", self.names), ("colours", self.colours)):
            if pairs:
                options += [f"--{name}", listed(f"{left}={right}" for left, right in pairs.items())]
        for name in ("swap", "instances", "turn_masks", "keep_fill"):
            if getattr(self, name):
                options.append(f"--{name.replace('_', '-')}")
        if self.stretch != "dataset":
            options += ["--stretch", self.stretch]
        for image, mask in self.pairs.items():
            options += ["--pair", f"{image}={mask}"]
        for scene, areas in self.areas.items():
            for area in areas:
                options += ["--area", f"{scene}=" + ",".join(f"{value:g}" for corner in area for value in corner)]
        return tuple(options)


def listed(values: Iterable[str]) -> str:
    """Values with commas between them, as options of the command line take them; one with a comma is quoted, as in CSV.

    >>> listed(["a", "b, c"])
    'a,"b, c"'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
