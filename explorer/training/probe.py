"""How long a step of a plan takes on this machine: measured on real steps of the training loop."""

from __future__ import annotations

import statistics
import time

from explorer.imagery.scene import Dataset
from explorer.training.events import Step, Validation
from explorer.training.loop import train
from explorer.training.plan import Plan, scaled
from explorer.training.planning import typical_step_seconds
from explorer.training.schedule import validation_interval

_WARM_UP = 2  # first steps, which choose algorithms and fill caches
_FEWEST, _MOST = 4, 60  # steps that are measured


def measure_step_seconds(plan: Plan, dataset: Dataset, device: str = "auto", seconds: float = 1.0) -> float:
    """Seconds of a step, with all that a run does beside it: losses that are logged, and validations.

    Makes a few steps of the plan and one validation, and drops what they have trained. The median of the steps is taken:
    another program that is busy for a moment says nothing of the run.

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
    for event in train(short, dataset, device=device, checkpoint_steps=short.steps):
        now = time.perf_counter()
        match event:
            case Step():
                steps.append(now - before)
            case Validation():
                validating = (now - before) / validation_interval(plan, event.pixels)
        before = now
    return statistics.median(steps[_WARM_UP:]) + validating


def _shortened(plan: Plan, seconds: float) -> Plan:
    """The first phase alone, with a few steps and one validation at their end, which sees as many pixels as any."""
    typical = typical_step_seconds(plan.segmenter.kind, plan.batch_size, plan.crop_size)
    steps = _WARM_UP + min(max(round(seconds / typical), _FEWEST), _MOST)
    first = plan.phases[0].model_copy(update={"trigger": None})
    return scaled(plan.model_copy(update={"phases": (first,), "cycles": 1, "interventions": ()}), steps)
