"""How long a step of a plan takes on this machine: measured on real steps of the training loop."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

from explorer.imagery.scene import Dataset, Scene, has_foreground
from explorer.training.budget import Budget, typical_step_seconds
from explorer.training.events import Step, Validation
from explorer.training.fingerprint import Fingerprint
from explorer.training.loop import train
from explorer.training.plan import Plan, scaled
from explorer.training.planning import Proposal, propose_measured
from explorer.training.recipe import SegmenterKind
from explorer.training.schedule import validation_interval, validation_pixels

_WARM_UP = 2  # first steps, which choose algorithms and fill caches
_FEWEST, _MOST = 4, 60  # steps that are measured
_PIXELS = 3_000_000  # of the training scenes: a step takes no longer if there are more


def measure_step_seconds(plan: Plan, dataset: Dataset, device: str = "auto", seconds: float = 1.0) -> float:
    """Seconds of a step, with all that a run does beside it: losses that are logged, and validations.

    Makes a few steps of the plan and one validation, and drops what they have trained. The median of the steps is
    taken: another program that is busy for a moment says nothing of the run.

    Args:
        plan: with about as many steps as the run will have: how often it validates depends on them.
        dataset: what will be trained on.
        device: see ``train``.
        seconds: about how long to make steps on two usual cores; on a slower machine it takes longer. The data are
            prepared and brought to the device first.

    Raises:
        InputError: see ``train``.
    """
    short = _shortened(plan, seconds)
    steps: list[float] = []
    validating = 0.0
    before = time.perf_counter()
    for event in train(short, _few_scenes(dataset), device=device, checkpoint_steps=short.steps):
        now = time.perf_counter()
        match event:
            case Step():
                steps.append(now - before)
            case Validation():
                validating = (now - before) * _validation_share(plan, dataset, event)
        before = now
    return statistics.median(steps[_WARM_UP:]) + validating


def measured_proposal(
    fingerprint: Fingerprint,
    dataset: Dataset,
    preset: str,
    budget: Budget,
    *,
    device: str = "auto",
    seed: int = 0,
    segmenter: SegmenterKind | None = None,
) -> tuple[Proposal, float | None]:
    """The plan of a preset for a budget, measured on this machine: see ``propose_measured``.

    Args:
        fingerprint: of the dataset.
        dataset: what will be trained on.
        preset: see ``propose``, as budget, seed and segmenter.
        device: see ``train``.
    """

    def measure(plan: Plan) -> float:
        return measure_step_seconds(plan, dataset, device)

    return propose_measured(fingerprint, preset, budget, measure, seed=seed, segmenter=segmenter)


def _shortened(plan: Plan, seconds: float) -> Plan:
    """The first phase alone, with a few steps and one validation at their end."""
    typical = typical_step_seconds(plan.segmenter.kind, plan.batch_size, plan.crop_size)
    steps = _WARM_UP + min(max(round(seconds / typical), _FEWEST), _MOST)
    alone = {"phases": plan.phases[:1], "cycles": 1, "interventions": (), "carry_over": True, "validations": 1}
    return scaled(plan.model_copy(update=alone), steps)


def _few_scenes(dataset: Dataset) -> Dataset:
    """The dataset with as many of its training scenes as have about ``_PIXELS``, those with foreground first."""
    chosen: list[Scene] = []
    for scene in _foreground_first(dataset.training):
        chosen.append(scene)
        if sum(each.label.size for each in chosen) >= _PIXELS:
            break
    return replace(dataset, training=tuple(chosen))


def _foreground_first(scenes: Sequence[Scene]) -> list[Scene]:
    return sorted(scenes, key=lambda scene: not has_foreground([scene]))


def _validation_share(plan: Plan, dataset: Dataset, measured: Validation) -> float:
    """How much of the measured validation there is for each step of the plan."""
    sides = 2 if measured.choosing is not None else 1
    pixels = min(validation_pixels(plan) // sides, sum(scene.label.size for scene in dataset.validation))
    return pixels / max(1, measured.pixels) / validation_interval(plan, pixels * sides)
