"""Tests the claims of the article on eleven datasets.

    python -m tests.benchmarks.claims                       # all that is missing in the results file
    python -m tests.benchmarks.claims --minutes 10          # stops before ten minutes are over; run it again to go on
    python -m tests.benchmarks.claims --piece 2/6 --sets ships,planes --pretrained-seeds 3 --threads 1
    python -m tests.benchmarks.claims report                # verdicts: docs/claims.md and assets/claims.json

Every finished run is a line of the results file (``--results``), which any number of processes may share, so that a
run is never made twice. Plans of a dataset have equal steps and are alike in all but their losses; they come from the
fingerprint of its training scenes. Scenes are split in three: those that train, those that end phases and choose the
threshold, those that score (``sets.py``). The statistics are explained in ``paired_bootstrap.py``.

On built-in scenes the small U-Net trains, on real ones the pretrained segmenter, as in the app, with fewer steps, since
each costs about one and a half times as much.
Arithmetic, on one core: a run of 240 steps of the small U-Net takes some 26 s with its scores, under half a minute, so
that there are 8 seeds; a run of 180 steps of the pretrained segmenter takes some 30 to 45 s, so that there are 5
(``--pretrained-seeds``). Eight plans are 192 and 320 runs: 4.5 hours of one core, or half of that with two processes
(``--piece 1/2`` and ``2/2``). The eight further plans about focal loss take as long again, and come last. Seeds are the
outer loop, so that a report may be made at any time.
Each start first reads its sets and makes their plans, which takes some ten seconds a set: where pieces are short, cut
with ``--sets``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the app's workers; torch reads it on import

import torch

from explorer.errors import InputError
from explorer.imagery.archive import content_hash
from explorer.training.budget import Budget
from explorer.training.fingerprint import fingerprint
from explorer.training.plan import Plan
from explorer.training.planning import propose
from tests.benchmarks.claim_analysis import evidence
from tests.benchmarks.claim_document import write_report
from tests.benchmarks.claim_plans import GRID, MAIN, claim_plans
from tests.benchmarks.results import Pace, append_row, key_of, parse_piece, read_rows
from tests.benchmarks.scoring import own_threshold, score_scene
from tests.benchmarks.sets import BenchmarkSet, ThreeWay, as_app, available, three_way
from tests.benchmarks.training_run import trained

VERSION = 1
"""Raised when the runs or their scores come to mean something else: finished runs are then made again."""

RESULTS = Path("results") / "claims.jsonl"
SEGMENTERS = ("by_set", "unet")


@dataclass(frozen=True, eq=False)
class Job:
    """One run that is to be made."""

    key: str
    chosen: BenchmarkSet
    seed: int
    plan: Plan
    names: tuple[str, ...]  # of the plan; several where two plans are the same


@cache
def _split(chosen: BenchmarkSet, fold: int) -> tuple[ThreeWay, str]:
    """The three-way split of a fold, and a hash of all its pixels and labels."""
    split = three_way(chosen, fold)
    return split, key_of(dataset=content_hash(split.dataset), scoring=content_hash(as_app(chosen, fold)))


@cache
def _base(chosen: BenchmarkSet, fold: int, steps: int, small: bool) -> Plan:
    """The article's preset with this number of steps, as it is proposed for the scenes of a fold that train.

    It holds no scenes out, since those that choose are the validation side of the dataset already.
    """
    found = fingerprint(as_app(chosen, fold))
    plan = propose(found, "recall_first", Budget(steps=steps), segmenter="unet" if small else None).plan
    return plan.model_copy(update={"choose_threshold": False})


@dataclass(frozen=True)
class Budgets:
    """How long each kind of segmenter trains, and from how many seeds."""

    small: bool  # the small U-Net everywhere
    steps: int  # of the small U-Net
    seeds: int
    pretrained_steps: int
    pretrained_seeds: int

    def of(self, chosen: BenchmarkSet) -> tuple[bool, int, int]:
        """Whether the small U-Net trains on a set, with how many steps, and from how many seeds."""
        if self.small or not chosen.pretrained:
            return True, self.steps, self.seeds
        return False, self.pretrained_steps, self.pretrained_seeds


def jobs(sets: Sequence[BenchmarkSet], budgets: Budgets, names: tuple[str, ...], threads: int) -> Iterator[Job]:
    """All runs, seed by seed; plans that are the same under two names are one run."""
    for seed in range(max(budgets.seeds, budgets.pretrained_seeds)):
        for chosen in sets:
            small, steps, seeds = budgets.of(chosen)
            if seed >= seeds:
                continue
            fold = chosen.fold_of(seed)
            _, content = _split(chosen, fold)
            plans = {
                name: plan.model_copy(update={"seed": seed})
                for name, plan in claim_plans(_base(chosen, fold, steps, small)).items()
            }
            by_key: dict[str, list[str]] = {}
            for name in (*MAIN, *GRID):
                decides = plans[name].model_dump(mode="json", exclude={"name"})
                rules = [chosen.target, *chosen.rules]
                key = key_of(version=VERSION, content=content, plan=decides, rules=rules, threads=threads)
                by_key.setdefault(key, []).append(name)
            for key, same in by_key.items():
                if set(same) & set(names):
                    yield Job(key, chosen, seed, plans[same[0]], tuple(same))


def run(job: Job, options: str) -> dict[str, Any]:
    """Trains, chooses the threshold, scores; the row of the results file, with the options of the command."""
    fold = job.chosen.fold_of(job.seed)
    split, _ = _split(job.chosen, fold)
    dataset, target = split.dataset, job.chosen.target_id
    result = trained(job.plan, dataset)

    def probabilities(scene: Any) -> Any:
        return result.predictor.probabilities(scene.image, scene.valid)[target]

    own = own_threshold(
        [probabilities(scene) for scene in dataset.validation], dataset.validation, job.chosen, dataset.minimum_area
    )
    scenes = {
        scene.name: {
            "unit": job.chosen.group(scene.name),
            **score_scene(probabilities(scene), scene, job.chosen, dataset.minimum_area, own).to_json(),
        }
        for scene in split.scoring
    }
    return {
        "key": job.key,
        "kind": "claims",
        "set": job.chosen.key,
        "seed": job.seed,
        "fold": fold,
        "plans": list(job.names),
        "losses": [phase.loss.kind for phase in job.plan.phases] * job.plan.cycles,
        "segmenter": job.plan.segmenter.kind,
        "options": options,
        "steps": result.steps,
        "end": result.end,
        "seconds": round(result.seconds, 2),
        "own": own,
        "scenes": scenes,
        "date": datetime.now(UTC).date().isoformat(),
    }


def make_runs(chosen: argparse.Namespace) -> None:
    """Makes the runs that are not in the results file yet."""
    torch.set_num_threads(chosen.threads)
    sets = available(chosen.sets.split(",") if chosen.sets else None)
    wanted = {"main": MAIN, "focal": GRID, "all": (*MAIN, *GRID)}[chosen.plans]
    done = set(read_rows([chosen.results]))
    parts = [tuple(name for name in wanted if name in part) for part in (MAIN, GRID)]  # focal loss last
    budgets = Budgets(
        chosen.segmenter == "unet", chosen.steps, chosen.seeds, chosen.pretrained_steps, chosen.pretrained_seeds
    )
    every = [job for names in parts for job in jobs(sets, budgets, names, chosen.threads)]
    every = list({job.key: job for job in reversed(every)}.values())[::-1]
    pace = Pace(chosen.minutes, parse_piece(chosen.piece))
    options = f"--steps {chosen.steps} --segmenter {chosen.segmenter} --threads {chosen.threads}"
    if chosen.segmenter == "by_set":
        options += f" --pretrained-steps {chosen.pretrained_steps}"
    open_ = [job for job in every if job.key not in done]
    print(f"{len(every)} runs, {len(every) - len(open_)} of them finished; results in {chosen.results}", flush=True)
    for number, job in enumerate(pace.mine(every), start=1):
        if job.key in done:
            continue
        began = time.monotonic()
        row = run(job, options)
        append_row(chosen.results, row)
        pace.seconds.append(time.monotonic() - began)
        print(
            f"{number}: {job.chosen.key}, seed {job.seed}, {' = '.join(job.names)}: {row['steps']} steps in "
            f"{row['seconds']:.0f} s, {pace.seconds[-1]:.0f} s with scores",
            flush=True,
        )


def main() -> int:
    """Makes runs, or the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", default="run", choices=["run", "report"])
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"JSON lines; default: {RESULTS}")
    parser.add_argument("--sets", help="keys with commas between them; default: all that are here")
    parser.add_argument("--plans", choices=["main", "focal", "all"], default="all")
    parser.add_argument(
        "--segmenter",
        choices=SEGMENTERS,
        default=SEGMENTERS[0],
        help="by_set: the small U-Net on built-in scenes, the pretrained one on real ones; unet: the small U-Net",
    )
    parser.add_argument("--seeds", type=int, default=8, help="of the small U-Net")
    parser.add_argument("--steps", type=int, default=240, help="of the small U-Net")
    parser.add_argument("--pretrained-seeds", type=int, default=5)
    parser.add_argument("--pretrained-steps", type=int, default=180)
    parser.add_argument("--threads", type=int, default=1, help="results depend on it")
    parser.add_argument("--minutes", type=float, help="stop before so many are over")
    parser.add_argument("--piece", default="1/1", help="for example 2/6: the second of six pieces")
    chosen = parser.parse_args()
    try:
        if chosen.action == "run":
            make_runs(chosen)
        else:
            rows = read_rows([chosen.results]).values()
            if not rows:
                raise InputError("it holds no runs", str(chosen.results), "make some first, without report")
            write_report(evidence(rows, datetime.now(UTC).date().isoformat()))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
