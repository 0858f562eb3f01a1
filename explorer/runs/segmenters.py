"""What a run's segmenter predicts, and how it scores on scenes with labels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.objects import MINIMUM_AREA
from explorer.imagery.scene import Scene, Stretch
from explorer.imagery.stretch import stretched
from explorer.metrics.confusion import score_predictions
from explorer.metrics.counts import Scores
from explorer.runs.folder import RunFolder
from explorer.segmenter.network import Segmenter, build_segmenter
from explorer.segmenter.tiling import predict_probabilities
from explorer.training.checkpoints import latest_checkpoint, load_checkpoint, load_weights
from explorer.training.device import pick_device


def load_segmenter(folder: RunFolder, checkpoint: str | None = None, device: str = "auto") -> Segmenter:
    """The segmenter of a run, as it was at a checkpoint.

    Args:
        folder: of the run.
        checkpoint: name of a file in ``checkpoints/``; the newest one if not given.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Raises:
        InputError: the folder is no run, it has no such checkpoint, or the device is not there.
    """
    plan, dataset = folder.plan(), folder.dataset()
    if checkpoint is None:
        state = latest_checkpoint(folder.checkpoints)
        if state is None:
            raise InputError("the run has no checkpoint yet", str(folder.path), "train it first")
    else:
        state = load_checkpoint(folder.checkpoints / checkpoint)
    segmenter = build_segmenter(len(dataset.bands), len(dataset.classes), plan.segmenter, plan.seed)
    load_weights(segmenter, state)
    return segmenter.to(pick_device(device)).eval()


def probabilities(segmenter: Segmenter, image: NDArray[np.generic], stretch: Stretch) -> NDArray[np.float32]:
    """Class probabilities (K, H, W) of an image (C, H, W) in its own dtype, any size."""
    device = next(segmenter.parameters()).device
    tensor = torch.from_numpy(stretched(image, stretch)).to(device)
    predicted: NDArray[np.float32] = predict_probabilities(segmenter, tensor).cpu().numpy()
    return predicted


def evaluate_scenes(
    segmenter: Segmenter,
    scenes: Iterable[Scene],
    stretch: Stretch,
    classes: int,
    minimum_area: int = MINIMUM_AREA,
) -> Scores:
    """Pixel and object scores over whole scenes; each pixel gets its most probable class."""
    pairs = (
        (probabilities(segmenter, scene.image, stretch).argmax(0).astype(np.uint8), scene.label) for scene in scenes
    )
    return score_predictions(pairs, classes, minimum_area)
