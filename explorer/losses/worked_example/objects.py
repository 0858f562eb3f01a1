"""Losses with a term for each object."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.objects import object_maps
from explorer.losses.spec import LossSpec
from explorer.losses.worked_example.crop import TIMES, Crop, Worked, number, times


@dataclass(frozen=True, eq=False)
class _Cell:
    """The object that a pixel belongs to, with the pixels that lie nearer to it than to others of its class."""

    p: NDArray[np.float64]  # (H, W), probability of its class; 0 where ignored or outside the cell
    on: NDArray[np.bool_]  # (H, W), the object

    @property
    def area(self) -> int:
        """Pixels of the object."""
        return int(self.on.sum())

    @property
    def hit(self) -> float:
        """Σ p on the object."""
        return float(self.p[self.on].sum())

    @property
    def false(self) -> float:
        """Σ p beside it."""
        return float(self.p[~self.on].sum())


def object_jaccard(spec: LossSpec, crop: Crop, row: int, column: int) -> Worked:
    """(1 − IoU)^γ of the object that the pixel lies on; on the background, of the object of the likeliest class."""
    cell = _cell(crop, row, column)
    if isinstance(cell, float):
        return _unassigned(spec, crop, cell)
    gamma = spec.number("gamma")
    value = (1 - cell.hit / (cell.area + cell.false)) ** gamma
    inside = rf"1-\frac{{{number(cell.hit)}}}{{{cell.area} + {number(cell.false)}}}"
    return Worked(spec, 1.0, "object", rf"\left({inside}\right)^{{{number(gamma)}}} = {number(value)}", value)


def scale_location(spec: LossSpec, crop: Crop, row: int, column: int) -> Worked:
    """1 − w·IoU + λ·L of this object: w falls where the size is wrong, L grows with the distance of the centres."""
    cell = _cell(crop, row, column)
    if isinstance(cell, float):
        return _unassigned(spec, crop, cell)
    predicted, factor = cell.hit + cell.false, spec.number("location_factor")
    spread = ((predicted - cell.area) / 2) ** 2
    low, high = (each(predicted, cell.area) + spread for each in (min, max))
    away = _apart(_centre(cell.p), _centre(cell.on.astype(np.float64)))
    value = 1 - low / high * cell.hit / (cell.area + cell.false) + factor * away
    overlap = rf"\frac{{{number(cell.hit)}}}{{{cell.area} + {number(cell.false)}}}"
    scale = rf"\frac{{{number(low)}}}{{{number(high)}}}"
    written = rf"1-{scale}{TIMES}{overlap} + {times(factor)}{number(away)} = {number(value)}"
    return Worked(spec, 1.0, "object", written, value)


def by_object(crop: Crop) -> float:
    """The mean over objects of Dice + cross-entropy in their cells, then over classes, with what no object owns."""
    maps, of_classes = object_maps(crop.label, len(crop.probability), crop.objects), []
    for k in range(1, len(crop.probability)):
        owners, on = maps.owners[k - 1], crop.label == k
        terms, unowned = [], 0.0
        for owner in np.unique(owners[crop.valid]):
            inside = (owners == owner) & crop.valid
            p, nll = np.where(inside, crop.probability[k], 0.0), crop.nll[inside]
            cell = _Cell(p, inside & on)
            if cell.area:
                wrong = cell.area - cell.hit + cell.false
                terms.append(wrong / (cell.area + cell.hit + cell.false) + float(nll.mean()))
            else:
                unowned += (cell.false + float(nll.sum())) / int(crop.valid.sum())
        of_classes.append((float(np.mean(terms)) if terms else 0.0) + unowned)
    return float(np.mean(of_classes))


def _cell(crop: Crop, row: int, column: int) -> _Cell | float:
    """The pixel's object; its false alarm, where its class has none that could own it."""
    k = int(crop.label[row, column]) or 1 + int(crop.probability[1:, row, column].argmax())
    if not (crop.label == k).any():
        return float(crop.probability[k, row, column])
    owners = object_maps(crop.label, len(crop.probability), crop.objects).owners[k - 1]
    inside = (owners == owners[row, column]) & crop.valid
    return _Cell(np.where(inside, crop.probability[k], 0.0), inside & (crop.label == k))


def _unassigned(spec: LossSpec, crop: Crop, p: float) -> Worked:
    """No object for a false alarm to count against: its probability over all pixels."""
    pixels = int(crop.valid.sum())
    return Worked(spec, 1.0, "pixel", rf"\frac{{{number(p)}}}{{{pixels}}} = {number(p / pixels)}", p / pixels)


def _centre(mass: NDArray[np.float64]) -> tuple[float, float]:
    """x and y of the centre of a mass (H, W), in sides of the crop; ½, ½ where there is none."""
    height, width = mass.shape
    total = mass.sum()
    if total <= 0:
        return 0.5, 0.5
    x, y = (mass.sum(0) * (np.arange(width) + 0.5)).sum(), (mass.sum(1) * (np.arange(height) + 0.5)).sum()
    return float(x / total / width), float(y / total / height)


def _apart(predicted: tuple[float, float], true: tuple[float, float]) -> float:
    """How far two centres are apart in polar coordinates, as the mean over the four corners as origins."""
    distances = []
    for flip_x in (False, True):
        for flip_y in (False, True):
            (x, y), (u, v) = (
                (1 - across if flip_x else across, 1 - down if flip_y else down) for across, down in (predicted, true)
            )
            radii = math.hypot(x, y), math.hypot(u, v)
            turn = math.atan2(y, x) - math.atan2(v, u)
            distances.append(1 - min(radii) / max(radii) + 4 / math.pi**2 * turn**2)
    return sum(distances) / len(distances)
