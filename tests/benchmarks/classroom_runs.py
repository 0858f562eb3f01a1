"""The runs that a class looks at: one that trains, others that wait, have ended, or have gone on for very long."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.imagery.builtin import builtin_dataset
from explorer.runs.store import Store
from explorer.runs.training import execute
from explorer.training.checkpoints import load_checkpoint, save_checkpoint
from explorer.training.events import CheckpointSaved, Paused, PhaseChange, Preview, Started, Step, Validation, to_json
from explorer.training.plan import Plan, scaled
from explorer.training.presets import preset_plan

LONG = 300_000  # steps of the plans that do not end meanwhile
LENGTHS = (100, 10_000, 100_000)
"""Steps that the runs have made between which costs are compared."""
_SHORT = 20  # steps of the runs that have ended
_VALIDATED_EVERY = 50  # steps
_MADE_ALONE = {"plan.json", "dataset.json", "lock"}  # of each run's folder


@dataclass(frozen=True)
class Runs:
    """Ids of runs on the car park."""

    training: str  # has not begun
    waiting: tuple[str, ...]  # have not begun, either
    ended: tuple[str, ...]
    long: dict[int, str]  # by the steps after which they are paused


def prepared(root: Path, viewers: int) -> Runs:
    """A store with all that is looked at.

    Args:
        root: of the store.
        viewers: so many runs have ended; half as many wait.
    """
    store = Store(root)
    dataset = builtin_dataset("car_park")
    dataset_id, long = store.save_dataset(dataset), scaled(preset_plan("ce_only"), LONG)
    short = scaled(long, _SHORT)
    ended = _executed(store, short, dataset_id)
    runs = Runs(
        store.create_run(long, dataset_id).id,
        tuple(store.create_run(long, dataset_id).id for _ in range(viewers // 2 - 1)),
        (ended, *(_copied(store, ended, short, dataset_id) for _ in range(viewers - 1))),
        {steps: _prolonged(store, ended, long, dataset_id, steps) for steps in LENGTHS},
    )
    store.close()
    return runs


def copy_slices(root: Path, one: str, others: tuple[str, ...]) -> None:
    """Gives the other runs the slices of one, all of them with the same checkpoints."""
    for other in others:
        shutil.copytree(root / "runs" / one / "slices", root / "runs" / other / "slices", dirs_exist_ok=True)


def _executed(store: Store, plan: Plan, dataset_id: str) -> str:
    """A run that has made all of its plan."""
    run = store.create_run(plan, dataset_id)
    for _ in execute(store.folder(run.id), store.dataset(dataset_id), device="cpu"):
        pass
    store.ingest(run.id)
    return run.id


def _copied(store: Store, run_id: str, plan: Plan, dataset_id: str) -> str:
    """Another run with the same course."""
    run = store.create_run(plan, dataset_id)
    shutil.copytree(store.folder(run_id).path, store.folder(run.id).path, dirs_exist_ok=True,
                    ignore=lambda _, names: _MADE_ALONE.intersection(names))  # fmt: skip
    store.ingest(run.id)
    return run.id


def _prolonged(store: Store, run_id: str, plan: Plan, dataset_id: str, steps: int) -> str:
    """A run that says it has made more steps than that one, paused at a checkpoint from which it can go on."""
    run = store.create_run(plan, dataset_id)
    folder, like = store.folder(run.id), store.folder(run_id)
    shutil.copytree(like.previews, folder.previews)
    folder.checkpoints.mkdir()
    events = like.events()
    started = next(event for event in events if isinstance(event, Started))
    begun = next(event for event in events if isinstance(event, PhaseChange))
    shown = next(event for event in events if isinstance(event, Preview))
    validated = next(event for event in events if isinstance(event, Validation))
    made = [event for event in events if isinstance(event, Step)]
    checkpoint = load_checkpoint(like.checkpoint_files()[-1])
    with folder.events_file.open("w", encoding="utf-8") as log:
        for event in (started, begun, shown):
            log.write(to_json(event) + "\n")
        for step in range(1, steps + 1):
            log.write(to_json(replace(made[step % len(made)], step=step, seconds=0.05 * step)) + "\n")
            if step % _VALIDATED_EVERY == 0:
                log.write(to_json(replace(validated, step=step)) + "\n")
        path = save_checkpoint(replace(checkpoint, step=steps, seconds=0.05 * steps), folder.checkpoints)
        for last in (CheckpointSaved(steps, "pause", path.name), Paused(steps)):
            log.write(to_json(last) + "\n")
    store.ingest(run.id)
    return run.id
