"""What a run measures while it trains: the scores on the validation scenes, and what its triggers watch.

Scenes that choose are not scenes that score: where a plan chooses its threshold, triggers watch the threshold scenes
and never the validation scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.imagery.scene import Dataset, Scene
from explorer.imagery.splitting import Split, hold_out
from explorer.metrics.counts import Scores
from explorer.segmenter.network import Segmenter
from explorer.training.plan import Plan, Trigger
from explorer.training.schedule import validation_interval, validation_pixels
from explorer.training.validation import Validator


def trained_and_held_out(plan: Plan, dataset: Dataset) -> Split:
    """The training scenes of a dataset that a plan trains on, and as ``validation`` those that it holds out.

    On the latter the threshold is chosen, and triggers watch them; a plan that chooses no threshold holds out none.
    """
    if not plan.choose_threshold:
        return Split(dataset.training, ())
    return hold_out(dataset.training, len(dataset.classes))


@dataclass(frozen=True, eq=False)
class Measured:
    """What one validation gives."""

    scores: Scores  # on the validation scenes
    choosing: Scores | None  # on the threshold scenes, where the trigger watches them
    watched: Scores | None  # what the trigger watches: one of both; None: there is nothing that it may watch
    reachable: float | None  # of a relative trigger, see ``best_reachable``
    preview: NDArray[np.uint8]  # (H, W), class ids
    seconds: float


class Watch:
    """The validators of a run.

    Args:
        plan: of the run.
        dataset: its validation scenes, stretch, classes and rules are used.
        threshold_scenes: what neither trains nor scores; empty where the plan chooses no threshold, or where no scene
            is large enough to be cut.
        device: of the segmenter.
    """

    def __init__(self, plan: Plan, dataset: Dataset, threshold_scenes: Sequence[Scene], device: torch.device) -> None:
        triggers = any(phase.trigger for phase in plan.phases)
        apart = triggers and bool(threshold_scenes)
        pixels = validation_pixels(plan) // (2 if apart else 1)

        def validator(scenes: Sequence[Scene]) -> Validator:
            return Validator(
                scenes,
                len(dataset.classes),
                dataset.stretch,
                device,
                dataset.minimum_area,
                inputs=plan.inputs,
                most_pixels=pixels,
                rule=dataset.match_rule,
            )

        self.validator = validator(dataset.validation)
        self._choosing = validator(threshold_scenes) if apart else None
        self._blind = plan.choose_threshold and self._choosing is None
        self.interval = validation_interval(
            plan, self.validator.pixels + (self._choosing.pixels if self._choosing else 0)
        )
        self.useless_triggers = triggers and self._blind

    def measure(self, segmenter: Segmenter, trigger: Trigger | None) -> Measured:
        """Validates.

        Args:
            segmenter: in evaluation mode.
            trigger: of the phase.
        """
        choosing = self._choosing.validate(segmenter, trigger) if self._choosing and trigger else None
        seen = self.validator.validate(segmenter, None if choosing or self._blind else trigger)
        watched = choosing or seen
        return Measured(
            scores=seen.scores,
            choosing=choosing.scores if choosing else None,
            watched=None if self._blind else watched.scores,
            reachable=watched.reachable,
            preview=seen.preview,
            seconds=seen.seconds + (choosing.seconds if choosing else 0.0),
        )
