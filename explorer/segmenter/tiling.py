"""Prediction of any image size: padded to a multiple, in overlapping tiles that are blended, in bounded memory."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.segmenter.network import Segmenter

TILE, OVERLAP = 512, 64  # pixels


def predict_probabilities(segmenter: Segmenter, image: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Tensor:
    """Class probabilities (K, H, W) float32 of one stretched image (C, H, W), on the segmenter's device.

    An image that fits into one tile is predicted whole. Otherwise each tile's weight falls to zero toward the edges
    that it shares with others, and no more than one tile's activations are held at a time.

    Args:
        tile: side of a tile, more than twice the overlap.
        overlap: pixels that neighbouring tiles share.
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
    if max(image.shape[-2:]) <= TILE:  # the highest logit tells; no probabilities needed
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
    """Where tiles begin so that they cover the length; the last one ends with it."""
    if length <= tile:
        return [0]
    return [*range(0, length - tile, tile - overlap), length - tile]


def _ramp(part: slice, length: int, overlap: int, like: Tensor) -> Tensor:
    """A tile's weights along one axis: rising from near 0 to 1 over the overlap, but not at the image's edges."""
    distance = torch.arange(1, part.stop - part.start + 1, device=like.device, dtype=like.dtype).div_(overlap + 1)
    rising = distance.clamp_max(1) if part.start > 0 else torch.ones_like(distance)
    falling = distance.flip(0).clamp_max(1) if part.stop < length else torch.ones_like(distance)
    return torch.minimum(rising, falling)
