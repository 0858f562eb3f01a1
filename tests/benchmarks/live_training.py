"""Live training against a bare torch loop of the same segmenter on the same batches, in samples per second.

    python tests/benchmarks/live_training.py [--rounds N] [--threads N]

Live is what the app does: the first preset on the built-in car park through ``execute``, every loss logged, gradient
norms, validations, previews, checkpoints and events on disk, and another process that takes the events into the store
and follows them once a second, as a page does. Bare is the fastest loop that plain torch offers: batches made
beforehand, channels_last, fused AdamW, torch's own weighted cross-entropy, nothing read back. Both make the same steps
of weighted cross-entropy, a few of the one and then a few of the other, so that a busy machine slows both alike; the
page looks only while the live run works. Exits with 1 where the ratio of all samples per second is below 0.95.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event as Signal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the app's workers; torch reads it as it is imported

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.imagery.builtin import builtin_dataset
from explorer.imagery.scene import Dataset
from explorer.runs.history import Follower
from explorer.runs.store import Store
from explorer.runs.training import execute
from explorer.segmenter.network import build_segmenter
from explorer.training.commands import RunUntil
from explorer.training.events import Event, Started, Step
from explorer.training.plan import Plan
from explorer.training.presets import preset_plan
from explorer.training.sampler import Sampler
from explorer.training.weighting import weights_of_data

Batches = list[tuple[Tensor, Tensor]]

WANTED = 0.95
STEPS = 200  # in each round: with validations and checkpoints in the share that they have of a whole run
TURN = 10  # steps of the one before it is the other's turn
LOOKS_EVERY = 1.0  # seconds, as the live page does


def follow(root: Path, run_id: str, ready: Signal, live: Signal, ended: Signal) -> None:
    """The server's part: takes new events into the store and makes a page's history of them."""
    store = Store(root)
    follower = Follower(store, run_id)
    ready.set()
    while not ended.is_set():
        if live.wait(LOOKS_EVERY):
            store.ingest(run_id)
            follower.history()
            time.sleep(LOOKS_EVERY)


def bare(plan: Plan, dataset: Dataset, batches: Batches, weights: Tensor) -> Iterator[None]:
    """The bare loop; yields after each step."""
    segmenter = build_segmenter(len(dataset.bands), len(dataset.classes), plan.segmenter, plan.seed)
    optimizer = torch.optim.AdamW(
        segmenter.parameters(), lr=plan.phases[0].learning_rate, weight_decay=plan.weight_decay, fused=True
    )
    for images, labels in batches:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(segmenter(images), labels, weights).backward()
        optimizer.step()
        yield


def until(steps: int, events: Iterator[Event]) -> None:
    """Lets a live run go on until it has made so many steps, and whatever followed the last one but this."""
    for event in events:
        if isinstance(event, Step) and event.step == steps:
            return


def compare(root: Path, plan: Plan, dataset: Dataset, batches: Batches, weights: Tensor) -> tuple[float, float]:
    """Seconds that live and bare took for ``STEPS`` steps in turns."""
    store = Store(root)
    run = store.create_run(plan, store.save_dataset(dataset))
    folder = store.folder(run.id)
    folder.send(RunUntil(STEPS))
    spawn = multiprocessing.get_context("spawn")
    ready, working, ended = spawn.Event(), spawn.Event(), spawn.Event()
    reader = spawn.Process(target=follow, args=(root, run.id, ready, working, ended))
    reader.start()
    ready.wait()  # a server has long been there when a run begins
    events = execute(folder, dataset, device="cpu")
    next(event for event in events if isinstance(event, Started))
    loop = bare(plan, dataset, batches, weights)
    seconds = [0.0, 0.0]
    for end in range(TURN, STEPS + 1, TURN):
        working.set()
        began = time.perf_counter()
        until(end, events)
        seconds[0] += time.perf_counter() - began
        working.clear()
        began = time.perf_counter()
        for _ in range(TURN):
            next(loop)
        seconds[1] += time.perf_counter() - began
    ended.set()
    for _ in events:  # it pauses
        pass
    reader.join()
    store.close()
    return seconds[0], seconds[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    preset, dataset = preset_plan("recall_first"), builtin_dataset("car_park")
    first = preset.phases[0].model_copy(update={"steps": preset.steps, "trigger": None})
    plan = preset.model_copy(update={"phases": (first,), "cycles": 1})  # as long, so validated as often
    sampler = Sampler(dataset.training, len(dataset.classes), dataset.stretch, plan, torch.device("cpu"))
    batches = []
    for step in range(STEPS):
        places = sampler.crops(step)
        batches.append((sampler.images(places), sampler.labels(places).long()))
    weights = torch.tensor(weights_of_data(dataset)("inverse_frequency", first.loss.weight_cap))
    for _ in bare(plan, dataset, batches[:20], weights):  # warm
        pass
    samples = STEPS * plan.batch_size
    whole = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            seconds = compare(Path(folder), plan, dataset, batches, weights)
            whole = [before + now for before, now in zip(whole, seconds, strict=True)]
            live, alone = (samples / spent for spent in seconds)
            print(f"live {live:.1f}, bare {alone:.1f} samples per second: {live / alone:.3f}", flush=True)
    ratio = whole[1] / whole[0]
    print(f"ratio over {arguments.rounds} rounds of {STEPS} steps: {ratio:.3f} (wanted: {WANTED} or more)")
    return 0 if ratio >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
