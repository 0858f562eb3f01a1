"""What losses do to a run's segmenter on one validation crop: their gradients, by pixel and in weight space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import InputError
from explorer.imagery.archive import load_dataset
from explorer.imagery.objects import object_maps
from explorer.imagery.scene import IGNORE
from explorer.landscape.crops import Crops, cut_crops
from explorer.losses.lab import GradientMaps, LabCrop
from explorer.losses.loss import build_loss
from explorer.losses.prediction import Prediction
from explorer.losses.spec import LossSpec
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import load_segmenter
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.network import Segmenter


def lab_crops(dataset: Path, inputs: InputSpec) -> tuple[LabCrop, ...]:
    """The validation crops of a dataset's file at a run's working scale, in the order of their numbers."""
    crops = _crops(dataset, inputs)
    shares = [float(((label > 0) & (label != IGNORE)).sum() / (label != IGNORE).sum()) for label in crops.labels]
    return tuple(
        LabCrop(origin.scene, origin.top, origin.left, share)
        for origin, share in zip(crops.origins, shares, strict=True)
    )


def gradient_maps(
    run: Path, dataset: Path, checkpoint: str, crop: int, specs: Sequence[LossSpec], device: str
) -> GradientMaps:
    """The gradient of each loss by each pixel's logits at a checkpoint, and how the losses agree in weight space.

    Args:
        run: its folder.
        dataset: file of the dataset that it was trained on.
        checkpoint: name of a file in the run's ``checkpoints``.
        crop: number in ``lab_crops`` with the run's inputs.
        specs: of the losses, weights as numbers.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Raises:
        InputError: there is no such checkpoint or crop.
    """
    crops = _crops(dataset, RunFolder(run).plan().inputs)
    if not 0 <= crop < len(crops.labels):
        raise InputError(f"there is no crop {crop}", "crop", f"choose 0 to {len(crops.labels) - 1}")
    file = RunFolder(run).checkpoints / checkpoint
    if not file.is_file():
        raise InputError("there is no such checkpoint", checkpoint, "choose one of the list")
    segmenter = _segmenter(run, checkpoint, file.stat().st_mtime_ns, device)
    prediction, probability = _predicted(segmenter, crops, crop, next(segmenter.parameters()).device)
    values = [build_loss(spec).of(prediction) for spec in specs]
    by_logit = [torch.autograd.grad(value, prediction.logits, retain_graph=True)[0] for value in values]
    gradients = [-prediction.pixels * gradient[0] for gradient in by_logit]
    return GradientMaps(
        specs=tuple(specs),
        label=crops.labels[crop],
        objects=crops.ids[crop],
        probability=probability,
        gradients=torch.stack(gradients).cpu().numpy(),
        values=np.array([value.item() for value in values]),
        cosines=_cosines(segmenter, prediction.logits, by_logit),
    )


@lru_cache(maxsize=2)
def _crops(dataset: Path, inputs: InputSpec) -> Crops:
    """Of the validation scenes; a dataset's file never changes."""
    loaded = load_dataset(dataset)
    return cut_crops(loaded.validation, len(loaded.classes), loaded.stretch, inputs)


@lru_cache(maxsize=4)
def _segmenter(run: Path, checkpoint: str, written: int, device: str) -> Segmenter:
    """Cached between calls; ``written`` distinguishes a checkpoint from one that has replaced it."""
    return load_segmenter(RunFolder(run), checkpoint, device)


def _predicted(
    segmenter: Segmenter, crops: Crops, crop: int, device: torch.device
) -> tuple[Prediction, NDArray[np.float32]]:
    """The prediction with its graph, and the probabilities (K, H, W)."""
    # cells are those of the crop's own objects, as in its arithmetic
    maps = object_maps(crops.labels[crop], crops.classes, crops.ids[crop])
    images, labels, ids, owners = (
        torch.from_numpy(array[None]).to(device)
        for array in (crops.images[crop], crops.labels[crop], maps.ids, maps.owners)
    )
    prediction = Prediction(segmenter(images), labels, ids, owners)
    probability: NDArray[np.float32] = prediction.probabilities[0].detach().cpu().numpy()
    return prediction, probability


def _cosines(segmenter: Segmenter, logits: Tensor, by_logit: Sequence[Tensor]) -> NDArray[np.float64]:
    """(L, L), from the gradient of each loss by each logit (1, K, H, W); NaN where a gradient is zero."""
    weights = list(segmenter.parameters())
    gradients = torch.stack(
        [
            torch.cat([part.flatten() for part in torch.autograd.grad(logits, weights, gradient, retain_graph=True)])
            for gradient in by_logit
        ]
    ).double()
    directions = gradients / gradients.norm(dim=1, keepdim=True)
    cosines: NDArray[np.float64] = (directions @ directions.T).cpu().numpy()
    return cosines
