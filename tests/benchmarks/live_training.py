"""Live training against a bare torch loop of the same segmenter on the same batches, in samples per second.

    python tests/benchmarks/live_training.py [--rounds N]

Live is what the app does: the first preset on the built-in car park through ``execute``, every loss logged, gradient
norms, validations, previews, checkpoints and events on disk, and another process that takes the events into the store
and follows them twice a second, as a page does. Bare is the fastest loop that plain torch offers: batches made
beforehand, channels_last, fused AdamW, torch's own weighted cross-entropy, nothing read back. Both make the same steps
of weighted cross-entropy, in turn; the ratio is that of the medians. Exits with 1 below 0.95.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from multiprocessing.synchronize import Event as Signal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.imagery.builtin import builtin_dataset
from explorer.imagery.scene import Dataset
from explorer.runs.execute import execute
from explorer.runs.following import Follower
from explorer.runs.store import Store
from explorer.segmenter.network import build_segmenter
from explorer.training.commands import RunUntil
from explorer.training.events import PhaseChange, Step
from explorer.training.loop import weights_of_data
from explorer.training.plan import Plan
from explorer.training.presets import preset_plan
from explorer.training.sampler import Sampler

WANTED, THREADS = 0.95, 2
STEPS = 200  # in each round: with validations and checkpoints in the share that they have of a whole run
LOOKS_EVERY = 0.5  # seconds, as the live page does


def follow(root: Path, run_id: str, ended: Signal) -> None:
    """The server's part: takes new events into the store and makes a page's history of them."""
    store = Store(root)
    follower = Follower(store, run_id)
    while not ended.wait(LOOKS_EVERY):
        store.take_in(run_id)
        follower.history()


def live(root: Path, plan: Plan, dataset: Dataset, steps: int) -> float:
    """Samples per second of a live run, from its start to its last step."""
    store = Store(root)
    run = store.create_run(plan, store.save_dataset(dataset))
    folder = store.folder(run.id)
    folder.send(RunUntil(steps))
    spawn = multiprocessing.get_context("spawn")
    ended = spawn.Event()
    reader = spawn.Process(target=follow, args=(root, run.id, ended))
    reader.start()
    time.sleep(2)  # until it looks
    began = last = 0.0
    for event in execute(folder, dataset, device="cpu"):
        if isinstance(event, PhaseChange) and not event.step:
            began = time.perf_counter()
        if isinstance(event, Step) and event.step == steps:
            last = time.perf_counter()
    ended.set()
    reader.join()
    store.close()
    return steps * plan.batch_size / (last - began)


def bare(plan: Plan, dataset: Dataset, batches: list[tuple[Tensor, Tensor]], weights: Tensor) -> float:
    """Samples per second of the bare loop over these batches."""
    segmenter = build_segmenter(len(dataset.bands), len(dataset.classes), plan.segmenter, plan.seed)
    optimizer = torch.optim.AdamW(
        segmenter.parameters(), lr=plan.phases[0].learning_rate, weight_decay=plan.weight_decay, fused=True
    )
    began = time.perf_counter()
    for images, labels in batches:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(segmenter(images), labels, weights).backward()
        optimizer.step()
    return len(batches) * plan.batch_size / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(THREADS)
    preset, dataset = preset_plan("recall_first"), builtin_dataset("car_park")
    first = preset.phases[0].model_copy(update={"steps": preset.steps})
    plan = preset.model_copy(update={"phases": (first,), "cycles": 1})  # as long, so validated as often
    sampler = Sampler(dataset.training, len(dataset.classes), dataset.stretch, plan, torch.device("cpu"))
    batches = []
    for step in range(STEPS):
        places = sampler.places(step)
        batches.append((sampler.images(places), sampler.labels(places).long()))
    weights = torch.tensor(weights_of_data(dataset)("inverse_frequency", first.loss.weight_cap))
    bare(plan, dataset, batches[:20], weights)  # warm
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            if number % 2:
                slow = live(Path(folder), plan, dataset, STEPS)
                fast = bare(plan, dataset, batches, weights)
            else:
                fast = bare(plan, dataset, batches, weights)
                slow = live(Path(folder), plan, dataset, STEPS)
            pairs.append((slow, fast))
            print(f"live {slow:.1f}, bare {fast:.1f} samples per second: {slow / fast:.3f}", flush=True)
    ratio = statistics.median(slow for slow, _ in pairs) / statistics.median(fast for _, fast in pairs)
    print(f"ratio of the medians over {rounds} rounds of {STEPS} steps: {ratio:.3f} (wanted: {WANTED} or more)")
    return 0 if ratio >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
