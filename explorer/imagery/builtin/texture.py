"""Noise that makes a painted surface look worn: fractal fields, streaks and waves."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]


def smooth_noise(rng: Generator, shape: tuple[int, int], cell: float) -> Field:
    """Noise (H, W) with mean 0 and deviation about 1 that varies over ``cell`` pixels."""
    height, width = shape
    rows, columns = max(2, round(height / cell) + 1), max(2, round(width / cell) + 1)
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    stretched = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(stretched, dtype=np.float32)


def fractal_noise(rng: Generator, shape: tuple[int, int], cell: float, octaves: int = 4) -> Field:
    """Sum of smooth noises, each of half the cell and 0.6 of the strength of the one before it."""
    total = np.zeros(shape, np.float32)
    strengths = 0.6 ** np.arange(octaves)
    for octave, strength in enumerate(strengths):
        total += np.float32(strength) * smooth_noise(rng, shape, max(1.0, cell / 2**octave))
    return total / np.float32(np.sqrt((strengths**2).sum()))


def grain(rng: Generator, shape: tuple[int, int]) -> Field:
    """Independent noise (H, W), mean 0, deviation 1."""
    return rng.standard_normal(shape, dtype=np.float32)
