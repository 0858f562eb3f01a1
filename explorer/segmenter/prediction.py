"""Probabilities of a scene from its image as it was read: stretch, input channels and working scale included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from explorer.imagery.scene import Stretch
from explorer.segmenter.inputs import InputSpec, prepared_image
from explorer.segmenter.network import Segmenter
from explorer.segmenter.tiling import Advance, predict_strips

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

    def probabilities(self, image: NDArray[np.generic], valid: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """Class probabilities (K, H, W) of an image (C, H, W) of any size, on the image's own grid.

        Those of a smaller working scale are interpolated bilinearly, so that they still add up to 1.

        Args:
            image: (C, H, W).
            valid: (H, W), see ``prepared_image``.
        """
        strips = list(self.strips(image, valid))
        return strips[0] if len(strips) == 1 else np.concatenate(strips, axis=1)

    def strips(
        self,
        image: NDArray[np.generic],
        valid: NDArray[np.bool_] | None = None,
        advance: Advance = lambda _done, _tiles: None,
    ) -> Iterator[NDArray[np.float32]]:
        """Likewise in strips of whole rows (K, rows, W), from top to bottom.

        Beside the image, only its channels as float32 and one strip are in memory.

        Args:
            image: (C, H, W).
            valid: (H, W), see ``prepared_image``.
            advance: called after each tile.
        """
        prepared = torch.from_numpy(prepared_image(image, self.stretch, self.inputs, valid)).to(self.device)
        size, working = (image.shape[1], image.shape[2]), (prepared.shape[1], prepared.shape[2])
        flips = (_UPRIGHT_FLIPS if self.upright else _FLIPS) if self.flips else _FLIPS[:1]
        strips = predict_strips(self.segmenter, prepared, flips=flips, advance=advance)
        for strip in strips if working == size else _interpolated(strips, working[0], size):
            yield strip.cpu().numpy()


def _interpolated(strips: Iterable[Tensor], working_height: int, size: tuple[int, int]) -> Iterator[Tensor]:
    """Strips of a working scale on the grid of an image, bilinearly between the centres of pixels.

    Args:
        strips: (K, rows, w), ``working_height`` rows in all.
        working_height: h.
        size: height and width of the image.
    """
    height, width = size
    place = ((torch.arange(height, dtype=torch.float64) + 0.5) * (working_height / height) - 0.5).clamp_min(0)
    above = place.long()
    below = (above + 1).clamp_max(working_height - 1)
    held, first, drawn = None, 0, 0  # rows that are needed, the number of the first one, rows of the image so far
    for strip in strips:
        held = strip if held is None else torch.cat([held, strip], dim=1)
        end = int((below < first + held.shape[1]).sum())
        if end == drawn:
            continue
        share = (place - above)[drawn:end].to(held)[:, None]
        upper, lower = ((which[drawn:end] - first).to(held.device) for which in (above, below))
        rows = held[:, upper] * (1 - share) + held[:, lower] * share
        yield F.interpolate(rows[None], size=(end - drawn, width), mode="bilinear", align_corners=False)[0]
        drawn = end
        if drawn < height:
            held, first = held[:, int(above[drawn]) - first :], int(above[drawn])
