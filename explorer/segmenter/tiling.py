"""Prediction for images of any size, in blended overlapping tiles, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.segmenter.network import Segmenter

TILE, OVERLAP = 512, 64  # pixels

Advance = Callable[[int, int], None]
"""Takes how many tiles are done, and how many there are."""


def predict_probabilities(segmenter: Segmenter, image: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Tensor:
    """Class probabilities (K, H, W) float32 of one stretched image (C, H, W), on the segmenter's device.

    Args and errors: see ``predict_strips``.
    """
    strips = list(predict_strips(segmenter, image, tile, overlap))
    return strips[0] if len(strips) == 1 else torch.cat(strips, dim=1)


def predict_strips(
    segmenter: Segmenter,
    image: Tensor,
    tile: int = TILE,
    overlap: int = OVERLAP,
    flips: Sequence[tuple[int, ...]] = ((),),
    advance: Advance = lambda _done, _tiles: None,
) -> Iterator[Tensor]:
    """Class probabilities of one stretched image in strips of whole rows (K, rows, W), from top to bottom.

    An image that fits into one tile is predicted whole. Otherwise the weight of each tile falls towards the edges that
    it shares with others. Only the activations of one tile and the probabilities of one row of tiles are in memory.

    Args:
        segmenter: with the image's number of bands.
        image: stretched to [0, 1], (C, H, W).
        tile: side of a tile in pixels, more than twice the overlap.
        overlap: number of pixels that neighbouring tiles share.
        flips: axes along which each tile is mirrored, (-1,) for left to right; the result is the mean over all.
        advance: called after each tile.

    Raises:
        ValueError: the tile is not more than twice the overlap.
    """
    if tile <= 2 * overlap:
        raise ValueError(f"tile ({tile}) must be more than twice the overlap ({overlap})")
    height, width = image.shape[-2:]
    tops, lefts = _starts(height, tile, overlap), _starts(width, tile, overlap)
    done, tiles = 0, len(tops) * len(lefts)
    if tiles == 1:
        yield _mean_probabilities(segmenter, image, flips)
        advance(1, 1)
        return
    total: Tensor | None = None  # of the last row of tiles, which begins at ``start``
    weight, start = image.new_zeros(0, width), 0
    for top in tops:
        rows = slice(top, min(top + tile, height))
        below, weight_below = None, image.new_zeros(rows.stop - top, width)
        if total is not None:
            yield total[:, : top - start] / weight[: top - start]
            below = _moved_up(total, top - start, rows.stop - top)
            weight_below[: len(weight) - (top - start)] = weight[top - start :]
        for left in lefts:
            columns = slice(left, min(left + tile, width))
            part = _mean_probabilities(segmenter, image[:, rows, columns], flips)
            window = torch.outer(_ramp(rows, height, overlap, image), _ramp(columns, width, overlap, image))
            if below is None:
                below = image.new_zeros(part.shape[0], rows.stop - top, width)
            below[:, :, columns] += part * window
            weight_below[:, columns] += window
            done += 1
            advance(done, tiles)
        total, weight, start = below, weight_below, top
    assert total is not None
    yield total / weight


def predict_classes(segmenter: Segmenter, image: Tensor) -> Tensor:
    """The most probable class (H, W) uint8 of one stretched image (C, H, W)."""
    if max(image.shape[-2:]) <= TILE:  # the highest logit decides: no probabilities needed
        with torch.inference_mode():
            return _logits(segmenter, image).argmax(0).to(torch.uint8)
    return predict_probabilities(segmenter, image).argmax(0).to(torch.uint8)


def _mean_probabilities(segmenter: Segmenter, image: Tensor, flips: Sequence[tuple[int, ...]]) -> Tensor:
    """The mean over the image mirrored along each of these axes: (K, H, W)."""
    total: Tensor | None = None
    with torch.inference_mode():
        for axes in flips:
            seen = _logits(segmenter, image.flip(axes) if axes else image).float().softmax(0)
            turned_back = seen.flip(axes) if axes else seen
            total = turned_back if total is None else total + turned_back
    assert total is not None
    return total / len(flips) if len(flips) > 1 else total


def _moved_up(total: Tensor, by: int, rows: int) -> Tensor:
    """The rows from ``by`` on, followed by empty ones: (K, rows, W)."""
    moved = total.new_zeros(total.shape[0], rows, total.shape[2])
    moved[:, : total.shape[1] - by] = total[:, by:]
    return moved


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
