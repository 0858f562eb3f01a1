"""What is put into the formulas, what comes out, and how numbers are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.imagery.scene import IGNORE
from explorer.losses.spec import LossSpec

Of = Literal["pixel", "object", "crop"]
TIMES = r" \cdot "


@dataclass(frozen=True)
class Worked:
    """A formula with numbers in it."""

    spec: LossSpec
    factor: float  # of this term in a combined loss, else 1; not part of the value
    of: Of  # whose term this is
    latex: str  # the formula with numbers and its result
    value: float


@dataclass(frozen=True)
class NotWorkedOut:
    """A loss whose arithmetic is not written out here."""

    spec: LossSpec
    factor: float  # of this term in a combined loss, else 1


@dataclass(frozen=True, eq=False)
class Crop:
    """The probabilities that a segmenter predicts for a crop, and its label."""

    probability: NDArray[np.float64]  # (K, H, W), sums to 1 over the classes
    label: NDArray[np.uint8]  # (H, W), class ids, 255 = ignore
    objects: NDArray[np.int32] | None = None  # (H, W), an id per object, 0 = none; None: components

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W): the label counts."""
        valid: NDArray[np.bool_] = self.label != IGNORE
        return valid

    @property
    def counted(self) -> NDArray[np.uint8]:
        """(pixels,): the classes of the pixels that count."""
        return self.label[self.valid]

    @property
    def nll(self) -> NDArray[np.float64]:
        """(H, W): −log p of the labelled class; 0 where ignored."""
        labelled = np.where(self.valid, self.label, 0)[None].astype(np.int64)
        p = np.take_along_axis(self.probability, labelled, 0)[0]
        nll: NDArray[np.float64] = np.where(self.valid, -np.log(np.maximum(p, 5e-324)), 0.0)
        return nll


def classes_of(spec: LossSpec, crop: Crop) -> range:
    """The classes over which a loss of regions takes the mean."""
    return range(0 if spec.include_background else 1, len(crop.probability))


def mean_written(parts: list[str]) -> str:
    """The mean of some formulas, as LaTeX."""
    if len(parts) == 1:
        return parts[0]
    inner = " + ".join(rf"\left[{part}\right]" for part in parts)
    return rf"\frac1{len(parts)}\left({inner}\right)"


def times(weight: float) -> str:
    """The weight as a factor before something, as LaTeX; nothing for 1."""
    return "" if weight == 1 else number(weight) + TIMES


def number(value: float) -> str:
    """Three digits, as LaTeX."""
    text = f"{value:.3g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa}{TIMES}10^{{{int(exponent)}}}"
