"""The app's default click on real imagery, against what people would use instead, in the same time.

    python -m tests.benchmarks.real                                  # all sets, 90 s of training, 3 seeds, 2 threads
    python -m tests.benchmarks.real --sets ships,planes --seconds 90 --seeds 3 --threads 2 --minutes 30
    python -m tests.benchmarks.real --steps 750 --device cuda        # ours alone, with a number of steps
    python -m tests.benchmarks.real table                            # the tables of what is finished

*Ours* is what ``train --seconds S`` without ``--plan`` does, through the same code. *Bare loop* is Dice + CE with the
small U-Net in a plain torch loop, at the scenes' own and at reduced resolution, each in the whole time. *Forest* is a
random forest on a filter bank (``peers.py``). The peers are measured generously: each threshold is chosen by the app's
own rule on the same scenes, and of the three, the best score on the scoring scenes is what ours is divided by. At its
own threshold ours separates neighbours and drops specks as it chose to; what the peers predict is taken as it is.

Splits are in three: scenes that train, scenes that choose the threshold, scenes that score (``sets.py``); the run of
seed s uses fold s modulo the number of folds. F1 is pooled over the scoring scenes of a run; mean ± standard deviation
over the seeds. A finished run is a line of the results file and is not made again; another plan of the app is another
run. A set takes about seconds × seeds × 4, and the time to score.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the app's workers; torch reads it on import

import numpy as np
import torch

from explorer.cli.plan_options import plan_for
from explorer.errors import InputError
from explorer.imagery.archive import content_hash
from explorer.imagery.scene import Scene
from explorer.metrics.class_map import STEPS, in_thousandths
from explorer.metrics.splitting_predictions import ObjectCut, cut_thousandths
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.own_threshold import own_thresholds
from explorer.runs.requests import PlanRequest
from explorer.runs.segmenters import load_predictor
from explorer.runs.training import execute
from explorer.training.events import Started, Step
from tests.benchmarks.peers import Probabilities, bare_loop, forest, reduced_scale
from tests.benchmarks.results import Pace, append_row, key_of, parse_piece, read_rows
from tests.benchmarks.scoring import PIXELS, Scored, added, f1, own_threshold, score_scene
from tests.benchmarks.sets import SETS, BenchmarkSet, as_app, available, three_way

VERSION = 2
"""Raised when the runs or their scores come to mean something else: finished runs are then made again."""

RESULTS = Path("results") / "real.jsonl"
OURS, NATIVE, REDUCED, FOREST = "ours", "bare loop, own resolution", "bare loop, reduced", "random forest"
METHODS = (OURS, NATIVE, REDUCED, FOREST)
PEERS = METHODS[1:]

BARS: Mapping[str, tuple[str, float]] = {
    "ships": ("iou:0.1", 0.4),
    "nuclei": ("iou:0.5", 0.75),
    "trees": ("centroid:8", 0.6),
    "buildings": ("iou:0.5", 0.5),
    "planes": ("iou:0.5", 0.5),
    "cars": ("iou:0.5", 0.5),
    "road_damage": ("iou:0.1", 0.4),
    "buildings_banepa": (PIXELS, 0.8),
}
"""What ours is to reach at its own threshold: a measure and an F1."""

_NOMINAL_STEPS = 1000  # of the plan whose hash tells one version of the app from another


@dataclass(frozen=True, eq=False)
class Job:
    """One method on one fold."""

    key: str
    chosen: BenchmarkSet
    seed: int
    method: str


@dataclass(frozen=True)
class Length:
    """How long a method trains, and on what."""

    seconds: float
    steps: int | None  # of ours, instead of seconds
    device: str  # of ours
    threads: int

    @property
    def decides(self) -> list[Any]:
        """What tells a run from one of another length."""
        by_steps = [] if self.steps is None else [self.steps]
        return [self.seconds, self.threads, *by_steps, *([] if self.device == "cpu" else [self.device])]


@dataclass(frozen=True, eq=False)
class Result:
    """What a method predicts, and how it came about."""

    probabilities: Probabilities
    own: float  # threshold
    seconds: float  # of training: from the first step, validations included; not what is measured before or after
    words: str  # what was trained
    cut: ObjectCut | None = None  # how objects are cut out at the own threshold; None: taken as they are, as at ½


def ours(chosen: BenchmarkSet, seed: int, length: Length) -> Result:
    """Trains in a run's folder, as the command line does, and reads the threshold that the run chose."""
    dataset = as_app(chosen, chosen.fold_of(seed))
    began = now = time.perf_counter()
    request = PlanRequest(seconds=length.seconds if length.steps is None else None, steps=length.steps, seed=seed)
    plan = plan_for(request, dataset, length.device).plan
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder.create(Path(name) / "run", plan, DatasetReference.to(dataset))
        step, started, trained = 0, 0.0, 0.0
        for event in execute(folder, dataset, device=length.device):
            now = time.perf_counter()
            if isinstance(event, Started):
                started = now
            elif isinstance(event, Step):
                step, trained = event.step, now - started
        predictor = load_predictor(folder, device=length.device)
        found = own_thresholds(folder, dataset, device=length.device)
    thresholds = {} if found is None else {each.class_id: each.threshold for each in found.classes}
    return Result(
        lambda scene: predictor.probabilities(scene.image, scene.valid),
        thresholds.get(chosen.target_id, 0.5),
        trained,
        f"{plan.name}, {plan.segmenter.kind}, scale {plan.inputs.scale:g}, {step} steps, {dataset.match_rule.words}; "
        f"{now - began:.0f} s in all",
        dict(enumerate(found.cuts(), start=1)).get(chosen.target_id),
    )


def peer(chosen: BenchmarkSet, seed: int, method: str, length: Length) -> Result:
    """Trains a peer on the same scenes as the app, and chooses its threshold on the same others."""
    dataset = three_way(chosen, chosen.fold_of(seed)).dataset
    began = time.perf_counter()
    if method == FOREST:
        probabilities, words = forest(dataset, length.seconds, seed, length.threads), "filter bank, balanced pixels"
    else:
        scale = 1.0 if method == NATIVE else reduced_scale(dataset, chosen.target_id)
        probabilities, words = bare_loop(dataset, length.seconds, seed, scale), f"scale {scale:.2g}"
    trained = time.perf_counter() - began
    own = own_threshold(
        [probabilities(scene)[chosen.target_id] for scene in dataset.validation],
        dataset.validation,
        chosen,
        dataset.minimum_area,
    )
    return Result(probabilities, own, trained, words)


def jobs(sets: Iterable[BenchmarkSet], seeds: int, methods: Sequence[str], length: Length) -> list[Job]:
    """All runs, seed by seed."""
    found = []
    for seed in range(seeds):
        for chosen in sets:
            dataset = as_app(chosen, chosen.fold_of(seed))
            content = content_hash(dataset)
            for method in methods:
                plan = None
                if method == OURS:
                    plan = plan_for(PlanRequest(steps=_NOMINAL_STEPS, seed=seed), dataset, "cpu").plan.model_dump_json()
                decides = [VERSION, content, chosen.target, *chosen.rules, method, plan, *length.decides, seed]
                found.append(Job(key_of(real=decides), chosen, seed, method))
    return found


def run(job: Job, length: Length) -> dict[str, Any]:
    """Trains and scores; the row of the results file."""
    chosen, seed = job.chosen, job.seed
    result = ours(chosen, seed, length) if job.method == OURS else peer(chosen, seed, job.method, length)
    dataset = as_app(chosen, chosen.fold_of(seed))
    scored = [_scored(result, scene, chosen, dataset.minimum_area) for scene in dataset.validation]
    return {
        "key": job.key,
        "kind": "real",
        "set": chosen.key,
        "seed": seed,
        "method": job.method,
        "budget": length.seconds if length.steps is None else f"{length.steps} steps",
        "device": length.device,
        "threads": length.threads,
        "seconds": round(result.seconds, 1),
        "words": result.words,
        "own_threshold": result.own,
        "half": {rule: added([each.half[rule] for each in scored]) for rule in chosen.rules},
        "own": {rule: added([each.own[rule] for each in scored]) for rule in chosen.rules},
        "date": datetime.now(UTC).date().isoformat(),
    }


def _scored(result: Result, scene: Scene, chosen: BenchmarkSet, minimum_area: int) -> Scored:
    probability = result.probabilities(scene)[chosen.target_id]
    plain = score_scene(probability, scene, chosen, minimum_area, result.own, curves=False)
    if result.cut is None:
        return plain
    values = cut_thousandths(in_thousandths(probability), result.cut)
    cut = (values / STEPS).astype(np.float32)
    return replace(plain, own=score_scene(cut, scene, chosen, minimum_area, result.own, curves=False).own)


def tables(rows: Sequence[Mapping[str, Any]]) -> str:
    """One table a set, then ours against the best of the peers."""
    lines, ratios = [], []
    for key, chosen in SETS.items():
        of_set = [row for row in rows if row["set"] == key]
        if not of_set:
            continue
        lines += [f"\n{chosen.title}: trains, scores: {chosen.split}; a part of what trains chooses the threshold"]
        lines += [_line("method", "seeds", *(f"F1, {rule}" for rule in chosen.rules), "threshold", "s", "last run")]
        lines += [_line(*["---"] * (len(chosen.rules) + 5))]
        means: dict[str, dict[str, float]] = {}
        for method in METHODS:
            runs = [row for row in of_set if row["method"] == method]
            if not runs:
                continue
            means[method] = {rule: statistics.fmean(_f1s(runs, "own", rule)) for rule in chosen.rules}
            cells = (
                f"{_spread(_f1s(runs, 'own', rule))} (½: {_spread(_f1s(runs, 'half', rule))})" for rule in chosen.rules
            )
            lines.append(
                _line(
                    method,
                    str(len(runs)),
                    *cells,
                    _spread([row["own_threshold"] for row in runs]),
                    f"{statistics.fmean(row['seconds'] for row in runs):.0f}",
                    runs[-1]["words"],
                )
            )
        if OURS in means and len(means) > 1:
            ratios.append((chosen, _ratio(means, chosen.own_rule), _ratio(means, PIXELS), means[OURS]))
    if ratios:
        lines += ["\nOurs ÷ the best of all peers, at own thresholds (at least 1 on every set, 1.2 on the median set)"]
        lines += [_line("set", "own measure", "F1 ratio", "pixel F1 ratio", "bar"), _line(*["---"] * 5)]
        for chosen, of_own, of_pixels, reached in ratios:
            lines.append(_line(chosen.title, chosen.own_rule, _shown(of_own), _shown(of_pixels), _bar(chosen, reached)))
        medians = (statistics.median(each[1] for each in ratios), statistics.median(each[2] for each in ratios))
        lines.append(_line("median", "", *map(_shown, medians), ""))
    return "\n".join(lines)


def _f1s(runs: Sequence[Mapping[str, Any]], at: str, rule: str) -> list[float]:
    """F1 of each run; 0 where nothing is there and nothing predicted."""
    return [0.0 if value != value else value for value in (f1(tuple(row[at][rule])) for row in runs)]


def _ratio(means: Mapping[str, Mapping[str, float]], measure: str) -> float:
    best = max(means[method][measure] for method in PEERS if method in means)
    return means[OURS][measure] / best if best else float("inf")


def _bar(chosen: BenchmarkSet, reached: Mapping[str, float]) -> str:
    if chosen.key not in BARS:
        return "none"
    measure, bar = BARS[chosen.key]
    return f"{measure} ≥ {bar:g}: {reached[measure]:.2f}, {'met' if reached[measure] >= bar else 'NOT met'}"


def _spread(values: Sequence[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2f}{deviation}"


def _shown(value: float) -> str:
    return f"{value:.2f}"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    """Makes runs and prints the tables, or prints them only."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", default="run", choices=["run", "table"])
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"JSON lines; default: {RESULTS}")
    parser.add_argument("--sets", help="keys with commas between them; default: all that are here")
    parser.add_argument("--methods", default=",".join(("ours", "native", "reduced", "forest")))
    parser.add_argument("--seconds", type=float, default=90.0, help="of training")
    parser.add_argument("--steps", type=int, help="of ours instead of seconds, without peers")
    parser.add_argument("--device", default="cpu", help="of ours: cpu or cuda")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="stop before so many are over")
    parser.add_argument("--piece", default="1/1", help="for example 2/6: the second of six pieces")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    try:
        sets = available(chosen.sets.split(",") if chosen.sets else None)
        methods = [dict(zip(("ours", "native", "reduced", "forest"), METHODS, strict=True))[name]
                   for name in chosen.methods.split(",")]  # fmt: skip
        length = Length(chosen.seconds, chosen.steps, chosen.device, chosen.threads)
        every = jobs(sets, chosen.seeds, [OURS] if length.steps else methods, length)
        pace = Pace(chosen.minutes, parse_piece(chosen.piece))
        done = set(read_rows([chosen.results]))
        for job in pace.mine(every) if chosen.action == "run" else ():
            if job.key in done:
                continue
            began = time.monotonic()
            row = run(job, length)
            append_row(chosen.results, row)
            pace.seconds.append(time.monotonic() - began)
            print(
                f"{job.chosen.key}, seed {job.seed}, {job.method}: {row['seconds']:.0f} s, {row['words']}", flush=True
            )
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    wanted = {job.key for job in every}
    print(tables([row for key, row in read_rows([chosen.results]).items() if key in wanted]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
