"""What a report knows of a run: the files of its folder, and the imagery where that is at hand. No torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import Dataset
from explorer.imagery.splitting import are_blocks
from explorer.landscape.slice import Array, Slice
from explorer.metrics.splitting_predictions import ObjectCut
from explorer.metrics.threshold_choice import HALF, ChosenThreshold
from explorer.runs.class_thresholds import OwnThresholds, read_own_thresholds
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.history import History, history
from explorer.runs.requests import PlannedRun
from explorer.runs.sweep_words import cut_of
from explorer.runs.threshold_sweep import ThresholdSweep, sweep_file
from explorer.runs.timeline import replayed, timeline
from explorer.training.events import Ended, Event, Started
from explorer.training.fingerprint import Fingerprint
from explorer.training.plan import Plan

MOST_GRID = 81  # points of a landscape along each side; larger ones are thinned out evenly


@dataclass(frozen=True, eq=False)
class Imagery:
    """The dataset that runs trained on."""

    dataset: Dataset
    fingerprint: Fingerprint | None = None  # of its training scenes; None: not measured


@dataclass(frozen=True, eq=False)
class RunSource:
    """One run as a report sees it."""

    label: str  # unique among the runs of the report
    folder: RunFolder
    plan: Plan
    reference: DatasetReference
    planned: PlannedRun | None  # None: what was asked for is not known
    events: tuple[Event, ...]
    summary: Mapping[str, Any] | None  # see ``explorer.runs.summary``; None: the run has not ended
    own: OwnThresholds | None
    checkpoint: Path | None  # the last one, which the scores are those of
    sweep: ThresholdSweep | None = None  # of that checkpoint, under the dataset's match rule
    imagery: Imagery | None = None
    slice: Slice | None = None  # the landscape that is shown
    without_imagery: str = ""  # why there is no imagery
    without_sweep: str = ""  # why there is no sweep
    main_class: int = 1  # the class that is shown first

    @cached_property
    def history(self) -> History:
        """What the run has done."""
        return history(self.events, self.plan)

    @cached_property
    def repeatable(self) -> Plan:
        """The plan with all changes that were made while it trained."""
        return replayed(self.plan, self.events)

    @property
    def ended(self) -> Ended | None:
        """How it ended; None: it has not."""
        return next((each for each in reversed(timeline(self.events)) if isinstance(each, Ended)), None)

    @property
    def started(self) -> Started | None:
        """How its training began at last; None: it has not."""
        return next((each for each in reversed(timeline(self.events)) if isinstance(each, Started)), None)

    @property
    def threshold_scenes(self) -> tuple[str, ...]:
        """Names of the scenes or blocks that neither trained nor score."""
        if self.own is not None:
            return self.own.scenes
        return self.started.threshold_scenes if self.started is not None else ()

    @cached_property
    def checkpoint_hash(self) -> str | None:
        """SHA-256 of the last checkpoint's file; None: there is none."""
        if self.checkpoint is None:
            return None
        with self.checkpoint.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def split_into_blocks(self) -> bool:
        """Whether one scene was cut into blocks that train and one that validates."""
        reference = self.reference
        return are_blocks([mark.name for mark in reference.training], [mark.name for mark in reference.validation])

    def cut(self, class_id: int) -> ObjectCut:
        """How the sweep cuts out the objects of a class: as the run chose for it."""
        chosen = self.chosen(class_id)
        split = chosen is not None and chosen.split and self.reference.match_rule.counts_objects
        return cut_of(self.own, class_id, split)

    def chosen(self, class_id: int) -> ChosenThreshold | None:
        """What was chosen for a class of id 1 or more; None: the run held no scenes out."""
        return self.own.classes[class_id - 1] if self.own is not None and self.own.classes else None

    def threshold(self, class_id: int) -> float:
        """The own threshold of a class, or ½."""
        chosen = self.chosen(class_id)
        return HALF if chosen is None else chosen.threshold


def _rarest_class(sweep: ThresholdSweep | None) -> int:
    """The rarest class that the validation labels hold, by pixels; 1 if not known."""
    if sweep is None:
        return 1
    there = [int((each.pixel.true_positives + each.pixel.false_negatives)[0]) for each in sweep.classes]
    found = [position for position, pixels in enumerate(there) if pixels]
    return min(found, key=there.__getitem__) + 1 if found else 1


def with_shared_class(runs: Sequence[RunSource]) -> list[RunSource]:
    """The runs, those on one dataset with the same class first, whether or not each of them has a sweep."""
    first = {run.reference.id: run.main_class for run in reversed(runs) if run.sweep is not None}
    return [replace(run, main_class=first.get(run.reference.id, run.main_class)) for run in runs]


def read_run(
    folder: RunFolder,
    label: str,
    sweep: ThresholdSweep | None = None,
    imagery: Imagery | None = None,
    slice_: Slice | None = None,
    without_imagery: str = "",
    without_sweep: str = "",
) -> RunSource:
    """Reads the files of a run's folder.

    Args:
        folder: of the run.
        label: as it is called in the report; unique there.
        sweep: of :func:`cut_as_chosen`.
        imagery: the dataset that it trained on.
        slice_: of its landscape.
        without_imagery: why no imagery is given.
        without_sweep: why no sweep is given.

    Raises:
        InputError: there is no run here.
    """
    files = folder.checkpoint_files()
    return RunSource(
        label,
        folder,
        folder.plan(),
        folder.dataset(),
        folder.planned(),
        tuple(folder.events()),
        _summary(folder),
        _own_thresholds(folder, files[-1].name) if files else None,
        files[-1] if files else None,
        sweep,
        imagery,
        slice_,
        without_imagery,
        without_sweep,
        _rarest_class(sweep),
    )


@dataclass(frozen=True)
class SweepChoice:
    """A sweep that a report needs: of the last checkpoint, under the dataset's match rule."""

    checkpoint: str
    rule: MatchRule
    split: bool  # separate neighbours

    def file(self, folder: RunFolder) -> Path:
        """Where the sweep is kept."""
        return sweep_file(folder, self.checkpoint, self.rule, self.split)


def usual_sweeps(folder: RunFolder) -> tuple[SweepChoice, ...]:
    """The sweeps that a report of this run needs; none before its first checkpoint.

    A sweep separates neighbours of all classes or of none: there are two where the run chose both ways.
    """
    files = folder.checkpoint_files()
    if not files:
        return ()
    checkpoint, rule = files[-1].name, folder.dataset().match_rule
    own = _own_thresholds(folder, checkpoint)
    splits = {chosen.split and rule.counts_objects for chosen in own.classes} if own is not None else set()
    return tuple(SweepChoice(checkpoint, rule, split) for split in sorted(splits or {False}))


def cut_as_chosen(folder: RunFolder, sweeps: Mapping[SweepChoice, ThresholdSweep]) -> ThresholdSweep:
    """One sweep in which the objects of each class are cut out as the run chose for it.

    Args:
        folder: of the run.
        sweeps: those of :func:`usual_sweeps`.
    """
    first = next(iter(sweeps))
    own = _own_thresholds(folder, first.checkpoint)
    if len(sweeps) == 1 or own is None:
        return sweeps[first]
    of_class = [sweeps[replace(first, split=chosen.split)] for chosen in own.classes]
    return replace(
        sweeps[first],
        classes=tuple(sweep.classes[number] for number, sweep in enumerate(of_class)),
        probabilities=tuple(
            np.stack([sweep.probabilities[scene][number] for number, sweep in enumerate(of_class)])
            for scene in range(len(sweeps[first].scenes))
        ),
    )


def _own_thresholds(folder: RunFolder, checkpoint: str) -> OwnThresholds | None:
    return read_own_thresholds(folder, checkpoint) or read_own_thresholds(folder)


def newest_slice(folder: RunFolder) -> Slice | None:
    """The finished slice in a run's folder that was measured last; None: there is none that can be read."""
    files = sorted((folder.path / "slices").glob("*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files:
        try:
            return Slice.load(file)
        except InputError:
            continue
    return None


def thinning(slice_: Slice) -> int:
    """Every how many points of a side are shown; 1: all."""
    longest: int = max(slice_.measured.shape)
    return -(-longest // MOST_GRID)


def thinned(slice_: Slice) -> Slice:
    """The slice with at most ``MOST_GRID`` points a side; its middle stays."""
    step = thinning(slice_)
    rows, columns = (slice(count // 2 % step, None, step) for count in slice_.measured.shape)

    def kept(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {name: values[rows, columns] for name, values in arrays.items()}

    return replace(
        slice_,
        alpha=slice_.alpha[columns],
        beta=slice_.beta[rows],
        fields=kept(slice_.fields),
        error=kept(slice_.error),
        standard_errors=kept(slice_.standard_errors),
        measured=slice_.measured[rows, columns],
    )


def _summary(folder: RunFolder) -> Mapping[str, Any] | None:
    try:
        summary: dict[str, Any] = json.loads(folder.summary_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return summary if "validation_half" in summary else None  # earlier versions named other things so
