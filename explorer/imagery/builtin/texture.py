"""Noise that makes painted surfaces look worn: fractal noise and grain."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

Layer = NDArray[np.float32]
"""One value for each pixel of a grid, (H, W): a texture, a height, foam."""


def fractal_noise(rng: Generator, shape: tuple[int, int], cell: float, octaves: int = 4, stretch: float = 1.0) -> Layer:
    """Noise (H, W), mean 0, standard deviation about 1, whose coarsest features are ``cell`` pixels wide.

    Each octave doubles the resolution of the one before and has 0.6 of its strength. Octaves finer than two pixels are
    left out. ``stretch`` makes the features that many times wider than high.
    """
    cells = [cell / 2**octave for octave in range(octaves) if octave == 0 or cell / 2**octave >= 2]
    total = np.zeros(_grid(shape, cell, stretch), np.float32)
    for octave, size in enumerate(_grid(shape, finer, stretch) for finer in cells):
        total = resized(total, size) + np.float32(0.6**octave) * rng.standard_normal(size, dtype=np.float32)
    strength = np.sqrt(sum(0.36**octave for octave in range(len(cells))))
    return resized(total, shape) / np.float32(strength)


def _grid(shape: tuple[int, int], cell: float, stretch: float) -> tuple[int, int]:
    return max(2, round(shape[0] / cell) + 1), max(2, round(shape[1] / (cell * stretch)) + 1)


def resized(values: Layer, shape: tuple[int, int]) -> Layer:
    """A layer resampled to another shape with bicubic interpolation."""
    picture = Image.fromarray(values).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float32)


def grain(rng: Generator, shape: tuple[int, ...]) -> Layer:
    """Independent uniform noise, mean 0, standard deviation 1."""
    noise = rng.random(shape, dtype=np.float32)
    noise -= np.float32(0.5)
    noise *= np.float32(np.sqrt(12))
    return noise
