"""Trees seen from above: a crown of many lumps, so that the light finds leaves and hollows."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Canvas

CROWN_COLOURS = np.array([[74, 98, 48], [86, 106, 52], [60, 86, 46], [96, 108, 60], [70, 84, 58]], np.float32)


def draw_tree(
    canvas: Canvas, centre: tuple[float, float], radius: float, rng: Generator, label: int | None = None
) -> None:
    """Paint a crown of a radius in metres; ``label`` None clears what lies under it."""
    (column, row) = canvas.to_grid(centre)[0]
    reach = radius * canvas.scale
    low_row, high_row = max(int(row - reach * 1.15), 0), min(int(row + reach * 1.15) + 1, canvas.side)
    low_column, high_column = (
        max(int(column - reach * 1.15), 0),
        min(int(column + reach * 1.15) + 1, canvas.side),
    )
    if low_row >= high_row or low_column >= high_column:
        return
    window = slice(low_row, high_row), slice(low_column, high_column)
    rows = (np.arange(low_row, high_row, dtype=np.float32) - row)[:, None] / reach
    columns = (np.arange(low_column, high_column, dtype=np.float32) - column)[None, :] / reach

    lumps = int(rng.integers(10, 16))
    turns, distances = rng.uniform(0, 2 * np.pi, lumps), 0.72 * np.sqrt(rng.uniform(0, 1, lumps))
    sizes = rng.uniform(0.24, 0.42, lumps)
    crown = np.clip(0.62 - (rows**2 + columns**2), 0, None) * 0.9  # (h, w), 0 outside
    for turn, distance, size in zip(turns, distances, sizes, strict=True):
        squared = (rows - distance * np.sin(turn)) ** 2 + (columns - distance * np.cos(turn)) ** 2
        lump = np.sqrt(np.clip(size**2 - squared, 0, None)) * 1.1 + 0.45 * (1 - distance) * (
            squared < size**2
        )
        np.maximum(crown, lump, out=crown)
    inside = crown > 0.02
    leaves = rng.standard_normal(inside.shape, np.float32)
    tall = canvas.height[window]
    tall[inside] = (np.float32(1.6 + 0.5 * radius) + radius * (crown + 0.045 * leaves))[inside]
    shade = rng.normal(1, 0.08) * (0.78 + 0.4 * crown + 0.09 * leaves)
    green = CROWN_COLOURS[rng.integers(len(CROWN_COLOURS))] + rng.normal(0, 4, 3)
    canvas.colour[window][inside] = (shade[..., None] * green)[inside]
    canvas.gloss[window][inside] = 0
    canvas.label[window][inside] = 0 if label is None else label
