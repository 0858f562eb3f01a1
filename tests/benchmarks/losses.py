"""All losses of one prediction against the same losses called one by one from MONAI, kornia and torch.

    python tests/benchmarks/losses.py

Forward and backward on the same tensors. A peer of several is the fastest of them, plain cross-entropy is torch's own.
All are timed in turn, in random order, in processor time of one thread, and the median is taken: a busy machine
changes it little. Ours together: one ``Prediction``, the sum of all losses, one backward. Ours alone: a ``Prediction``
for each loss.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import kornia.losses as kornia
import monai.losses as monai
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.imagery.scene import IGNORE
from explorer.losses import LOSSES, LossSpec
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction

Call = Callable[[Tensor, Tensor], Tensor]
OVERLAP = {"softmax": True, "to_onehot_y": True, "batch": True, "ignore_index": IGNORE}
SECONDS = 0.4  # for each call


def _monai(loss: torch.nn.Module) -> Call:
    return lambda z, y: loss(z, y[:, None])


def peers(classes: int) -> dict[str, list[Call]]:
    """The losses of other libraries that mean the same, by kind."""
    weights = torch.linspace(1, 9, classes)
    focal_tversky = monai.TverskyLoss(alpha=0.3, beta=0.7, reduction="none", **OVERLAP)
    dice = _monai(monai.DiceLoss(**OVERLAP))
    return {
        "cross_entropy": [lambda z, y: F.cross_entropy(z, y, ignore_index=IGNORE)],
        "weighted_cross_entropy": [lambda z, y: F.cross_entropy(z, y, weight=weights, ignore_index=IGNORE)],
        "focal": [
            _monai(monai.FocalLoss(gamma=2, use_softmax=True, to_onehot_y=True, ignore_index=IGNORE)),
            lambda z, y: kornia.focal_loss(z, y, alpha=None, gamma=2, reduction="mean", ignore_index=IGNORE),
        ],
        "jaccard": [_monai(monai.DiceLoss(jaccard=True, **OVERLAP))],
        "dice": [
            dice,
            lambda z, y: kornia.dice_loss(z, y, average="macro", ignore_index=IGNORE),
        ],
        "tversky": [
            _monai(monai.TverskyLoss(alpha=0.3, beta=0.7, **OVERLAP)),
            lambda z, y: kornia.tversky_loss(z, y, alpha=0.3, beta=0.7, ignore_index=IGNORE),
        ],
        "focal_tversky": [_monai(lambda z, y: (focal_tversky(z, y) ** 0.75).mean())],
        # MONAI's DiceCELoss ignores nothing in its cross-entropy
        "dice_cross_entropy": [lambda z, y: dice(z, y) + F.cross_entropy(z, y, ignore_index=IGNORE)],
        # kornia's has no ignore: what it does with 255 is wrong, but takes as long
        "lovasz": [lambda z, y: kornia.lovasz_softmax_loss(z, y.clamp_max(classes - 1))],
    }


def medians(calls: Mapping[str, Call], logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Milliseconds of each call, forward and backward."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = random.Random(0)  # what one call leaves in caches is not always the same call's gain
    stop = time.perf_counter() + SECONDS * len(calls)
    while time.perf_counter() < stop or len(times[next(iter(calls))]) < 5:
        for name, call in order.sample(list(calls.items()), len(calls)):
            z = logits.detach().requires_grad_()
            start = time.process_time()
            call(z, labels).backward()
            times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def spec(kind: str, classes: int) -> LossSpec:
    """The kind with its default settings."""
    weights = tuple(torch.linspace(1, 9, classes).tolist())
    return LossSpec(kind=kind, class_weights=weights if LOSSES[kind].needs_class_weights else None)


def compare(batch: int, side: int, classes: int) -> float:
    """Prints one table; returns how many times faster all losses together are."""
    seeded = torch.Generator().manual_seed(0)
    logits = torch.randn(batch, classes, side, side, generator=seeded)
    coarse = (torch.rand(batch, 1, side // 8, side // 8, generator=seeded) < 0.1) * torch.randint(
        1, classes, (batch, 1, side // 8, side // 8), generator=seeded
    )
    labels = F.interpolate(coarse.float(), (side, side)).long()[:, 0]
    labels[:, 0] = IGNORE
    others = peers(classes)
    ours = {kind: build_loss(spec(kind, classes)) for kind in LOSSES if kind != "combined"}
    paired = [loss for kind, loss in ours.items() if kind in others]

    def together(z: Tensor, y: Tensor) -> Tensor:
        prediction = Prediction(z, y)
        return torch.stack([loss.of(prediction) for loss in paired]).sum()

    calls: dict[str, Call] = {"together": together}
    for kind, candidates in others.items():
        calls[kind] = ours[kind]
        calls |= {f"{kind} {i}": candidate for i, candidate in enumerate(candidates)}
    ids, owners, _ = Prediction(logits, labels).objects
    alone = [kind for kind in ours if kind not in others]  # no peer has them
    for kind in alone:
        calls[kind] = lambda z, y, of=ours[kind].of: of(Prediction(z, y, ids, owners))
    took = medians(calls, logits, labels)

    print(f"\nbatch {batch} of {side} × {side}, {classes} classes, milliseconds forward and backward")
    print(f"{'loss':<30}{'ours':>9}{'peer':>9}{'peer ÷ ours':>13}")
    total = 0.0
    for kind, candidates in others.items():
        peer = min(took[f"{kind} {i}"] for i in range(len(candidates)))
        total += peer
        print(f"{kind:<30}{took[kind]:9.2f}{peer:9.2f}{peer / took[kind]:13.2f}")
    for kind in alone:
        print(f"{kind:<30}{took[kind]:9.2f}{'–':>9}{'–':>13}")
    print(f"{'all with a peer':<30}{took['together']:9.2f}{total:9.2f}{total / took['together']:13.2f}")
    return total / took["together"]


def main() -> None:
    """Runs all sizes and prints the ratios."""
    torch.set_num_threads(1)
    ratios = [compare(batch, side, classes) for batch, side in ((8, 96), (4, 256)) for classes in (2, 4)]
    print(f"\nall losses of one prediction: {min(ratios):.1f} to {max(ratios):.1f} times as fast as one by one (≥ 3)")


if __name__ == "__main__":
    main()
