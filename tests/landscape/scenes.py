"""Small crops and segmenters for tests of landscapes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.imagery.objects import object_maps
from explorer.imagery.scene import IGNORE
from explorer.landscape.crops import Crops
from explorer.landscape.segmenter_objective import SegmenterObjective
from explorer.losses.spec import logged_specs
from explorer.segmenter.network import build_segmenter
from explorer.segmenter.spec import UNetSpec

NAMES = ("background", "car", "ship", "tree")
SMALL = UNetSpec(width=4, depth=1)


def make_labels(count: int = 6, size: int = 32, classes: int = 2, seed: int = 0) -> NDArray[np.uint8]:
    """Rectangles of every class; the first image has no object, all have an ignored edge."""
    random = np.random.default_rng(seed)
    labels = np.zeros((count, size, size), dtype=np.uint8)
    for label in labels[1:]:
        for class_id in range(1, classes):
            for _ in range(2):
                top, left = random.integers(2, size - 8, 2)
                label[top : top + random.integers(3, 7), left : left + random.integers(3, 7)] = class_id
    labels[:, :2] = IGNORE
    return labels


def make_crops(count: int = 6, size: int = 32, classes: int = 2, seed: int = 0) -> Crops:
    """Crops whose bright pixels are the objects, with noise."""
    labels = make_labels(count, size, classes, seed)
    maps = [object_maps(label, classes) for label in labels]
    random = np.random.default_rng(seed + 1)
    truth = np.where(labels == IGNORE, 0, labels)[:, None] / max(1, classes - 1)
    images = 0.2 + 0.5 * truth + 0.15 * random.standard_normal((count, 3, size, size))
    return Crops(
        images.clip(0, 1).astype(np.float32),
        labels,
        np.stack([each.ids for each in maps]),
        np.stack([each.owners for each in maps]),
    )


def make_objective(crops: Crops, seed: int = 0, objects: bool = False) -> SegmenterObjective:
    """An untrained small segmenter on the crops."""
    segmenter = build_segmenter(3, crops.classes, SMALL, seed)
    weights = [1.0, 8.0, 6.0, 4.0][: crops.classes]
    return SegmenterObjective(segmenter, crops, logged_specs(weights), NAMES[: crops.classes], objects)


def fit(objective: SegmenterObjective, steps: int, kind: str = "weighted_cross_entropy") -> list[torch.Tensor]:
    """Trains briefly on the crops themselves; gives the flat weights after every step."""
    optimizer = torch.optim.Adam(objective.parameters, lr=0.02)
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        objective.loss(kind).backward()
        optimizer.step()
        path.append(torch.cat([each.detach().flatten() for each in objective.parameters]).clone())
    return path
