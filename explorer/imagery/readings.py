"""What came of reading files: each pair as read, each scene with its report, and the dataset or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.notes import Note
from explorer.imagery.reading.label_files import Files
from explorer.imagery.reading.masks import Mask
from explorer.imagery.reading.pairing import Pair
from explorer.imagery.reading.roles import Palette
from explorer.imagery.reading.upload import Skipped
from explorer.imagery.reading.values import FoundValue
from explorer.imagery.scene import Dataset, Raster, Scene


@dataclass(frozen=True, eq=False)
class ReadRow:
    """A pair of files as read, or the reason why it is not used."""

    pair: Pair
    name: str  # of the scene; of the file, where there is no pair
    raster: Raster | None = None
    mask: Mask | None = None  # on the image's grid
    reason: str = ""
    notes: tuple[Note, ...] = ()

    @property
    def decoded_bytes(self) -> int:
        """What its arrays take."""
        arrays = [self.raster.image, self.raster.valid] if self.raster is not None else []
        if self.mask is not None:
            arrays += [self.mask.index, self.mask.ignored]
            arrays += [more for more in (self.mask.nodata, self.mask.objects) if more is not None]
        return sum(array.nbytes for array in arrays)


@dataclass(frozen=True, eq=False)
class ReadFiles:
    """Everything that was read from files, before it is decided what the values of the masks mean."""

    rows: tuple[ReadRow, ...]
    skipped: tuple[Skipped, ...] = ()  # files that were neither paired nor read
    palette: Palette | None = None  # from a labelmap.txt among the files
    validation: frozenset[str] = frozenset()  # names of the scenes in a folder for validation
    notes: tuple[Note, ...] = ()
    unpaired: Files = field(default_factory=dict)  # files of the rows that are not used


@dataclass(frozen=True, eq=False)
class SceneReport:
    """What became of one row."""

    row: ReadRow
    scene: Scene | None = None
    reason: str = ""  # why there is no scene

    @property
    def notes(self) -> tuple[Note, ...]:
        """Notes on the scene, or on the files that did not become one."""
        return self.scene.notes if self.scene is not None else self.row.notes


@dataclass(frozen=True, eq=False)
class Reading:
    """The result of reading files: a dataset, or the reason why there is none, and a report on every row."""

    reports: tuple[SceneReport, ...]
    dataset: Dataset | None
    problem: InputError | None = None  # why there is no dataset
    classes: tuple[str, ...] = ()  # background first; empty if they could not be decided
    values: tuple[FoundValue, ...] = ()  # of the masks
    notes: tuple[Note, ...] = ()  # on the set
    skipped: tuple[Skipped, ...] = ()
    choices: ReadingChoices = field(default_factory=ReadingChoices)

    def required(self) -> Dataset:
        """The dataset.

        Raises:
            InputError: there is none.
        """
        if self.dataset is None:
            raise self.problem or InputError("no scenes", "dataset", "give at least one image and its mask")
        return self.dataset
