"""Runs as a report sees them, trained in a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from explorer.imagery.assembly import make_dataset
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import Dataset
from explorer.report.source import Imagery, RunSource, cut_as_chosen, read_run, usual_sweeps
from explorer.runs.class_thresholds import read_own_thresholds
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.segmenters import sweep_thresholds
from explorer.runs.training import execute
from explorer.training.fingerprint import fingerprint
from tests.runs.tiny import tiny_dataset, tiny_plan

HOSTILE = "<script>alert(1)</script> & <b>name</b>"
"""As a run, a dataset and a class may be called."""


def hostile_dataset(rule: MatchRule = HALF_IOU) -> Dataset:
    """The tiny dataset with markup in its names."""
    dataset = make_dataset(HOSTILE, tiny_dataset().scenes, ("background", HOSTILE))
    return replace(dataset, match_rule=rule)


def trained_folder(path: Path, dataset: Dataset, steps: int = 40, seed: int = 0) -> RunFolder:
    """A run that has ended."""
    plan = tiny_plan(steps, name=HOSTILE, choose_threshold=True, seed=seed)
    folder = RunFolder.create(path, plan, DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu"):
        pass
    return folder


def reported(folder: RunFolder, dataset: Dataset, label: str = HOSTILE) -> RunSource:
    """The run with its sweep and its imagery."""
    own = read_own_thresholds(folder)
    assert own is not None
    sweeps = {
        each: sweep_thresholds(folder, dataset, each.checkpoint, "cpu", rule=each.rule, cuts=own.cuts(each.split))
        for each in usual_sweeps(folder)
    }
    sweep = cut_as_chosen(folder, sweeps)
    return read_run(folder, label, sweep, Imagery(dataset, fingerprint(dataset)))
