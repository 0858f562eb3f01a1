"""A dataset and a plan on which a step takes milliseconds."""

from __future__ import annotations

import numpy as np

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset, Scene
from explorer.losses.spec import LossSpec
from explorer.segmenter.spec import UNetSpec
from explorer.training.plan import Phase, Plan


def tiny_dataset(name: str = "tiny") -> Dataset:
    """Four scenes of 64×64 pixels in two bands: bright squares on a noisy ground."""
    random = np.random.default_rng(0)
    scenes = []
    for index in range(4):
        label = np.zeros((64, 64), np.uint8)
        for row, column in random.integers(4, 50, (4, 2)):
            label[row : row + 8, column : column + 8] = 1
        image = random.normal(0.3, 0.05, (2, 64, 64)) + 0.4 * label
        scenes.append(Scene(f"scene{index}", (image * 255).clip(0, 255).astype(np.uint8), label, ("red", "near")))
    return make_dataset(name, scenes, ("background", "square"))


def tiny_plan(steps: int = 20, **changes: object) -> Plan:
    """One phase of weighted cross-entropy on small crops."""
    phase = Phase(loss=LossSpec(kind="weighted_cross_entropy", class_weights=(1.0, 5.0)), steps=steps)
    plan = {
        "name": "tiny",
        "phases": (phase,),
        "segmenter": UNetSpec(width=4, depth=1),
        "batch_size": 2,
        "crop_size": 16,
    }
    return Plan.model_validate(plan | changes)
