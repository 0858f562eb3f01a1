"""The sums over the pixels of one prediction, segment by segment, from which all formulas compute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.landscape.segment_sums.segments import Segments


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the segments of a ``Segments``.

    The error of class k is |y − p|: 1 − p on its own pixels and p on all others. Unlike p itself it keeps its digits
    where p is close to 1.
    """

    segments: Segments
    cross_entropy: NDArray[np.float64]  # (S,) −log p of the labelled class
    focal: NDArray[np.float64]  # (S,) (1 − p)^γ · −log p
    error: NDArray[np.float64]  # (K, S) of each class
    confusion: NDArray[np.float64]  # (1 + parts, K, K) pixels by label and most probable class
    pixel_error: NDArray[np.float32]  # (1 or K, n); with two classes, both are the same numbers


def in_order(logits: Tensor, order: Tensor) -> Tensor:
    """(K, n) float32: the logits (N, K, H, W) of the valid pixels, in this order."""
    planes = [logits[:, class_id].reshape(-1).index_select(0, order) for class_id in range(logits.shape[1])]
    return torch.stack(planes).float()


def sum_up(ordered: Tensor, segments: Segments, gamma: float) -> Sums:
    """The sums of one prediction.

    Args:
        ordered: (K, n) logits from ``in_order``, all finite, on the CPU.
        gamma: focus of the focal loss.
    """
    log_p = ordered.log_softmax(0)
    true_log_p = torch.empty_like(log_p[0])
    for pixels_of in segments.class_ranges:
        true_log_p[pixels_of.start : pixels_of.stop] = log_p[pixels_of.class_id, pixels_of.start : pixels_of.stop]
    one_minus_pt = torch.expm1(true_log_p).abs_()
    cross_entropy = true_log_p.neg_()
    if segments.classes == 2:
        error = one_minus_pt[None]
    else:
        error = log_p.exp_()
        for pixels_of in segments.class_ranges:
            error[pixels_of.class_id, pixels_of.start : pixels_of.stop] = one_minus_pt[pixels_of.start : pixels_of.stop]
    focal = one_minus_pt.pow(gamma).mul_(cross_entropy)
    summed = _segment_sums(error.numpy(), segments)
    return Sums(
        segments=segments,
        cross_entropy=_segment_sums(cross_entropy.numpy(), segments),
        focal=_segment_sums(focal.numpy(), segments),
        error=np.broadcast_to(summed, (segments.classes, summed.shape[1])),
        confusion=_confusion(ordered, segments),
        pixel_error=error.numpy(),
    )


def _segment_sums(values: NDArray[np.float32], segments: Segments) -> NDArray[np.float64]:
    """(…, n) to (…, S). NumPy sums each segment pairwise, so that float32 loses no digits to length."""
    return np.add.reduceat(values, segments.starts, axis=-1).astype(np.float64)


def _confusion(ordered: Tensor, segments: Segments) -> NDArray[np.float64]:
    """(1 + parts, K, K): pixels of each group by label and most probable class, the first of equals."""
    best = ordered[0]
    first = ordered.new_zeros(ordered.shape[1], dtype=torch.uint8)
    for class_id in range(1, segments.classes):
        better = ordered[class_id] > best
        first.masked_fill_(better, class_id)
        if class_id < segments.classes - 1:
            best = torch.maximum(best, ordered[class_id])
    predicted = first.numpy()
    counts = np.zeros((1 + segments.parts, segments.classes, segments.classes))
    for pixels_of in segments.class_ranges:
        part = predicted[pixels_of.start : pixels_of.stop]
        others = [int(np.count_nonzero(part == class_id)) for class_id in range(1, segments.classes)]
        counts[1 + pixels_of.part, pixels_of.class_id] = [len(part) - sum(others), *others]
    counts[0] = counts[1:].sum(0)
    return counts
