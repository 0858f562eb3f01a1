"""Prediction for images of any size, in blended overlapping tiles, so that memory is bounded."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.segmenter.network import Segmenter

TILE, OVERLAP = 512, 64  # pixels


def predict_probabilities(segmenter: Segmenter, image: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Tensor:
    """Class probabilities (K, H, W) float32 of one stretched image (C, H, W), on the segmenter's device.

    An image that fits into one tile is predicted whole. Otherwise the weight of each tile falls towards the edges that
    it shares with others, and only one tile's activations are in memory at a time.

    Args:
        segmenter: with the image's number of bands.
        image: stretched to [0, 1].
        tile: side of a tile in pixels, more than twice the overlap.
        overlap: number of pixels that neighbouring tiles share.

    Raises:
        ValueError: the tile is not more than twice the overlap.
    """
    if tile <= 2 * overlap:
        raise ValueError(f"tile ({tile}) must be more than twice the overlap ({overlap})")
    height, width = image.shape[-2:]
    with torch.inference_mode():
        if height <= tile and width <= tile:
            return _probabilities(segmenter, image)
        total: Tensor | None = None
        weight = image.new_zeros(height, width)
        for top in _starts(height, tile, overlap):
            for left in _starts(width, tile, overlap):
                rows, columns = slice(top, min(top + tile, height)), slice(left, min(left + tile, width))
                part = _probabilities(segmenter, image[:, rows, columns])
                window = torch.outer(_ramp(rows, height, overlap, image), _ramp(columns, width, overlap, image))
                if total is None:
                    total = image.new_zeros(part.shape[0], height, width)
                total[:, rows, columns] += part * window
                weight[rows, columns] += window
        assert total is not None
        return total / weight


def predict_classes(segmenter: Segmenter, image: Tensor) -> Tensor:
    """The most probable class (H, W) uint8 of one stretched image (C, H, W)."""
    if max(image.shape[-2:]) <= TILE:  # the highest logit decides: no probabilities needed
        with torch.inference_mode():
            return _logits(segmenter, image).argmax(0).to(torch.uint8)
    return predict_probabilities(segmenter, image).argmax(0).to(torch.uint8)


def _probabilities(segmenter: Segmenter, image: Tensor) -> Tensor:
    return _logits(segmenter, image).float().softmax(0)


def _logits(segmenter: Segmenter, image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    down, right = -height % segmenter.multiple, -width % segmenter.multiple
    padded = F.pad(image[None], (0, right, 0, down), mode="replicate")
    logits: Tensor = segmenter(padded.contiguous(memory_format=torch.channels_last))
    return logits[0, :, :height, :width]


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Starts of the tiles that cover the length; the last tile ends where it ends."""
    if length <= tile:
        return [0]
    return [*range(0, length - tile, tile - overlap), length - tile]


def _ramp(part: slice, length: int, overlap: int, like: Tensor) -> Tensor:
    """The weights of a tile along one axis: they rise to 1 over each overlap, but are 1 at the edges of the image."""
    distance = torch.arange(1, part.stop - part.start + 1, device=like.device, dtype=like.dtype).div_(overlap + 1)
    rising = distance.clamp_max(1) if part.start > 0 else torch.ones_like(distance)
    falling = distance.flip(0).clamp_max(1) if part.stop < length else torch.ones_like(distance)
    return torch.minimum(rising, falling)
