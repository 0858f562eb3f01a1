"""A canvas in metres that keeps colour, height and label of the ground at once.

Layouts paint polygons and discs on it; ``light.py`` turns colour and height into a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 255, as the eye sees them in even light."""

Window = tuple[slice, slice]


@dataclass(eq=False)
class Canvas:
    """The ground seen from above, drawn finer than it is delivered.

    Layout coordinates are metres from the centre of the scene, x to the right and y down, turned by ``angle``.
    """

    pixels: int  # side of the delivered scene
    metres_per_pixel: float  # of the delivered scene
    angle: float = 0.0  # radians by which the layout is turned
    supersampling: int = 2
    colour: NDArray[np.float32] = field(init=False)  # (S, S, 3), 0 to 255
    height: NDArray[np.float32] = field(init=False)  # (S, S), metres above the ground
    label: NDArray[np.uint8] = field(init=False)  # (S, S), class ids
    gloss: NDArray[np.float32] = field(init=False)  # (S, S), 0 dull to 1 mirror

    def __post_init__(self) -> None:
        side = self.pixels * self.supersampling
        self.colour = np.zeros((side, side, 3), np.float32)
        self.height = np.zeros((side, side), np.float32)
        self.label = np.zeros((side, side), np.uint8)
        self.gloss = np.zeros((side, side), np.float32)

    @property
    def side(self) -> int:
        """Height and width of the fine grid in its pixels."""
        return self.pixels * self.supersampling

    @property
    def scale(self) -> float:
        """Pixels of the fine grid in a metre."""
        return self.supersampling / self.metres_per_pixel

    @property
    def reach(self) -> float:
        """Metres from the centre that cover every corner, however the layout is turned."""
        return self.pixels * self.metres_per_pixel / np.sqrt(2)

    def to_grid(self, points: ArrayLike) -> NDArray[np.float64]:
        """Layout metres (n, 2) to columns and rows (n, 2) of the fine grid."""
        x, y = np.asarray(points, float).reshape(-1, 2).T
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.stack([x * cos - y * sin, x * sin + y * cos], axis=1) * self.scale + self.side / 2

    def stencil(self, points: ArrayLike) -> tuple[Window, NDArray[np.bool_]] | None:
        """The window that a polygon covers and the pixels inside it; None where it lies outside the scene."""
        corners = self.to_grid(points)
        low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, self.side)
        if (high <= low).any():
            return None
        image = Image.new("1", (int(high[0] - low[0]), int(high[1] - low[1])))
        ImageDraw.Draw(image).polygon([tuple(corner) for corner in corners - low - 0.5], fill=1)
        return (slice(low[1], high[1]), slice(low[0], high[0])), np.asarray(image)

    def polygon(
        self,
        points: ArrayLike,
        colour: Colour | None = None,
        *,
        height: float | None = None,
        label: int | None = None,
        gloss: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        """Paint the inside of a polygon; what is None stays as it is."""
        found = self.stencil(points)
        if found is None:
            return
        window, inside = found
        if colour is not None:
            region = self.colour[window]
            region[inside] += np.float32(opacity) * (np.asarray(colour, np.float32) - region[inside])
            self.gloss[window][inside] = gloss
        if height is not None:
            self.height[window][inside] = height
        if label is not None:
            self.label[window][inside] = label

    def line(
        self, points: Sequence[tuple[float, float]], width: float, colour: Colour, opacity: float = 1.0
    ) -> None:
        """Paint a line of a width in metres through the points."""
        for (x0, y0), (x1, y1) in zip(points[:-1], points[1:], strict=True):
            length = np.hypot(x1 - x0, y1 - y0)
            if length > 0:
                centre = ((x0 + x1) / 2, (y0 + y1) / 2)
                turned = rectangle(centre, (length, width), np.arctan2(y1 - y0, x1 - x0))
                self.polygon(turned, colour, opacity=opacity)

    def delivered_label(self) -> NDArray[np.uint8]:
        """The label at the delivered size: the commonest class of each block, ties to the higher class id."""
        factor = self.supersampling
        blocks = self.label.reshape(self.pixels, factor, self.pixels, factor)
        counts = np.stack([(blocks == k).sum(axis=(1, 3)) for k in range(int(self.label.max()) + 1)])
        return (len(counts) - 1 - counts[::-1].argmax(axis=0)).astype(np.uint8)


def rectangle(
    centre: tuple[float, float], size: tuple[float, float], angle: float = 0.0
) -> NDArray[np.float64]:
    """Corners (4, 2) of a rectangle of a length (along ``angle``) and a width."""
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.asarray(size) / 2
    return placed(half, centre, angle)


def placed(points: ArrayLike, centre: tuple[float, float], angle: float) -> NDArray[np.float64]:
    """Points (n, 2) turned by an angle and moved to a centre."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points, float) @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(centre)


def disc(centre: tuple[float, float], radius: float, corners: int = 20) -> NDArray[np.float64]:
    """Corners of a regular polygon that looks like a disc."""
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1) * radius + np.asarray(centre)
