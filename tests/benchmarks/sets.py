"""The eleven datasets of the benchmarks, each with its fixed splits: who trains, and who scores.

Three are built in; eight are real and lie in ``../shared/data`` beside the checkout. A real set is split so that the
scoring side shows other places: whole ports, sites, towns, sequences or roads, rows of a block with one row left out,
or halves of a scene with a margin. The run of seed s uses fold s modulo the number of folds. The scenes that choose
(the threshold, the end of a phase) come from the training side, by the app's own ``hold_out``: a three-way split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from explorer.errors import InputError
from explorer.imagery.assembly import make_dataset
from explorer.imagery.builtin import builtin_dataset
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.datasets import read_dataset
from explorer.imagery.reading.upload import files_in
from explorer.imagery.scene import Dataset, Scene
from explorer.imagery.splitting import MARGIN, hold_out

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

_AS_READ, _INSTANCES = ReadingChoices(), ReadingChoices(instances=True)

Group = Callable[[str], str]
Folds = Callable[[Sequence[Scene], Group], "list[Fold]"]


@dataclass(frozen=True, eq=False)
class Fold:
    """The scenes that train (and choose), and those that score; no ground is on both sides."""

    training: tuple[Scene, ...]
    scoring: tuple[Scene, ...]


@dataclass(frozen=True, eq=False)
class BenchmarkSet:
    """One dataset: how it is read and split, and what is counted."""

    key: str
    title: str  # as tables name it
    target: str  # class that is counted
    own_rule: str  # the measure that suits its labels, see ``MatchRule``; "pixel": pixels
    classes: tuple[str, ...]
    folder: str = ""  # in DATA; empty: built in
    masks: str = "masks"  # folder of labels, or a file
    images: str = "images"
    choices: ReadingChoices = _AS_READ
    group: Group = lambda name: name  # the unit of statistics that a scene belongs to, by its name
    folds: Folds = lambda scenes, group: by_group(scenes, group, 3)
    split: str = ""  # how it is split, in words
    pretrained: bool = True  # which segmenter suits it: photographs and aerial imagery

    @property
    def target_id(self) -> int:
        """The class id that is counted."""
        return self.classes.index(self.target)

    @property
    def rules(self) -> tuple[str, ...]:
        """The measures that are counted, the set's own first. Any overlap is shown, and chooses nothing."""
        return tuple(dict.fromkeys([self.own_rule, "iou:0.5", "iou:0.1", "overlap", "pixel"]))

    @property
    def folds_count(self) -> int:
        """How many folds there are.

        Raises:
            InputError: the files are not here.
        """
        return len(_folds_of(self.key))

    def fold_of(self, seed: int) -> int:
        """Which fold the run of a seed uses."""
        return seed % self.folds_count


@dataclass(frozen=True, eq=False)
class ThreeWay:
    """A three-way split of one fold, as a dataset whose validation side chooses and never scores."""

    dataset: Dataset  # training: trains; validation: chooses thresholds and ends phases
    scoring: tuple[Scene, ...]


@cache
def three_way(chosen: BenchmarkSet, number: int) -> ThreeWay:
    """A fold, with the choosing scenes taken from its training side.

    Raises:
        InputError: the files are not here.
    """
    fold = _folds_of(chosen.key)[number]
    held = hold_out(fold.training, len(chosen.classes))
    names = {scene.name for scene in held.validation}
    return ThreeWay(_dataset(chosen, held.training + held.validation, names), fold.scoring)


@cache
def as_app(chosen: BenchmarkSet, number: int) -> Dataset:
    """A fold as the app gets it: the scoring scenes validate, and the app holds out what it needs.

    Raises:
        InputError: the files are not here.
    """
    fold = _folds_of(chosen.key)[number]
    return _dataset(chosen, fold.training + fold.scoring, {scene.name for scene in fold.scoring})


def _dataset(chosen: BenchmarkSet, scenes: Sequence[Scene], validation: set[str]) -> Dataset:
    return make_dataset(chosen.title, scenes, chosen.classes, validation, choices=chosen.choices)


def missing(chosen: BenchmarkSet) -> str | None:
    """Why a set cannot be used here; None if it can."""
    if chosen.folder and not (DATA / chosen.folder).is_dir():
        return f"{chosen.key} is left out: ../shared/data/{chosen.folder} is not beside the checkout"
    return None


def available(keys: Sequence[str] | None = None) -> tuple[BenchmarkSet, ...]:
    """The sets of these keys that are here; says which are not.

    Raises:
        InputError: a key names no set.
    """
    unknown = [key for key in keys or () if key not in SETS]
    if unknown:
        raise InputError(f"there is no set {unknown[0]!r}", "--sets", f"choose from {', '.join(SETS)}")
    found = []
    for key in keys or SETS:
        reason = missing(SETS[key])
        if reason is None:
            found.append(SETS[key])
        else:
            print(reason, flush=True)
    return tuple(found)


def by_group(scenes: Sequence[Scene], group: Group, count: int) -> list[Fold]:
    """Folds in which whole groups score: fold k scores each count-th group, from the k-th on, in order of names."""
    groups = sorted({group(scene.name) for scene in scenes})
    folds = []
    for number in range(count):
        scoring = set(groups[number::count])
        folds.append(
            Fold(
                tuple(scene for scene in scenes if group(scene.name) not in scoring),
                tuple(scene for scene in scenes if group(scene.name) in scoring),
            )
        )
    return folds


def _rows_of_block(scenes: Sequence[Scene], _: Group) -> list[Fold]:
    """Tiles in rows, named ``…_yROW``: the first three rows score, or the last three, and the row between is unused."""
    rows = sorted({_row(scene.name) for scene in scenes})

    def of(chosen: Sequence[str]) -> tuple[Scene, ...]:
        return tuple(scene for scene in scenes if _row(scene.name) in chosen)

    return [Fold(of(rows[4:]), of(rows[:3])), Fold(of(rows[:-4]), of(rows[-3:]))]


def _row(name: str) -> str:
    return name.rpartition("_")[2]


def _halves(scenes: Sequence[Scene], _: Group) -> list[Fold]:
    """One scene: its left half trains and its right half scores, in three blocks, and the other way round."""
    scene = scenes[0]
    height, width = scene.size
    middle, third = width // 2, height // 3

    def blocks(start: int, stop: int) -> tuple[Scene, ...]:
        parts = [(0, third), (third, 2 * third), (2 * third, height)]
        return tuple(_piece(scene, slice(*part), slice(start, stop)) for part in parts)

    left, right = (0, middle - MARGIN // 2), (middle + MARGIN // 2, width)
    return [
        Fold((_piece(scene, slice(0, height), slice(*train)),), blocks(*score))
        for train, score in ((left, right), (right, left))
    ]


def _piece(scene: Scene, rows: slice, columns: slice) -> Scene:
    return replace(
        scene,
        name=f"{scene.name} rows {rows.start} to {rows.stop}, columns {columns.start} to {columns.stop}",
        image=scene.image[:, rows, columns],
        label=scene.label[rows, columns],
        objects=None if scene.objects is None else scene.objects[rows, columns],
        georeference=None,
    )


def _site(name: str) -> str:
    """Planes: ``siteX_…``; c and e are two dates of one airport."""
    letter = name.removeprefix("site")[0]
    return "c" if letter == "e" else letter


def _town(name: str) -> str:
    """Trees: ``TOWN_YEAR_NUMBER``."""
    return name.rsplit("_", 2)[0]


def _sequence(name: str) -> str:
    """Cars: ``SEQUENCE_FRAME``."""
    return name.partition("_")[0]


def _road(name: str) -> str:
    """Road damage: ``STATE_ROAD_…``."""
    return "_".join(name.split("_")[:2])


@cache
def _folds_of(key: str) -> list[Fold]:
    chosen = SETS[key]
    if not chosen.folder:  # generated: other scenes of the same kind score
        training = builtin_dataset(key, seed=0).scenes
        scoring = [replace(scene, name=f"{scene.name} of seed 1") for scene in builtin_dataset(key, seed=1).scenes]
        return [Fold(training, tuple(scoring))]
    reason = missing(chosen)
    if reason:
        raise InputError(reason, key, "put the real sets there, or choose others")
    folder = DATA / chosen.folder
    reading = read_dataset(
        files_in(folder / chosen.images),
        files_in(folder / chosen.masks),
        name=chosen.title,
        choices=chosen.choices,
        classes=chosen.classes,
    )
    scenes = sorted(reading.required().scenes, key=lambda scene: scene.name)
    if len({report.row.name for report in reading.reports}) == 1:  # it was cut by the app: read it whole
        scenes = [report.scene for report in reading.reports if report.scene is not None]
    return chosen.folds(scenes, chosen.group)


SETS: Mapping[str, BenchmarkSet] = {
    each.key: each
    for each in (
        BenchmarkSet(
            "car_park",
            "Car park",
            "car",
            "iou:0.5",
            ("background", "car"),
            split="8 scenes, 8 scenes of another seed",
            pretrained=False,
        ),
        BenchmarkSet(
            "harbour",
            "Harbour",
            "ship",
            "iou:0.5",
            ("background", "ship"),
            split="8 scenes, 8 scenes of another seed",
            pretrained=False,
        ),
        BenchmarkSet(
            "town",
            "Town",
            "car",
            "iou:0.5",
            ("background", "building", "road", "tree", "car"),
            split="8 scenes, 8 scenes of another seed",
            pretrained=False,
        ),
        BenchmarkSet(
            "ships",
            "Ships, Sentinel-2",
            "ship",
            "iou:0.1",
            ("background", "ship"),
            folder="ships",
            folds=lambda scenes, group: by_group(scenes, group, 4),
            split="3 ports, 1 port; 4 folds",
        ),
        BenchmarkSet(
            "nuclei",
            "Nuclei",
            "nucleus",
            "iou:0.5",
            ("background", "nucleus"),
            folder="nuclei",
            masks="instances",
            choices=_INSTANCES,
            split="every third picture scores; 3 folds",
        ),
        BenchmarkSet(
            "trees",
            "Trees",
            "tree",
            "centroid:8",
            ("background", "tree"),
            folder="trees",
            group=_town,
            split="every third town scores; 3 folds",
        ),
        BenchmarkSet(
            "buildings",
            "Buildings, Atlanta",
            "building",
            "iou:0.5",
            ("background", "building"),
            folder="buildings",
            images="image.tif",
            masks="buildings.geojson",
            folds=_halves,
            split="one half of the scene, the other half with a margin; 2 folds",
        ),
        BenchmarkSet(
            "planes",
            "Planes",
            "aircraft",
            "iou:0.5",
            ("background", "aircraft"),
            folder="planes",
            masks="instances",
            choices=_INSTANCES,
            group=_site,
            split="every third airport scores; 3 folds",
        ),
        BenchmarkSet(
            "cars",
            "Cars",
            "vehicle",
            "iou:0.5",
            ("background", "vehicle"),
            folder="cars",
            masks="instances",
            choices=_INSTANCES,
            group=_sequence,
            split="2 sequences, 1 sequence; 3 folds",
        ),
        BenchmarkSet(
            "road_damage",
            "Road damage: potholes",
            "pothole",
            "iou:0.1",
            ("other", "lane", "crack", "pothole"),
            folder="road_damage",
            group=_road,
            split="every third road scores; 3 folds",
        ),
        BenchmarkSet(
            "buildings_banepa",
            "Buildings, Banepa",
            "building",
            "pixel",
            ("background", "building"),
            folder="buildings_banepa",
            masks="instances",
            choices=_INSTANCES,
            folds=_rows_of_block,
            split="4 rows of the block, 3 rows, one row between them unused; 2 folds",
        ),
    )
}
"""The sets by key."""
