"""The first preset on the built-in car park: object F1 on its held-out scenes after at most 60 s of training.

    python tests/benchmarks/car_park.py [SEED ...]

Two threads, the dataset in memory, and everything that a live run computes (all logged losses, validations, previews).
For each seed, prints the F1 of the last validation within the 60 s, which covers the held-out scenes completely. Exits
with 1 if the mean over the seeds is below 0.8.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the app's workers; torch reads it on import

import torch

from explorer.imagery.builtin import builtin_dataset
from explorer.imagery.scene import Dataset
from explorer.training.events import Step, Validation
from explorer.training.loop import train
from explorer.training.presets import preset_plan

SECONDS, TARGET, THREADS = 60.0, 0.8, 2
SEEDS = (0, 1, 2)


def trained(dataset: Dataset, seed: int) -> float:
    """Trains for at most a minute, prints the result and returns the object F1 of the cars."""
    plan = preset_plan("recall_first", seed)
    began = time.perf_counter()
    step, seconds, last = 0, 0.0, None
    for event in train(plan, dataset, device="cpu"):
        now = time.perf_counter() - began
        if now > SECONDS:
            break
        if isinstance(event, Validation):
            last = event
        if isinstance(event, Step):
            step, seconds = event.step, now
    if last is None:
        print(f"seed {seed}: no validation within {SECONDS:.0f} s ({step} steps)")
        return 0.0
    cars = last.scores.classes[1]
    print(
        f"seed {seed}: object F1 {cars.object.f1 or 0:.3f} at step {last.step} of {plan.steps} "
        f"(recall {cars.object.recall or 0:.2f}, precision {cars.object.precision or 0:.2f}, "
        f"pixel IoU {cars.pixel.iou or 0:.2f}); {step} steps in {seconds:.0f} s, "
        f"{seconds / max(step, 1) * 1000:.0f} ms per step",
        flush=True,
    )
    return cars.object.f1 or 0.0


def main() -> int:
    torch.set_num_threads(THREADS)
    seeds = [int(word) for word in sys.argv[1:]] or list(SEEDS)
    dataset = builtin_dataset("car_park")
    reached = [trained(dataset, seed) for seed in seeds]
    mean = statistics.mean(reached)
    print(f"object F1 within {SECONDS:.0f} s: mean {mean:.3f}, from {min(reached):.3f} to {max(reached):.3f}")
    print(f"target: at least {TARGET} — {'reached' if mean >= TARGET else 'NOT reached'}")
    return 0 if mean >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
