"""Which sweeps a report shows: objects of each class are cut out as the run chose for that class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.metrics.splitting_predictions import ObjectCut
from explorer.report.source import RunSource, cut_as_chosen, usual_sweeps
from explorer.runs.class_thresholds import write_own_thresholds
from explorer.runs.folder import RunFolder


def chose(run: RunSource, path: Path, *splits: bool) -> RunFolder:
    """A folder with the run's checkpoint, whose classes chose to separate neighbours or not."""
    assert run.checkpoint is not None
    assert run.own is not None
    names = ("background", *(f"class {number}" for number in range(1, len(splits) + 1)))
    folder = RunFolder.create(path, run.plan, run.reference.model_copy(update={"classes": names}))
    file = folder.path / "checkpoints" / run.checkpoint.name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"")
    classes = tuple(
        replace(run.own.classes[0], class_id=number, split=split) for number, split in enumerate(splits, start=1)
    )
    own = replace(run.own, classes=classes, diameters=(8.0,) * len(splits))
    write_own_thresholds(own, folder.threshold_file, names)
    return folder


def test_one_sweep_is_enough_where_all_classes_chose_the_same(run: RunSource, tmp_path: Path) -> None:
    assert [each.split for each in usual_sweeps(chose(run, tmp_path / "a", True, True))] == [True]
    assert [each.split for each in usual_sweeps(chose(run, tmp_path / "b", False, False))] == [False]


def test_each_class_is_taken_from_the_sweep_that_cuts_as_it_chose(run: RunSource, tmp_path: Path) -> None:
    assert run.sweep is not None
    folder = chose(run, tmp_path / "run", False, True)
    both = usual_sweeps(folder)
    assert [each.split for each in both] == [False, True]
    shape = run.sweep.probabilities[0].shape[1:]
    made = {
        each: replace(
            run.sweep, classes=(run.sweep.classes[0],) * 2, probabilities=(np.full((2, *shape), each.split, np.uint16),)
        )
        for each in both
    }
    one = cut_as_chosen(folder, made)
    assert one.classes[0] is made[both[0]].classes[0]
    assert [int(values.max()) for values in one.probabilities[0]] == [0, 1]


def test_what_is_said_is_how_the_class_is_cut(run: RunSource) -> None:
    assert run.own is not None
    classes = tuple(replace(run.own.classes[0], class_id=number, split=number == 2, smallest=5) for number in (1, 2))
    mixed = replace(run, own=replace(run.own, classes=classes, diameters=(8.0, 9.0)))
    assert mixed.cut(1) == ObjectCut(None, 5)
    assert mixed.cut(2) == ObjectCut(9.0, 5)
