"""Trains a plan and gives what predicts. Used by ``claims``; ``real`` trains as the command line does."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from explorer.imagery.scene import Dataset
from explorer.segmenter.network import build_segmenter
from explorer.segmenter.prediction import Predictor
from explorer.training.checkpoints import load_checkpoint, load_weights
from explorer.training.events import CheckpointSaved, Ended
from explorer.training.loop import train
from explorer.training.plan import Plan

_RARELY = 1_000_000  # steps between checkpoints: those at the ends of phases are enough


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a run."""

    predictor: Predictor
    steps: int  # that were made
    end: str  # why the run ended, see ``Ended``
    seconds: float  # of the loop, validations included


def trained(plan: Plan, dataset: Dataset) -> Trained:
    """Trains on a processor and loads the last checkpoint."""
    began = time.perf_counter()
    end, steps = "failed", 0
    with tempfile.TemporaryDirectory() as name:
        folder, last = Path(name), ""
        for event in train(plan, dataset, device="cpu", checkpoints=folder, checkpoint_steps=_RARELY):
            if isinstance(event, CheckpointSaved):
                last, steps = event.file, event.step
            elif isinstance(event, Ended):
                end = event.reason
        checkpoint = load_checkpoint(folder / last)
    channels = plan.inputs.channels(len(dataset.bands))
    segmenter = build_segmenter(channels, len(dataset.classes), plan.segmenter, plan.seed)
    load_weights(segmenter, checkpoint)
    predictor = Predictor(segmenter.eval(), dataset.stretch, plan.inputs, plan.flips, plan.upright)
    return Trained(predictor, steps, end, time.perf_counter() - began)
