"""``report``: one self-contained HTML file of a run, or of several that are compared."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from explorer.cli import imagery_options, parsing
from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.imagery.archive import content_hash
from explorer.imagery.scene import Dataset
from explorer.landscape.slice import Slice
from explorer.report.page import report_html
from explorer.report.source import Imagery, RunSource, SweepChoice, cut_as_chosen, newest_slice, read_run, usual_sweeps
from explorer.runs.class_thresholds import read_own_thresholds
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.segmenters import sweep_thresholds
from explorer.runs.threshold_sweep import ThresholdSweep, load_sweep
from explorer.training.fingerprint import fingerprint

_NO_IMAGES = "give --images and --masks to the command report"


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "report",
        help="a run, or several compared, as one HTML file",
        description=__doc__,
        epilog="Without --images the report has no pictures, and curves only where the app has measured them. The "
        "images and masks are those that the runs were trained on, with the same options.",
    )
    parser.add_argument("run_folders", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html")
    parser.add_argument(
        "--slice", type=Path, metavar="FILE.npz", help="landscape of the first run; default: its newest"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    imagery_options.add_options(parser, required=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the file, whole or not at all."""
    out: Path = arguments.out
    if out.suffix != ".html":
        raise InputError(f"{out.name} does not end in .html", "--out", "choose for example report.html")
    folders = [RunFolder(path) for path in dict.fromkeys(arguments.run_folders)]
    references = [folder.dataset() for folder in folders]
    if arguments.images is None and arguments.masks is not None:
        raise InputError("masks without images", "--masks", "give --images, too")
    imagery = None if arguments.images is None else _imagery(arguments, references)
    shown = None if arguments.slice is None else _slice(arguments.slice, folders[0])
    labels = _labels(folders)
    sources = [
        _source(folder, label, imagery, shown if number == 0 else None, arguments.device)
        for number, (folder, label) in enumerate(zip(folders, labels, strict=True))
    ]
    page = report_html(sources, datetime.now(UTC))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, page)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", str(out), "choose another place") from None
    print(f"{out}: {len(page) / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _slice(file: Path, folder: RunFolder) -> Slice:
    """The slice, if it is one of the run.

    Raises:
        InputError: it cannot be read, or is of another dataset or run.
    """
    slice_ = Slice.load(file)
    meta, remedy = slice_.meta, "give one that was measured on the first run"
    if meta.data != folder.dataset().id:
        raise InputError(f"is a landscape on another dataset (of {meta.run})", str(file), remedy)
    if meta.run:
        fits = meta.run in (folder.path.name, folder.path.resolve().name)
    else:  # the run's folder was given as "." when it was measured
        fits = meta.checkpoint in [checkpoint.name for checkpoint in folder.checkpoint_files()]
    if not fits:
        raise InputError(f"is a landscape of the run {meta.run or meta.checkpoint}", str(file), remedy)
    return slice_


def _source(folder: RunFolder, label: str, imagery: Imagery | None, shown: Slice | None, device: str) -> RunSource:
    why, reference = _NO_IMAGES, folder.dataset()
    if imagery is not None and not _is_same(imagery.dataset, reference):
        imagery, why = None, "the images that were given are not those of this run"
    sweep = _sweep(folder, imagery, device)
    without = "" if sweep is not None else f"the app has not swept its thresholds; {why}"
    if not folder.checkpoint_files():
        without = "it has no checkpoint yet"
    return read_run(
        folder,
        label,
        sweep,
        imagery,
        shown or newest_slice(folder),
        without_imagery="" if imagery is not None else why,
        without_sweep=without,
    )


def _sweep(folder: RunFolder, imagery: Imagery | None, device: str) -> ThresholdSweep | None:
    """The sweep that the app left in the run's folder, or a new one; None: neither is possible."""
    sweeps: dict[SweepChoice, ThresholdSweep] = {}
    for choice in usual_sweeps(folder):
        file = choice.file(folder)
        if file.is_file():
            sweeps[choice] = load_sweep(file)
            continue
        if imagery is None:
            return None
        own = read_own_thresholds(folder, choice.checkpoint) or read_own_thresholds(folder)
        cuts = own.cuts(choice.split) if own is not None else ()
        sweeps[choice] = sweep_thresholds(
            folder, imagery.dataset, choice.checkpoint, device, rule=choice.rule, cuts=cuts
        )
    return cut_as_chosen(folder, sweeps) if sweeps else None


def _imagery(arguments: argparse.Namespace, references: Sequence[DatasetReference]) -> Imagery:
    """The dataset of the runs, read as they read it.

    Raises:
        InputError: the images and masks are those of none of the runs.
    """
    for reference in {each.id: each for each in references}.values():
        validation = [mark.name for mark in reference.validation]
        for split in (None, validation):  # blocks of one scene follow from the scene, chosen scenes from their names
            try:
                reading = imagery_options.read_imagery(arguments, reference.choices, reference.classes, split)
            except InputError:
                if split is None:
                    raise
                continue
            if reading.dataset is not None and _is_same(reading.dataset, reference):
                dataset = replace(reading.dataset, name=reference.name)
                return Imagery(dataset, fingerprint(dataset))
    raise InputError(
        "these are not the images and masks that the run was trained on",
        str(arguments.images),
        "give those of train with the same options, or leave --images out",
    )


def _is_same(dataset: Dataset, reference: DatasetReference) -> bool:
    """Whether a dataset is the run's, whatever its folder is called."""
    return content_hash(replace(dataset, name=reference.name)) == reference.id


def _labels(folders: Sequence[RunFolder]) -> list[str]:
    """The names of the plans; with those of the folders where several runs are compared."""
    names = [folder.plan().name for folder in folders]
    if len(folders) == 1:
        return names
    paths = [folder.path.name or str(folder.path.resolve()) for folder in folders]
    if len(set(paths)) < len(paths):
        paths = [str(folder.path) for folder in folders]
    return [f"{name} · {path}" for name, path in zip(names, paths, strict=True)]
