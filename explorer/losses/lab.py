"""The synthetic labels and the results of the Loss lab's experiments, as plain values. No torch.

``explorer.losses.experiments`` runs the experiments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.balance import ClassShare
from explorer.losses.spec import LossSpec

NOTHING = 1e-12
"""A cost below this is a rounding error."""

CURVES_SIDE = 64


@dataclass(frozen=True, eq=False)
class SyntheticLabel:
    """Square objects on a background, each with its id and with the cell of pixels that lie nearest to it."""

    label: NDArray[np.uint8]  # (H, W), 0 or 1
    ids: NDArray[np.int64]  # (H, W), 1..n, 0 = background
    owners: NDArray[np.int64]  # (H, W), 1..n: the object whose cell the pixel lies in

    @property
    def share(self) -> float:
        """Foreground pixels ÷ all pixels."""
        return float(self.label.mean())

    @property
    def object_area(self) -> int:
        """Pixels of each object."""
        return int((self.ids == 1).sum())


@dataclass(frozen=True, eq=False)
class LossCurve:
    """One loss against the probability p that every pixel gives to its true class.

    Gradients are −N·∂L/∂z of one pixel, z being the logit of its true class and N the number of pixels: positive where
    the loss raises that logit, on a scale on which cross-entropy's gradient is 1 − p.
    """

    spec: LossSpec
    probability: NDArray[np.float64]  # (P,), in (0, 1)
    loss: NDArray[np.float64]  # (P,)
    object_gradient: NDArray[np.float64]  # (P,), mean over the pixels of objects
    background_gradient: NDArray[np.float64]  # (P,), mean over the background


@dataclass(frozen=True)
class Cost:
    """One loss of two predictions that are wrong in different ways, minus its value where all pixels are right."""

    spec: LossSpec
    first: float
    second: float

    @property
    def ratio(self) -> float | None:
        """first ÷ second; None where one of them costs nothing."""
        return self.first / self.second if min(self.first, self.second) > NOTHING else None


@dataclass(frozen=True)
class AllBackgroundLoss:
    """One loss of a segmenter that finds nothing, minus its value where all pixels are right."""

    against_false_alarms: Cost  # first: every object missed; second: as many pixels of false alarms
    worst: float  # every pixel wrong

    @property
    def share(self) -> float | None:
        """Finding nothing ÷ being wrong everywhere; None where even that costs nothing."""
        return self.against_false_alarms.first / self.worst if self.worst > NOTHING else None


def synthetic_label(objects: int, object_side: int, share: float) -> SyntheticLabel:
    """Squares on a regular grid, whose spacing gives the wanted foreground share.

    >>> label = synthetic_label(objects=4, object_side=2, share=0.25)
    >>> label.label.shape, int(label.ids.max()), label.share
    ((8, 8), 4, 0.25)

    Args:
        objects: how many, at least 1.
        object_side: pixels along each side of an object, at least 1.
        share: foreground share, in (0, 1); a cell is never smaller than its object.
    """
    columns = math.ceil(math.sqrt(objects))
    rows = math.ceil(objects / columns)
    cell = max(object_side, round(object_side / math.sqrt(share) * math.sqrt(objects / (rows * columns))))
    row, column = (
        np.divmod(np.arange(rows * cell)[:, None], cell),
        np.divmod(np.arange(columns * cell)[None], cell),
    )
    owners = np.minimum(row[0] * columns + column[0] + 1, objects)
    start = (cell - object_side) // 2
    inside = [(part >= start) & (part < start + object_side) for part in (row[1], column[1])]
    label = inside[0] & inside[1] & (row[0] * columns + column[0] < objects)
    return SyntheticLabel(label.astype(np.uint8), np.where(label, owners, 0), owners)


def curve_label(share: float) -> SyntheticLabel:
    """The label for which curves are computed, of about ``CURVES_SIDE`` pixels along each side.

    Args:
        share: foreground share, in (0, 0.5].
    """
    side = max(1, min(4, round(CURVES_SIDE * math.sqrt(share))))
    return synthetic_label(max(1, round(share * CURVES_SIDE**2 / side**2)), side, share)


def objects_found(synthetic: SyntheticLabel, missed: NDArray[np.bool_]) -> int:
    """Objects of which more than half is predicted, so that IoU > 0.5 where there are no false alarms.

    Args:
        missed: (H, W), the pixels of objects that are predicted as background.
    """
    area = np.bincount(synthetic.ids.ravel())[1:]
    left = np.bincount(synthetic.ids[~missed], minlength=len(area) + 1)[1:]
    return int((left > 0.5 * area).sum())


def first_objects(synthetic: SyntheticLabel, pixels: int) -> NDArray[np.bool_]:
    """So many pixels of objects, (H, W), in as few objects as possible: the first ones, row by row in each.

    >>> first_objects(synthetic_label(objects=4, object_side=2, share=0.25), 5).sum(axis=0).tolist()
    [0, 2, 2, 0, 0, 1, 0, 0]
    """
    order = np.argsort(np.where(synthetic.ids > 0, synthetic.ids, synthetic.ids.max() + 1), axis=None, kind="stable")
    chosen = np.zeros(synthetic.ids.shape, dtype=bool)
    chosen.flat[order[: min(pixels, int((synthetic.ids > 0).sum()))]] = True
    return chosen


def pixel_recall(field: SyntheticLabel, missed: NDArray[np.bool_]) -> float:
    """Found pixels of objects ÷ all pixels of objects.

    Args:
        missed: (H, W), the pixels of objects that are called background.
    """
    return float(1 - missed.sum() / field.label.sum())


def synthetic_balance(field: SyntheticLabel) -> tuple[ClassShare, ClassShare]:
    """Class balance of a synthetic label: background and objects."""
    foreground = int(field.label.sum())
    return (
        ClassShare("background", field.label.size - foreground, None, 1 - field.share),
        ClassShare("objects", foreground, int(field.ids.max()), field.share),
    )


@dataclass(frozen=True)
class LabCrop:
    """A validation crop for which gradients can be computed."""

    scene: str
    top: int  # pixels at the working scale
    left: int
    share: float  # of objects among its valid pixels


@dataclass(frozen=True, eq=False)
class GradientMaps:
    """The gradient of each loss at every pixel of a crop, and how far the losses agree in weight space."""

    specs: tuple[LossSpec, ...]  # L, weights as numbers
    label: NDArray[np.uint8]  # (H, W), class ids, 255 = ignore
    objects: NDArray[np.int32]  # (H, W), an id per object, 0 = none
    probability: NDArray[np.float32]  # (K, H, W)
    gradients: NDArray[np.float32]  # (L, K, H, W), −N·∂L/∂z of each class's logit, N the number of valid pixels
    values: NDArray[np.float64]  # (L,), the losses themselves
    cosines: NDArray[np.float64]  # (L, L), between the gradients in weight space; NaN where one of them is zero
