"""Trees seen from above: a crown of overlapping domes with leaf noise."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Canvas, Point
from explorer.imagery.builtin.texture import grain

CROWN_COLOURS = np.array([[74, 98, 48], [86, 106, 52], [60, 86, 46], [96, 108, 60], [70, 84, 58]])
EDGE = 1.15  # the domes extend to this multiple of the radius


def draw_tree(canvas: Canvas, centre: Point, radius: float, rng: Generator, label: int = 0) -> None:
    """Paint a crown of a radius in metres; it hides what lies under it, and its label replaces the label there."""
    column, row = canvas.to_grid([centre])[0].tolist()
    reach = radius * canvas.scale
    top, bottom = max(int(row - reach * EDGE), 0), min(int(row + reach * EDGE) + 1, canvas.side)
    left, right = max(int(column - reach * EDGE), 0), min(int(column + reach * EDGE) + 1, canvas.side)
    if top >= bottom or left >= right:
        return
    window = slice(top, bottom), slice(left, right)
    rows = (np.arange(top, bottom, dtype=np.float32) - np.float32(row))[:, None] / np.float32(reach)
    columns = (np.arange(left, right, dtype=np.float32) - np.float32(column))[None, :] / np.float32(reach)

    domes = int(rng.integers(9, 14))
    turns, distances = rng.uniform(0, 2 * np.pi, domes), 0.72 * np.sqrt(rng.uniform(0, 1, domes))
    crown = np.clip(np.float32(0.62) - (rows**2 + columns**2), 0, None)  # (h, w) in radii, 0 outside
    for x, y, size in zip(
        distances * np.cos(turns), distances * np.sin(turns), rng.uniform(0.24, 0.42, domes), strict=True
    ):
        room = np.float32(size**2) - (rows - np.float32(y)) ** 2 - (columns - np.float32(x)) ** 2
        dome = np.float32(1.1) * np.sqrt(np.clip(room, 0, None))
        dome[room > 0] += np.float32(0.45 * (1 - np.hypot(x, y)))
        np.maximum(crown, dome, out=crown)
    inside = crown > 0.02
    leaves = grain(rng, inside.shape)
    tall = np.float32(1.6 + 0.5 * radius) + np.float32(radius) * (crown + np.float32(0.045) * leaves)
    np.copyto(canvas.height[window], tall, where=inside)
    green = CROWN_COLOURS[rng.integers(len(CROWN_COLOURS))] * rng.normal(1, 0.08) + rng.normal(0, 4, 3)
    shade = np.float32(0.78) + np.float32(0.4) * crown + np.float32(0.09) * leaves
    np.copyto(canvas.colour[window], shade[..., None] * green.astype(np.float32), where=inside[..., None])
    canvas.label[window][inside] = label
