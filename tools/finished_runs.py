"""Makes the finished runs and grids of ``assets``, which the app shows before anybody has trained.

``python -m tools.finished_runs`` takes about an hour on two processor cores; with names of runs or grids, only these
are made. What is left of a run: its plan, its dataset's reference, every 20th step and all other events, checkpoints
with weights in half precision and without the optimiser's moments, and, measured from these: summary, thresholds,
threshold sweep and slices.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.files import write_atomically
from explorer.imagery.balance import class_balance
from explorer.imagery.builtin import builtin_dataset
from explorer.imagery.match_rule import HALF_IOU
from explorer.imagery.scene import Dataset
from explorer.landscape.crops import LANDSCAPE_DATA_FILE
from explorer.landscape.slice_meta import SliceRequest
from explorer.metrics.class_map import STEPS
from explorer.metrics.curves import PixelCurve
from explorer.runs.finished_runs import FINISHED_RUNS, FinishedRun, Training
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.grid_plans import cell_plan
from explorer.runs.grids import GRIDS, Axis, Cell, Grid, GridName, grid_file, save_grid
from explorer.runs.own_threshold import own_thresholds
from explorer.runs.segmenters import sweep_thresholds
from explorer.runs.slice_files import slice_file
from explorer.runs.slices import ensure_landscape_data, measure_slice
from explorer.runs.summary import write_summary
from explorer.runs.threshold_sweep import ThresholdSweep, save_sweep, sweep_file
from explorer.runs.timeline import timeline
from explorer.runs.training import execute
from explorer.training.checkpoints import checkpoint_name, compact
from explorer.training.events import CheckpointSaved, Event, Preview, Recovered, Step, Validation, to_json
from explorer.training.plan import Plan
from explorer.training.presets import LEARNING_RATE, PRESETS, controls, preset_plan

COMMAND = "python -m tools.finished_runs"
DEVICE = "cpu"
KEPT_STEPS = 20  # one of so many: those with the costly losses
WITH_SWITCH = "car_park-recipe"  # the run that keeps the checkpoint at which its losses are switched first
PLANES = ("random", "gradients")
HESSIAN = "car_park-recipe"  # the run with a slice on a Hessian plane, too
GRID_STEPS = 500
LAST_STEPS = 20  # whose mean is a cell's loss
CURVE_EVERY = 2  # of the thresholds of a sweep


def plan_of(run: FinishedRun) -> Plan:
    """The recipe, whose first phase a trigger ends; or a control of equal budget."""
    recipe = preset_plan("recall_first")
    first = recipe.phases[0].model_copy(update={"trigger": PRESETS["recall_first"].until, "minimum_steps": 100})
    recipe = recipe.model_copy(
        update={"phases": (first, *recipe.phases[1:]), "carry_over": True, "choose_threshold": True}
    )
    ce, jaccard, *_ = controls(recipe)
    plans: dict[Training, Plan] = {"recipe": recipe, "ce": ce, "jaccard": jaccard}
    return plans[run.training]


def make_run(run: FinishedRun) -> None:
    """Trains a run and leaves in ``assets`` what the app needs of it."""
    dataset = builtin_dataset(run.builtin)
    with tempfile.TemporaryDirectory() as scratch:
        trained = RunFolder.create(Path(scratch) / run.id, plan_of(run), DatasetReference.to(dataset))
        for event in execute(trained, dataset, device=DEVICE, checkpoint_steps=10**6):
            if isinstance(event, Validation):
                print(f"{run.id}: step {event.step}", flush=True)
        slim = _slimmed(trained, Path(scratch) / "slim" / run.id, with_switch=run.id == WITH_SWITCH)
        _measure(slim, dataset, (*PLANES, *(("hessian",) if run.id == HESSIAN else ())))
        for needless in (LANDSCAPE_DATA_FILE, "lock", "locks", "planes"):
            shutil.rmtree(slim.path / needless, ignore_errors=True)
            (slim.path / needless).unlink(missing_ok=True)
        shutil.rmtree(run.folder.path, ignore_errors=True)
        run.folder.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(slim.path, run.folder.path)
    print(f"{run.id}: {sum(file.stat().st_size for file in run.folder.path.rglob('*') if file.is_file()):,} bytes")


def _slimmed(trained: RunFolder, target: Path, with_switch: bool) -> RunFolder:
    """The run with fewer events and small checkpoints, and with nothing that is measured from them."""
    events = timeline(trained.events())
    saved = [event for event in events if isinstance(event, CheckpointSaved) and event.reason in ("phase", "end")]
    kept = {saved[-1].step, *([saved[0].step] if with_switch else [])}
    previews = [event for event in events if isinstance(event, Preview)]
    slim = RunFolder.create(target, trained.plan(), trained.dataset())
    slim.checkpoints.mkdir()
    for step in kept:
        compact(trained.checkpoints / checkpoint_name(step), slim.checkpoints)
    slim.previews.mkdir()
    for preview in previews:
        shutil.copyfile(trained.previews / preview.file, slim.previews / preview.file)
    last = max(event.step for event in events)
    lines = [to_json(rounded) + "\n" for event in events if (rounded := _thinned(event, kept, last)) is not None]
    slim.events_file.write_text("".join(lines), encoding="utf-8")
    return slim


def _thinned(event: Event, checkpoints: set[int], last: int) -> Event | None:
    """The event with as many digits as are drawn; None for one that is left out."""
    if isinstance(event, Step):
        if event.step % KEPT_STEPS != 1 and event.step != last:
            return None
        losses = {kind: _rounded(value) for kind, value in event.losses.items()}
        return replace(
            event, loss=_rounded(event.loss), losses=losses, gradient_norm=_rounded(event.gradient_norm) or 0.0,
            seconds=round(event.seconds, 2),
        )  # fmt: skip
    if isinstance(event, CheckpointSaved) and event.step not in checkpoints:
        return None
    return event


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _measure(folder: RunFolder, dataset: Dataset, planes: Sequence[str]) -> None:
    """Summary, sweep and slices, from the small checkpoints: what a page shows is what it would measure."""
    write_summary(folder, dataset, folder.events(), DEVICE)
    checkpoint = folder.checkpoint_files()[-1].name
    own = own_thresholds(folder, dataset, checkpoint, DEVICE)
    pixels = [share.pixels for share in class_balance(dataset.training, dataset.classes)]
    rarest = min(range(1, len(pixels)), key=pixels.__getitem__)  # the class that pages show first
    split = own.classes[rarest - 1].split if own.classes else False
    rule = dataset.match_rule
    sweep = sweep_thresholds(folder, dataset, checkpoint, DEVICE, rule=rule, cuts=own.cuts(split))
    save_sweep(_without_extremes(sweep), sweep_file(folder, checkpoint, rule, split))
    squeeze(sweep_file(folder, checkpoint, rule, split))
    ensure_landscape_data(folder, lambda: dataset)
    (folder.path / "slices").mkdir()
    for kind in planes:
        request = SliceRequest.model_validate({"plane": {"kind": kind}, "checkpoint": checkpoint})
        for progress in measure_slice(folder, request, slice_file(folder, request), DEVICE):
            last = progress
        round_slice(slice_file(folder, request))
        print(f"{folder.path.name}: {kind} plane, {last.done} points", flush=True)


def _without_extremes(sweep: ThresholdSweep) -> ThresholdSweep:
    """The sweep with probabilities below 0.01 as 0 and above 0.99 as 1, which no threshold tells apart."""
    low, high = STEPS // 100, STEPS - STEPS // 100
    clipped = (np.where(values < low, 0, np.where(values > high, STEPS, values)) for values in sweep.probabilities)
    return replace(sweep, probabilities=tuple(values.astype(np.uint16) for values in clipped))


def round_slice(file: Path) -> None:
    """Rounds a slice's numbers to what can be seen: three digits of values, the order of magnitude of errors."""
    kept: dict[str, NDArray[np.generic]] = {}
    with np.load(file) as arrays:
        for name in arrays.files:
            array = arrays[name]
            if name in ("alpha", "beta", "measured", "meta"):
                kept[name] = array
            else:
                digits = 0 if name.startswith(("error_", "bar_")) else 3
                kept[name] = _significant(array, digits).astype(np.float32)
    _save_small(kept, file)


def squeeze(file: Path) -> None:
    """Packs the arrays of a file once more, as small as NumPy can read."""
    with np.load(file) as arrays:
        _save_small({name: arrays[name] for name in arrays.files}, file)


def _save_small(arrays: Mapping[str, NDArray[np.generic]], file: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as packed:
        for name, array in arrays.items():
            with packed.open(f"{name}.npy", "w") as part:
                np.lib.format.write_array(part, np.asanyarray(array), allow_pickle=False)
    write_atomically(file, content.getvalue())


def _significant(values: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Values with so many significant digits, rounded in the binary system: the bits that are left out compress well.

    >>> _significant(np.array([0.123456, np.nan, 0.0]), 2).tolist()
    [0.12353515625, nan, 0.0]
    """
    bits = math.ceil(digits * math.log2(10)) + 1
    mantissa, exponent = np.frexp(values)
    rounded: NDArray[np.float64] = np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent)
    return rounded


GRIDS_TO_MAKE: Mapping[GridName, Grid] = {
    "focal": Grid(
        "focal",
        builtin="car_park",
        loss="focal",
        steps=GRID_STEPS,
        seed=0,
        learning_rate=None,
        match_rule=HALF_IOU.words,
        axes=(
            Axis("gamma", "Focus γ", (0.0, 1.0, 2.0, 3.0, 5.0)),
            Axis("learning_rate", "Learning rate", (0.0005, 0.002, 0.005, 0.02, 0.1)),
        ),
        cells=(),
        command=f"{COMMAND} focal",
    ),
    "class_weight": Grid(
        "class_weight",
        builtin="car_park",
        loss="weighted_cross_entropy",
        steps=GRID_STEPS,
        seed=0,
        learning_rate=LEARNING_RATE,
        match_rule=HALF_IOU.words,
        axes=(Axis("class_weight", "Weight of the objects", (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)),),
        cells=(),
        command=f"{COMMAND} class_weight",
    ),
}
"""The grids without their cells."""


def make_grid(name: GridName) -> None:
    """Trains every cell of a grid and writes its file."""
    grid = GRIDS_TO_MAKE[name]
    dataset = builtin_dataset(grid.builtin)
    cells = []
    for values in product(*(axis.values for axis in grid.axes)):
        cells.append(_cell(values, cell_plan(grid, values), dataset))
        print(f"{name} {values}: recall {cells[-1].recall}, precision {cells[-1].precision}", flush=True)
    save_grid(replace(grid, cells=tuple(cells)), grid_file(name))


def _cell(values: tuple[float, ...], plan: Plan, dataset: Dataset) -> Cell:
    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder.create(Path(scratch) / "run", plan, DatasetReference.to(dataset))
        events = list(execute(folder, dataset, device=DEVICE, checkpoint_steps=10**6))
        summary = json.loads(folder.summary_file.read_text(encoding="utf-8"))
        sweep = sweep_thresholds(folder, dataset, folder.checkpoint_files()[-1].name, DEVICE, rule=dataset.match_rule)
    scores = summary["validation_half"]["classes"]["1"]
    held = timeline(events)
    losses = [event.loss for event in held if isinstance(event, Step) and event.loss is not None][-LAST_STEPS:]
    validated = [event for event in held if isinstance(event, Validation)]
    return Cell(
        values,
        diverged=summary["ended"] == "diverged",
        restarts=sum(isinstance(event, Recovered) for event in events),
        recall=scores["pixel"]["recall"],
        precision=scores["pixel"]["precision"],
        f1=scores["pixel"]["f1"],
        object_recall=scores["object"]["recall"],
        object_precision=scores["object"]["precision"],
        loss=fmean(losses) if losses else None,
        recalls=tuple((event.step, _rounded(event.scores.classes[1].pixel.recall)) for event in validated),
        curve=tuple(_curve(sweep.of_class(1).pixel)),
    )


def _curve(curve: PixelCurve) -> Iterator[tuple[float, float | None, float | None]]:
    found, wrong, missed = curve.true_positives, curve.false_positives, curve.false_negatives
    points = list(zip(curve.thresholds, found, wrong, missed, strict=True))
    for threshold, hits, alarms, misses in points[::CURVE_EVERY]:
        recall = hits / (hits + misses) if hits + misses else None
        precision = hits / (hits + alarms) if hits + alarms else None
        yield round(float(threshold), 4), _rounded(recall), _rounded(precision)


def main() -> None:
    """Makes what was named, or everything."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*FINISHED_RUNS, *GRIDS, []], metavar="NAME")
    named = parser.parse_args().names or [*FINISHED_RUNS, *GRIDS]
    torch.set_num_threads(1)  # so that a run comes out the same on machines with other numbers of cores
    for name in named:
        if name in FINISHED_RUNS:
            make_run(FINISHED_RUNS[name])
        else:
            make_grid(name)


if __name__ == "__main__":
    main()
