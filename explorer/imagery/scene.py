"""Scenes and datasets: what everything else works on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

IGNORE = 255
"""The label of a pixel that counts nowhere: no loss, no metric."""


@dataclass(frozen=True)
class GeoReference:
    """Where a raster lies on the ground.

    Attributes:
        crs: coordinate reference system as WKT or "EPSG:n"; None if unknown.
        transform: affine coefficients (a, b, c, d, e, f): x = a·col + b·row + c, y = d·col + e·row + f.
    """

    crs: str | None
    transform: tuple[float, float, float, float, float, float]


@dataclass(frozen=True, eq=False)
class Raster:
    """An image as read, without a label."""

    name: str
    image: NDArray[np.generic]  # (C, H, W), its own dtype
    valid: NDArray[np.bool_]  # (H, W), False: nodata, masked, NaN or infinite in any band
    bands: tuple[str, ...]  # C names
    georeference: GeoReference | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """One image with its label.

    A pixel that is invalid in the image has the label ``IGNORE``.
    """

    name: str
    image: NDArray[np.generic]  # (C, H, W), its own dtype
    label: NDArray[np.uint8]  # (H, W), class ids, 255 = ignore
    bands: tuple[str, ...]  # C names
    georeference: GeoReference | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.label.shape[0], self.label.shape[1]


@dataclass(frozen=True)
class Stretch:
    """Robust per-band stretch: ``(value − low) / (high − low)``, clipped to [0, 1].

    Computed once over the training scenes and stored with the run, so that prediction uses the same.
    """

    low: tuple[float, ...]  # C
    high: tuple[float, ...]  # C


@dataclass(frozen=True, eq=False)
class Dataset:
    """Scenes, class names and the split. Training and validation never share a pixel."""

    name: str
    classes: tuple[str, ...]  # names; the position is the class id, 0 is the background
    bands: tuple[str, ...]
    training: tuple[Scene, ...]
    validation: tuple[Scene, ...]
    stretch: Stretch
    notes: tuple[str, ...] = field(default=())  # what the visitor should know, in plain words

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Training scenes, then validation scenes."""
        return self.training + self.validation
