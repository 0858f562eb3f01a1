"""Losses in which every object counts the same, whatever its number of pixels.

An object was drawn by itself, or is an 8-connected component of one class. "Fifty pixels of one object" and "one pixel
of fifty objects" are the same to every pixelwise loss; only a term that is nonlinear per object distinguishes them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from explorer.losses.pixelwise import cross_entropy
from explorer.losses.prediction import Prediction
from explorer.losses.regions import dice
from explorer.losses.spec import LossSpec


def object_cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Cross-entropy in which every object has the same total weight: w = A/(n·|O|) on objects, 1 on the background.

    A is the number of object pixels and n the number of objects in the batch, so that the total stays the same. 0 or
    more. Reads no setting.
    """
    ids, _, bound = prediction.objects
    ids, nll = ids.flatten(1), prediction.nll.flatten(1)
    sizes = _bins(nll, bound).scatter_add(1, ids, _wide(prediction.weight.flatten(1)))
    sizes[:, 0] = 0  # what is no object
    mass = sizes.sum() / ((sizes > 0).sum().clamp_min(1) * sizes.clamp_min(1))
    mass[:, 0] = 1
    return (nll * mass.to(nll.dtype).gather(1, ids)).sum() / prediction.pixels.clamp_min(1)


def object_jaccard(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Mean over objects of (1 − IoU)^γ; then the mean over foreground classes.

    IoU = Σ p on the object / (its area + Σ p of the false positives in its cell), the cell being the pixels that lie
    nearer to it than to any other object of its class. (1 − IoU)^γ and not a steep sigmoid, since its gradient is
    largest for an object that is not found at all. A false positive whose object lies outside the crop, or whose
    class has no objects, costs its probability divided by the number of pixels.

    0 to 2, above 1 only by such false positives. Reads ``gamma``.

    >>> label = torch.tensor([[[1, 1, 0, 0, 1]]])
    >>> found = torch.tensor([9.0, 9.0, -9.0, -9.0, -9.0]).view(1, 1, 1, 5) * 9  # the first of two objects
    >>> object_jaccard(Prediction(found, label), LossSpec(kind="object_jaccard"))
    tensor(0.5000)
    """
    cells = _Cells(prediction)
    false_positives, missed = cells.sums(prediction.errors)
    limits = torch.finfo(missed.dtype)
    # γ < 1 has no gradient at a perfect overlap, hence the second clamp
    overlap = (cells.area - missed) / (cells.area + false_positives).clamp_min(limits.tiny)
    of_objects = cells.mean_of_objects((1 - overlap).clamp_min(limits.eps) ** spec.number("gamma"))
    return (of_objects + cells.unassigned(false_positives)).mean()


def component_dice_cross_entropy(prediction: Prediction, spec: LossSpec) -> Tensor:
    """(1 − σ)·(Dice + cross-entropy) + σ·(the mean over objects of both, each in its own cell); 0 or more.

    Of an object o with its cell, the pixels that lie nearer to it than to any other object of its class: Dice is
    1 − 2I/(2I + FP + FN), cross-entropy the mean −log p over the valid pixels of the cell. The mean over the objects of
    the batch is taken for each foreground class, then over these classes. Pixels whose object lies outside the crop, or
    whose class has no objects, cost their −log p and their false alarm divided by the number of pixels. Reads
    ``component_share`` (σ).
    """
    cells = _Cells(prediction)
    false_positives, missed = cells.sums(prediction.errors)
    nll, pixels = (
        cells.whole(each[:, None].expand_as(prediction.errors)) for each in (prediction.nll, prediction.weight)
    )
    wrong = missed + false_positives
    overlap = wrong / (2 * cells.area - missed + false_positives).clamp_min(torch.finfo(wrong.dtype).tiny)
    of_objects = cells.mean_of_objects(overlap + nll / pixels.clamp_min(1))
    by_object = (of_objects + cells.unassigned(false_positives + nll)).mean()
    share = spec.number("component_share")
    return (1 - share) * (dice(prediction, spec) + cross_entropy(prediction, spec)) + share * by_object


def scale_location(prediction: Prediction, spec: LossSpec) -> Tensor:
    """Mean over objects of 1 − w·IoU + λ·L, each in its cell; then the mean over foreground classes. 0 to 2 + 2λ.

    With S = Σ p over the cell and A the object's area, w = (min(S, A) + v)/(max(S, A) + v) and v = ((S − A)/2)². L
    compares the centres of both in polar coordinates: 1 − min(r, r′)/max(r, r′) + (4/π²)·(θ − θ′)², where the source
    takes the corner of the image as the origin, and the sides of the image as units. Here it is the mean over its four
    corners, so that turning or mirroring a crop changes nothing; and objects stand alone, where the source takes an
    image to hold one. A false positive whose object lies outside the crop, or whose class has no objects, costs its
    probability divided by the number of pixels. Reads ``location_factor`` (λ).
    """
    cells = _Cells(prediction)
    false_positives, missed = cells.sums(prediction.errors)
    excess = false_positives - missed  # S − A
    spread = (excess / 2) ** 2
    most = (cells.area + excess.clamp_min(0) + spread).clamp_min(torch.finfo(missed.dtype).tiny)
    scale = (cells.area - (-excess).clamp_min(0) + spread) / most
    overlap = (cells.area - missed) / (cells.area + false_positives).clamp_min(torch.finfo(missed.dtype).tiny)
    predicted = cells.centres(prediction.probabilities[:, 1:] * prediction.weight[:, None])
    away = _apart(predicted, cells.centres(prediction.one_hot[:, 1:]))
    of_objects = cells.mean_of_objects(1 - scale * overlap + spec.number("location_factor") * away)
    return (of_objects + cells.unassigned(false_positives)).mean()


def _apart(predicted: tuple[Tensor, Tensor], true: tuple[Tensor, Tensor]) -> Tensor:
    """How far centres are apart in polar coordinates round a corner, from 0 to 2, as the mean over the four corners.

    Args:
        predicted: x and y, each in (0, 1).
        true: likewise.
    """
    total = torch.zeros_like(predicted[0])
    for flip_x, flip_y in ((False, False), (False, True), (True, False), (True, True)):
        (x, y), (u, v) = (
            (1 - across if flip_x else across, 1 - down if flip_y else down) for across, down in (predicted, true)
        )
        radius, wanted = torch.hypot(x, y), torch.hypot(u, v)
        ratio = torch.minimum(radius, wanted) / torch.maximum(radius, wanted)
        total = total + 1 - ratio + 4 / math.pi**2 * (torch.atan2(y, x) - torch.atan2(v, u)) ** 2
    return total / 4


class _Cells:
    """Sums over the objects of each foreground class and over their cells. All tables are (N, K − 1, ids)."""

    def __init__(self, prediction: Prediction) -> None:
        _, owners, self._bound = prediction.objects
        on_object = prediction.one_hot[:, 1:]
        self._shape = owners.shape
        # bins: image, class, id, and whether the pixel lies on the object or in its cell
        start = torch.arange(owners.shape[1], device=owners.device)[:, None, None] * self._bound
        self._bin = ((owners + start) * 2 + on_object.long()).flatten(1)
        self._pixels = prediction.pixels
        self.area = self.sums(on_object)[1]
        self.found = self.area > 0  # the object shows in the image

    def sums(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Of values (N, K − 1, H, W): their sums in the cells, beside the objects; and on the objects."""
        number, classes = self._shape[:2]
        zeros = _bins(values, classes * self._bound * 2)
        summed = zeros.scatter_add(1, self._bin, _wide(values.flatten(1))).to(values.dtype)
        beside, on = summed.view(number, classes, self._bound, 2).unbind(-1)
        return beside, on

    def whole(self, values: Tensor) -> Tensor:
        """Of values (N, K − 1, H, W): their sums in the cells with their objects."""
        beside, on = self.sums(values)
        return beside + on

    def centres(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Of values (N, K − 1, H, W): x and y of their centre in each cell with its object, in sides of the image.

        Pixels lie at their centres, so that both are above 0 and below 1. Where all values are 0, the centre is ½, ½.
        """
        height, width = self._shape[2:]
        across, down = (
            (torch.arange(side, device=values.device, dtype=values.dtype) + 0.5) / side for side in (width, height)
        )
        mass, x, y = (self.whole(each) for each in (values, values * across, values * down[:, None]))
        seen = mass > 0
        x, y = (torch.where(seen, each / torch.where(seen, mass, 1), 0.5) for each in (x, y))
        return x, y

    def mean_of_objects(self, values: Tensor) -> Tensor:
        """(K − 1,): the mean of a table over the objects of each class, in the whole batch; 0 where there are none."""
        return torch.where(self.found, values, 0).sum((0, 2)) / self.found.sum((0, 2)).clamp_min(1)

    def unassigned(self, values: Tensor) -> Tensor:
        """(K − 1,): the sum of a table over cells whose object does not show in the image, ÷ all valid pixels."""
        return torch.where(self.found, 0, values).sum((0, 2)) / self._pixels.clamp_min(1)


def _bins(like: Tensor, count: int) -> Tensor:
    """(N, count) zeros to add pixels to, one by one: in float64, since a running sum of many stops growing in float32.

    A GPU adds in many places at once, and not every GPU has float64.
    """
    kind = torch.float64 if like.device.type == "cpu" else like.dtype
    return torch.zeros(len(like), count, dtype=kind, device=like.device)


def _wide(values: Tensor) -> Tensor:
    """The values in the type of ``_bins``."""
    return values.double() if values.device.type == "cpu" else values
