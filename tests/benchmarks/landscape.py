"""Time and errors of a slice against ``loss-landscapes`` 3.0.6 on the same segmenter and crops, on two cores.

    python -m tests.benchmarks.landscape                     # car_park ships nuclei
    python -m tests.benchmarks.landscape ships:pretrained    # the kind of segmenter that the app plans for this set

Three small U-Nets, each after a short training: on the car park by the first preset, on ships and nuclei (which lie in
``../shared/data`` beside the checkout) as the app plans it. For each, on a random plane at the default tolerance:

- time to a 41×41 slice against the peer's 1681 points with one loss; the peer's cost is measured on a few points
- 95th percentile and largest error of every loss, true (against all 1681 points) and as the slice expects them itself
- time per point, ours with every loss and pixel metric, the peer with cross-entropy; and of the forward alone

Ours and the peer are measured in turns, and a ratio is the median of the rounds: a busy machine slows down both.
The peer gets segmenter and crops in torch's default layout, as its users have them; it does not change it.
"""

from __future__ import annotations

import copy
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # this and the next as in the app's workers
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import loss_landscapes
import numpy as np
import torch
from loss_landscapes.metrics import Loss as PeerMetric
from numpy.typing import NDArray

from explorer.cli.plan_options import plan_for
from explorer.imagery.builtin.catalogue import builtin_dataset
from explorer.imagery.scene import IGNORE
from explorer.landscape.refine import Refinement, refine
from explorer.landscape.segmenter_objective import SegmenterObjective
from explorer.landscape.side_by_side import SideBySide
from explorer.landscape.slice import empty_refinement
from explorer.landscape.slice_meta import SliceRequest
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.requests import PlanRequest
from explorer.runs.slices import SliceSetup, local_measure, prepare
from explorer.runs.training import execute
from explorer.training.plan import scaled
from explorer.training.presets import preset_plan
from tests.benchmarks.sets import SETS, as_app, missing

P95, WORST, FASTER, PER_POINT, ONCE_PER_FIELD, TO_FORWARD = 0.015, 0.05, 15.0, 0.60, 80.0, 0.85  # the bars
STEPS = 120  # of training
ROUNDS, PEER_STEPS = 5, 3
POINTS = PEER_STEPS**2
DEFAULT = ("car_park", "ships", "nuclei")


def trained(key: str, path: Path) -> RunFolder:
    """A short run; ``key`` is a set, with ``:pretrained`` for the segmenter that the app plans for it."""
    name, _, kind = key.partition(":")
    if name == "car_park":
        dataset, plan = builtin_dataset(name), scaled(preset_plan("recall_first"), STEPS)
    else:
        dataset = as_app(SETS[name], 0)
        request = PlanRequest(steps=STEPS, segmenter="pretrained" if kind == "pretrained" else "unet")
        plan = plan_for(request, dataset, "cpu").plan
    folder = RunFolder.create(path, plan, DatasetReference.to(dataset))
    for _ in execute(folder, dataset, device="cpu"):
        pass
    return folder


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


class ForwardAlone(SegmenterObjective):
    """The same without fields taken."""

    def evaluate(self) -> NDArray[np.float64]:
        """Nothing, after a forward."""
        self.logits()
        return np.zeros((1, 0))


def forward_alone(setup: SliceSetup, points: Sequence[tuple[float, float]]) -> Callable[[], object]:
    """Forwards at points, on the same threads."""
    objective = copy.copy(setup.objective)
    objective.__class__ = ForwardAlone
    side_by_side = SideBySide(objective, setup.plane)
    return lambda: list(side_by_side.evaluate(points))


def peer(setup: SliceSetup) -> Callable[[], object]:
    """The peer's plane with one loss, ``PEER_STEPS``² points, on a copy of the segmenter."""
    images = torch.from_numpy(setup.data.crops.images).contiguous()
    labels = torch.from_numpy(setup.data.crops.labels).long()
    metric = PeerMetric(torch.nn.CrossEntropyLoss(ignore_index=IGNORE), images, labels)
    segmenter = copy.deepcopy(setup.objective.segmenter).to(memory_format=torch.contiguous_format)
    return lambda: loss_landscapes.random_plane(
        segmenter, metric, distance=1, steps=PEER_STEPS, normalization="filter", deepcopy_model=True
    )


def adaptive(setup: SliceSetup, first: list[float]) -> Refinement:
    """A slice at the default tolerance; appends the seconds until the picture from nine points."""
    refinement = empty_refinement(setup.meta)
    began = time.perf_counter()
    for _ in refine(refinement, local_measure(setup), setup.meta.request.budget):
        if refinement.count == POINTS:
            refinement.estimate()
            first.append(time.perf_counter() - began)
    refinement.estimate()
    return refinement


def true_errors(refinement: Refinement, setup: SliceSetup) -> dict[str, tuple[float, float]]:
    """Of every loss, 95th percentile and largest error on the whole grid, as shares of its log range."""
    grid = refinement.grid
    every = SideBySide(setup.objective, setup.plane).evaluate(grid.points(np.arange(grid.size)))
    whole, found = np.stack([values[0] for values in every]), {}
    for column, field in enumerate(refinement.fields):
        if field.group == "loss":
            true, guess = np.log(whole[:, column]), np.log(refinement.estimate().values[:, column])
            error = np.abs(true - guess) / np.ptp(true)
            found[field.name] = (float(np.percentile(error, 95)), float(error.max()))
    return found


def measure(key: str) -> int:
    """Prints the numbers of one segmenter; how many bars it misses."""
    with tempfile.TemporaryDirectory() as name:
        setup = prepare(trained(key, Path(name) / "run"), SliceRequest(), "cpu")
    count, fields = sum(each.numel() for each in setup.objective.parameters), len(setup.objective.fields)
    crops = setup.data.crops.labels
    print(f"{key}: {count} parameters, {len(crops)} crops of {crops.shape[1]}², {fields} fields, 2 threads", flush=True)
    some = setup.meta.grid.points(np.random.default_rng(0).integers(0, 1681, POINTS))
    theirs, alone, ours = peer(setup), forward_alone(setup, some), SideBySide(setup.objective, setup.plane)
    first: list[float] = []
    refinement = adaptive(setup, [])
    theirs()
    rounds = []
    for _ in range(ROUNDS):
        before = seconds(theirs)
        took = seconds(lambda: adaptive(setup, first))
        of_peer = (before + seconds(theirs)) / 2 / POINTS
        point, forward = (seconds(call) / POINTS for call in (lambda: list(ours.evaluate(some)), alone))
        rounds.append((1681 * of_peer / took, point / of_peer, forward / point))
        print(
            f"  slice {took:.1f} s ({first[-1]:.2f} s to the first picture); a point: peer {1000 * of_peer:.0f} ms, "
            f"ours {1000 * point:.0f} ms, forward alone {1000 * forward:.0f} ms; {rounds[-1][0]:.1f} times as fast",
            flush=True,
        )
    true, expected = true_errors(refinement, setup), refinement.expected_errors()
    for loss, (p95, worst) in true.items():
        said = f"expected {expected[loss][0]:.2%} and {expected[loss][1]:.2%}"
        print(f"  {loss:24s} p95 {p95:.2%}, worst {worst:.2%} of the log range; {said}")
    faster, per_point, to_forward = (statistics.median(each) for each in zip(*rounds, strict=True))
    (most95, most), (said95, said) = (
        tuple(max(both) for both in zip(*each.values(), strict=True)) for each in (true, expected)
    )
    print(f"  {refinement.count} points at tolerance {setup.meta.request.tolerance:.2%}")
    rows = [
        ("41×41 slice, times faster than the peer with one loss", faster, FASTER, True),
        ("the same, than the peer once per field", faster * fields, ONCE_PER_FIELD, True),
        ("time per point to the peer's", per_point, PER_POINT, False),
        ("points per second to the forward alone", to_forward, TO_FORWARD, True),
        (f"p95 of the worst loss in % (expected {100 * said95:.2f})", 100 * most95, 100 * P95, False),
        (f"worst point of the worst loss in % (expected {100 * said:.2f})", 100 * most, 100 * WORST, False),
    ]
    missed = 0
    for what, value, bar, more in rows:
        good = value >= bar if more else value <= bar
        missed += not good
        print(f"{'ok  ' if good else 'MISS'} {key}, {what}: {value:.3g} ({'≥' if more else '≤'} {bar:g})", flush=True)
    return missed


def main() -> int:
    """Prints the numbers; 1 if a bar is missed, or a set is not here."""
    torch.set_num_threads(2)
    missed = 0
    for key in sys.argv[1:] or DEFAULT:
        name = key.partition(":")[0]
        reason = missing(SETS[name]) if name in SETS else None
        if reason is not None:
            print(reason)
        missed += measure(key) if reason is None else 1
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
