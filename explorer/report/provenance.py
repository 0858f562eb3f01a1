"""What it takes to make a run again: versions, seeds, device, hashes and commands. And what tells runs apart."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence

from explorer.imagery.builtin import BUILTIN
from explorer.imagery.choices import listed
from explorer.landscape.slice_meta import SliceRequest
from explorer.report.blocks import Fact, Table, unknown
from explorer.report.source import RunSource
from explorer.runs.compared_settings import TrainedPlan, compare_settings
from explorer.runs.folder import DatasetReference

_OLD = "the run is of a version that did not record it"
_OPEN = "it is recorded once the run has ended"
PROGRAM = ("python", "-m", "explorer")


def provenance_facts(run: RunSource) -> tuple[Fact, ...]:
    """Versions, seeds, device and hashes of a run."""
    summary, started, ended = run.summary or {}, run.started, run.ended
    versions: dict[str, str] = summary.get("versions", {})
    why_no_version = _OLD if run.summary is not None else _OPEN
    names = {"Python": "python", "PyTorch": "torch", "NumPy": "numpy", "SciPy": "scipy"}
    seconds, speed = summary.get("seconds"), summary.get("samples_per_second")
    return (
        Fact("Run", run.folder.path.name),
        Fact("Ended", f"{ended.reason}, after step {ended.step:,}", ended.message)
        if ended is not None
        else unknown("Ended", "the run has not ended"),
        Fact("Device", started.device) if started is not None else unknown("Device", "the run has not begun"),
        unknown("Training time", _OPEN)
        if seconds is None
        else Fact("Training time", f"{seconds:.1f} s, without pauses"),
        unknown("Samples per second", _OPEN) if speed is None else Fact("Samples per second", f"{speed:g}"),
        Fact("Seed", str(run.plan.seed), "of the initial weights, the crops, their turns and flips"),
        *(
            Fact(name, versions[key]) if key in versions else unknown(name, why_no_version)
            for name, key in names.items()
        ),
        unknown("Version of Loss Explorer", "no version has been released yet"),
        Fact("Hash of the dataset", run.reference.id, "BLAKE2b of pixels, labels, names, split and stretch"),
        Fact("Hash of the plan", plan_hash(run), "SHA-256 of the plan's file below"),
        Fact("Checkpoint", run.checkpoint.name, f"SHA-256 {run.checkpoint_hash}")
        if run.checkpoint is not None
        else unknown("Checkpoint", "the run has none yet"),
    )


def plan_file(run: RunSource) -> str:
    """The plan as ``train --plan`` takes it, with everything that was changed while it trained."""
    return run.repeatable.model_dump_json(indent=1)


def plan_hash(run: RunSource) -> str:
    """SHA-256 of :func:`plan_file`."""
    return hashlib.sha256(plan_file(run).encode()).hexdigest()


def commands(run: RunSource) -> tuple[Fact, ...]:
    """What to do and its command line; DIR, RUN and names in capitals are to be filled in."""
    imagery = ("--images", "DIR", "--masks", "DIR")
    choices = run.reference.choices.as_options()
    names = [mark.name for mark in run.reference.validation]
    validation = ("--val", listed(names)) if names and not run.split_into_blocks else ()
    request = SliceRequest()
    slice_ = ("landscape", "RUN", "--plane", request.plane.kind, "--out", "SLICE.npz")
    measured = _line(*slice_) if run.slice is None else run.slice.meta.command("RUN", "SLICE.npz")
    again = "Train it again"
    drawn = _is_built_in(run.reference)
    return (
        unknown(
            again, "its scenes are drawn by the app and lie in no files: set the plan on Train, on the built-in dataset"
        )
        if drawn
        else Fact(again, _line("train", *imagery, *choices, *validation, "--plan", "PLAN.json", "--out", "RUN")),
        Fact(
            "Score it on other images" if drawn else "Score it, on these or on other images",
            _line("evaluate", "RUN", *imagery),
        ),
        Fact("Predict", _line("predict", "RUN", "IMAGE", "--out", "MASK.tif", "--vectors", "OUT.geojson")),
        Fact("Measure its landscape", measured),
        Fact("Make this report", _line("report", "RUN", *(() if drawn else imagery), "--out", "REPORT.html")),
    )


def _is_built_in(reference: DatasetReference) -> bool:
    """Whether a dataset is one of those that the app draws, as far as its names tell."""
    names = [mark.name for mark in (*reference.training, *reference.validation)]
    return any(
        (info.name, info.classes) == (reference.name, reference.classes)
        and all(name.startswith(f"{key.replace('_', '-')}-") for name in names)
        for key, info in BUILTIN.items()
    )


def difference_table(runs: Sequence[RunSource]) -> Table:
    """The settings in which the runs differ, as they trained, one column a run; "–": that run has no such setting."""
    settings = compare_settings([TrainedPlan(run.reference, run.plan, run.events) for run in runs])
    rows = tuple((each.label, *each.values) for each in settings if each.differs)
    return Table(("Setting", *(run.label for run in runs)), rows)


def _line(*words: str) -> str:
    return shlex.join([*PROGRAM, *words])
