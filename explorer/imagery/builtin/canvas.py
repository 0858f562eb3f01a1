"""A canvas in metres that holds the colour, height and label of the ground.

Layouts paint polygons on it; ``light.py`` turns colour and height into a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 255, as seen in even light."""

Point = tuple[float, float]
"""Metres from the centre of the scene, x to the right and y down, before the layout is turned."""

Points = NDArray[np.float64] | Sequence[Point]

Area = tuple[float, float, float, float]
"""Left, top, right and bottom in metres."""

Window = tuple[slice, slice]

CLEARANCE = 3
"""Pixels of the final scene that stay free around an object, so that neighbours are separate objects in the label."""


@dataclass(eq=False)
class Canvas:
    """The ground seen from above, on a finer grid than that of the final scene.

    Layout coordinates are metres from the centre of the scene, turned by ``angle``.
    """

    pixels: int  # side of the final scene
    metres_per_pixel: float  # of the final scene
    angle: float = 0.0  # radians by which the layout is turned
    supersampling: int = 2
    colour: NDArray[np.float32] = field(init=False)  # (S, S, 3), 0 to 255
    height: NDArray[np.float32] = field(init=False)  # (S, S), metres above the ground
    label: NDArray[np.uint8] = field(init=False)  # (S, S), class ids

    def __post_init__(self) -> None:
        self.colour = np.zeros((self.side, self.side, 3), np.float32)
        self.height = np.zeros((self.side, self.side), np.float32)
        self.label = np.zeros((self.side, self.side), np.uint8)

    @property
    def side(self) -> int:
        """Height and width of the fine grid in pixels."""
        return self.pixels * self.supersampling

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the fine grid."""
        return self.side, self.side

    @property
    def scale(self) -> float:
        """Pixels of the fine grid per metre."""
        return self.supersampling / self.metres_per_pixel

    @property
    def reach(self) -> float:
        """Metres from the centre to the corners: covers the scene at any angle of the layout."""
        return float(self.pixels * self.metres_per_pixel / np.sqrt(2))

    def to_grid(self, points: Points) -> NDArray[np.float64]:
        """Columns and rows (n, 2) of the fine grid of layout metres (n, 2)."""
        return placed(points, (0.0, 0.0), self.angle) * self.scale + self.side / 2

    def sees(self, centre: Point, radius: float) -> bool:
        """Whether anything within a radius of a point can be in view."""
        column, row = self.to_grid([centre])[0]
        margin = radius * self.scale
        return bool(-margin < column < self.side + margin and -margin < row < self.side + margin)

    def is_free(self, size: tuple[float, float], centre: Point, angle: float, label: int) -> bool:
        """Whether an object of a length and a width fits here.

        It must lie in view, on ground no higher than 0.3 m, and apart from every other object of its class.
        """
        margin = 2 * CLEARANCE * self.metres_per_pixel
        around = rectangle(centre, (size[0] + margin, size[1] + margin), angle)
        corners = self.to_grid(around)
        if corners.min() < 0 or corners.max() > self.side:
            return False
        body, near = self.stencil([rectangle(centre, size, angle)]), self.stencil([around])
        if body is None or near is None:
            return False
        raised = self.height[body[0]][body[1]] > 0.3
        return not raised.any() and not (self.label[near[0]][near[1]] == label).any()

    def stencil(self, outlines: Sequence[Points]) -> tuple[Window, NDArray[np.bool_]] | None:
        """The window that polygons cover and the pixels inside any of them; None if all are out of view."""
        together = self.to_grid(np.concatenate([np.asarray(outline, np.float64) for outline in outlines]))
        left, top = np.maximum(np.floor(together.min(axis=0)).astype(int), 0).tolist()
        right, bottom = np.minimum(np.ceil(together.max(axis=0)).astype(int) + 1, self.side).tolist()
        if right <= left or bottom <= top:
            return None
        image = Image.new("L", (right - left, bottom - top))
        brush = ImageDraw.Draw(image)
        flat = (together - (left + 0.5, top + 0.5)).ravel().tolist()
        start = 0
        for outline in outlines:
            end = start + 2 * len(outline)
            brush.polygon(flat[start:end], fill=1)
            start = end
        return (slice(top, bottom), slice(left, right)), np.asarray(image).view(np.bool_)

    def polygon(
        self,
        points: Points,
        colour: Colour | None = None,
        *,
        height: float | None = None,
        label: int | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Paint the inside of a polygon; properties that are None are left as they are."""
        self.polygons([points], colour, height=height, label=label, opacity=opacity)

    def polygons(
        self,
        outlines: Sequence[Points],
        colour: Colour | None = None,
        *,
        height: float | None = None,
        label: int | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Paint many polygons in the same way: much faster than one by one."""
        found = self.stencil(outlines) if outlines else None
        if found is None:
            return
        window, inside = found
        if colour is not None:
            new = np.asarray(colour, np.float32)
            if opacity < 1:
                new = self.colour[window] + np.float32(opacity) * (new - self.colour[window])
            np.copyto(self.colour[window], new, where=inside[..., None])
        if height is not None:
            np.copyto(self.height[window], np.float32(height), where=inside)
        if label is not None:
            np.copyto(self.label[window], np.uint8(label), where=inside)

    def blend(self, outlines: Sequence[Points], texture: NDArray[np.float32]) -> None:
        """Multiply the colour inside polygons by a texture (S, S) about 1."""
        found = self.stencil(outlines)
        if found is not None:
            window, inside = found
            np.multiply(self.colour[window], texture[window][..., None], self.colour[window], where=inside[..., None])

    def final_label(self) -> NDArray[np.uint8]:
        """The label of the final scene: the most common class of each block, ties to the higher class id."""
        factor = self.supersampling
        blocks = self.label.reshape(self.pixels, factor, self.pixels, factor)
        counts = np.stack([(blocks == k).sum(axis=(1, 3)) for k in range(int(self.label.max()) + 1)])
        classes: NDArray[np.uint8] = (len(counts) - 1 - counts[::-1].argmax(axis=0)).astype(np.uint8)
        return classes


def rectangle(centre: Point, size: tuple[float, float], angle: float = 0.0) -> NDArray[np.float64]:
    """Corners (4, 2) of a rectangle of a length (along ``angle``) and a width."""
    return placed(np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * size, centre, angle)


def box(area: Area) -> NDArray[np.float64]:
    """Corners (4, 2) of an upright rectangle."""
    left, top, right, bottom = area
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def strokes(points: Sequence[Point], width: float) -> list[NDArray[np.float64]]:
    """Outlines of a line of a width in metres through the points, one for each straight segment."""
    return [
        rectangle(
            ((x0 + x1) / 2, (y0 + y1) / 2),
            (float(np.hypot(x1 - x0, y1 - y0)), width),
            np.arctan2(y1 - y0, x1 - x0),
        )
        for (x0, y0), (x1, y1) in pairwise(points)
    ]


def placed(points: Points, centre: Point, angle: float) -> NDArray[np.float64]:
    """Points (n, 2) turned by an angle and moved to a centre."""
    cos, sin = np.cos(angle), np.sin(angle)
    turned: NDArray[np.float64] = np.asarray(points, np.float64) @ np.array([[cos, sin], [-sin, cos]])
    return turned + centre


def spot(at: Point, centre: Point, angle: float) -> Point:
    """One point turned by an angle and moved to a centre."""
    x, y = placed([at], centre, angle)[0].tolist()
    return x, y
