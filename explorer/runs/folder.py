"""The folder of a run: everything that is needed to look at it, to go on with it and to repeat it.

====================  =======================================================  ==========
file                  what                                                     written by
====================  =======================================================  ==========
``plan.json``         the plan                                                 who makes the run
``request.json``      what was asked for, and why the plan is as it is         who makes the run
``dataset.json``      what the run needs to know of its dataset                who makes the run
``events.jsonl``      one line per event, appended                             the job
``metrics.csv``       the same as a table of steps and validations, appended   the job
``checkpoints/``      ``*.safetensors``                                        the job
``previews/``         ``*.png``, predicted class ids                           the job
``summary.json``      how the run ended                                        the job
``threshold.json``    the thresholds of its classes, once it has ended         the job
``thresholds/``       likewise of other checkpoints                            who asks
``commands/``         commands to the job, one file each, removed once done    the server
``predictions/``      probabilities of images, see ``runs.prediction``        the job
``jobs/``             whether a job that was queued has begun                  server, job
``lock``              held by the one job that works here                      the job
``locks/``            held while a slice is measured into a file elsewhere     the command
====================  =======================================================  ==========

Files appear whole (written under a temporary name, then renamed) or grow by whole lines, so that a kill at any moment
leaves all of them readable: at worst the last line of a growing file is incomplete, which readers skip and the next
job cuts off.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError
from explorer.files import locked, write_atomically
from explorer.imagery.archive import content_hash
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.objects import MINIMUM_AREA
from explorer.imagery.scene import Dataset, Scene, Stretch
from explorer.imagery.scene_marks import SceneMark
from explorer.runs.requests import PlannedRun
from explorer.training.commands import Command, command_from_json, command_to_json
from explorer.training.events import Event, Note, from_json
from explorer.training.plan import Plan

_SOME_SCENES = 32  # whose pixels are measured on the ground: enough for a median


class DatasetReference(BaseModel):
    """What a run remembers of its dataset: enough to predict with it, and to know it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str  # hash of the dataset's content
    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    low: tuple[float, ...]  # one a band, see Stretch
    high: tuple[float, ...]
    minimum_area: int = MINIMUM_AREA  # pixels; what runs of earlier versions do not say
    match_rule: MatchRule = HALF_IOU  # that of runs of earlier versions, too
    choices: ReadingChoices = ReadingChoices()  # how the dataset's files were read
    training: tuple[SceneMark, ...] = ()  # its scenes; none in runs of earlier versions
    validation: tuple[SceneMark, ...] = ()
    pixel_side: float | None = None  # metres on the ground, median of the training scenes; None: not known

    @classmethod
    def to(cls, dataset: Dataset) -> Self:
        """The reference to a dataset."""
        return cls(
            id=content_hash(dataset),
            name=dataset.name,
            classes=dataset.classes,
            bands=dataset.bands,
            low=dataset.stretch.low,
            high=dataset.stretch.high,
            minimum_area=dataset.minimum_area,
            match_rule=dataset.match_rule,
            choices=dataset.choices,
            training=tuple(SceneMark.of(scene) for scene in dataset.training),
            validation=tuple(SceneMark.of(scene) for scene in dataset.validation),
            pixel_side=_median_side(dataset.training),
        )

    @property
    def stretch(self) -> Stretch:
        """The stretch that the segmenter was trained with."""
        return Stretch(self.low, self.high)


def _median_side(scenes: Sequence[Scene]) -> float | None:
    from explorer.imagery.ground import pixel_side  # here: the first page needs nothing of it

    some = scenes[:: -(-len(scenes) // _SOME_SCENES)]
    sides = [pixel_side(scene.georeference, scene.size) for scene in some]
    known = [side for side in sides if side is not None]
    return statistics.median(known) if known else None


@dataclass(frozen=True)
class RunFolder:
    """One run's folder. Any number may read; one job, which holds the lock, writes."""

    path: Path

    @classmethod
    def create(cls, path: Path, plan: Plan, dataset: DatasetReference, planned: PlannedRun | None = None) -> Self:
        """A new run's folder.

        Args:
            path: of the folder.
            plan: of the run.
            dataset: that it trains on.
            planned: what was asked for, and why the plan is as it is; None: not known.

        Raises:
            InputError: there is a run already, or the folder cannot be made.
        """
        folder = cls(path)
        if folder.plan_file.exists():
            raise InputError("there is a run in this folder already", str(path), "choose another folder")
        try:
            path.mkdir(parents=True, exist_ok=True)
            write_atomically(path / "dataset.json", dataset.model_dump_json(indent=1).encode())
            if planned is not None:
                write_atomically(path / "request.json", planned.model_dump_json(indent=1).encode())
            write_atomically(folder.plan_file, plan.model_dump_json(indent=1).encode())
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", str(path), "choose another folder") from None
        return folder

    @property
    def plan_file(self) -> Path:
        """Written last: a folder with a plan is a run."""
        return self.path / "plan.json"

    @property
    def events_file(self) -> Path:
        """One line of JSON an event."""
        return self.path / "events.jsonl"

    @property
    def metrics_file(self) -> Path:
        """One row per step and one row per validation."""
        return self.path / "metrics.csv"

    @property
    def summary_file(self) -> Path:
        """How the run ended."""
        return self.path / "summary.json"

    @property
    def threshold_file(self) -> Path:
        """The thresholds of the last checkpoint, see :mod:`explorer.runs.class_thresholds`."""
        return self.path / "threshold.json"

    def thresholds_file(self, checkpoint: str) -> Path:
        """Likewise of another checkpoint."""
        return self.path / "thresholds" / f"{Path(checkpoint).stem}.json"

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints."""
        return self.path / "checkpoints"

    def checkpoint_files(self) -> list[Path]:
        """All checkpoints, oldest first; empty if there is none yet."""
        return sorted(self.checkpoints.glob("step_*.safetensors"))

    @property
    def previews(self) -> Path:
        """Folder of predicted class ids on a validation crop."""
        return self.path / "previews"

    def plan(self) -> Plan:
        """The run's plan.

        Raises:
            InputError: there is no run here.
        """
        if not self.plan_file.is_file():
            raise InputError("there is no run in this folder", str(self.path), "give a folder that train wrote")
        return Plan.read(self.plan_file)

    def planned(self) -> PlannedRun | None:
        """What was asked for; None where it is not known, as for runs of earlier versions."""
        try:
            return PlannedRun.model_validate_json((self.path / "request.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def dataset(self) -> DatasetReference:
        """What the run remembers of its dataset.

        Raises:
            InputError: there is no run here.
        """
        file = self.path / "dataset.json"
        try:
            return DatasetReference.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            raise InputError(
                "there is no run in this folder", str(self.path), "give a folder that train wrote"
            ) from None

    def events(self) -> list[Event]:
        """All events in the order in which they were written, superseded ones among them (see ``timeline``)."""
        if not self.events_file.exists():
            return []
        complete, _, _ = self.events_file.read_bytes().rpartition(b"\n")
        return parse_lines(complete)

    def send(self, command: Command) -> None:
        """Leaves a command for the job."""
        (self.path / "commands").mkdir(exist_ok=True)
        write_atomically(self.path / "commands" / f"{time.time_ns():020}.json", command_to_json(command).encode())

    def pending(self) -> dict[str, Command]:
        """Commands that no job has carried out yet, by their file's name, oldest first."""
        try:
            names = sorted(name for name in os.listdir(self.path / "commands") if not name.startswith("."))
        except FileNotFoundError:
            return {}
        return {name: command_from_json((self.path / "commands" / name).read_bytes()) for name in names}

    def forget(self, *names: str) -> None:
        """Removes commands: they have been carried out."""
        for name in names:
            (self.path / "commands" / name).unlink(missing_ok=True)

    def locked(self, wait: float = 0.0) -> AbstractContextManager[None]:
        """Holds the folder's lock, see :func:`explorer.files.locked`.

        Args:
            wait: seconds to wait for another job to leave.

        Raises:
            InputError: another job works here.
        """
        return locked(self.path / "lock", wait, "another job works on this run")


def parse_lines(lines: bytes) -> list[Event]:
    """The events of whole lines. A line that cannot be read (a disk's fault) becomes a note in its place."""
    parsed: list[Event] = []
    for line in lines.splitlines():
        try:
            parsed.append(from_json(line))
        except ValidationError:
            parsed.append(Note(parsed[-1].step if parsed else 0, "One line of the history cannot be read."))
    return parsed
