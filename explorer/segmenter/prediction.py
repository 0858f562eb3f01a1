"""Probabilities of a scene from its image as it was read: stretch, input channels and working scale included."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from explorer.imagery.scene import Stretch
from explorer.segmenter.inputs import InputSpec, prepared_image
from explorer.segmenter.network import Segmenter
from explorer.segmenter.tiling import predict_probabilities

_FLIPS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
_UPRIGHT_FLIPS = _FLIPS[:2]


@dataclass(frozen=True, eq=False)
class Predictor:
    """A segmenter with all that it takes to predict for an image in its own dtype.

    Attributes:
        segmenter: on its device, in evaluation mode.
        stretch: that it was trained with.
        inputs: that it was trained with.
        flips: the mean over the image as it is, mirrored left to right, top to bottom, and both: four times the time.
        upright: the mean is over the image as it is and mirrored left to right alone.
    """

    segmenter: Segmenter
    stretch: Stretch
    inputs: InputSpec = field(default_factory=InputSpec)
    flips: bool = False
    upright: bool = False

    @property
    def device(self) -> torch.device:
        """Where the segmenter is."""
        return next(self.segmenter.parameters()).device

    def probabilities(self, image: NDArray[np.generic]) -> NDArray[np.float32]:
        """Class probabilities (K, H, W) of an image (C, H, W) of any size, on the image's own grid.

        Those of a smaller working scale are interpolated bilinearly, so that they still add up to 1.
        """
        prepared = torch.from_numpy(prepared_image(image, self.stretch, self.inputs)).to(self.device)
        total: Tensor | None = None
        flips = (_UPRIGHT_FLIPS if self.upright else _FLIPS) if self.flips else _FLIPS[:1]
        for axes in flips:
            flipped = predict_probabilities(self.segmenter, prepared.flip(axes)).flip(axes)
            total = flipped if total is None else total + flipped
        assert total is not None
        mean = total / len(flips)
        if mean.shape[1:] != image.shape[1:]:
            mean = F.interpolate(mean[None], size=image.shape[1:], mode="bilinear", align_corners=False)[0]
        predicted: NDArray[np.float32] = mean.cpu().numpy()
        return predicted
