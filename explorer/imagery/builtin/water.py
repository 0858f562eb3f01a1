"""Water seen from above: depth, waves, glint and foam."""

from __future__ import annotations

import numpy as np
import scipy  # its parts are loaded where they are used: the first page does not wait for them
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Canvas, Colour, Point, placed
from explorer.imagery.builtin.texture import Layer, fractal_noise, grain

DEEP: tuple[Colour, ...] = ((30, 58, 76), (40, 70, 76), (34, 66, 62), (26, 52, 82))
SHALLOW: Colour = (92, 124, 110)
FOAM: Colour = (222, 230, 230)


def lay_water(canvas: Canvas, foam: Layer, rng: Generator) -> None:
    """Cover everything at or below 0 m with water, lighter near land, with foam (S, S), 0 to 1, on top."""
    wet = canvas.height <= 0
    near = scipy.ndimage.uniform_filter((~wet).astype(np.float32), round(34 * canvas.scale))
    near = scipy.ndimage.uniform_filter(near, round(22 * canvas.scale))
    banks = np.float32(0.06) * fractal_noise(rng, canvas.shape, 60 * canvas.scale)
    shallow = np.clip(np.float32(0.9) * near + banks, 0, 0.8)
    swell = waves(canvas, rng)
    gusts = 1 + np.float32(0.07) * fractal_noise(rng, canvas.shape, 45 * canvas.scale, 4, stretch=2.5)
    bubbles = np.float32(0.75) + np.float32(0.5) * fractal_noise(rng, canvas.shape, 3 * canvas.scale, 2)
    broken = np.clip(foam * bubbles, 0, 0.95)
    deep = DEEP[rng.integers(len(DEEP))]
    for band in range(3):
        colour = (deep[band] + shallow * np.float32(SHALLOW[band] - deep[band])) * gusts * (1 + swell)
        colour += broken * (np.float32(FOAM[band]) - colour)
        np.copyto(canvas.colour[..., band], colour, where=wet)


def waves(canvas: Canvas, rng: Generator) -> Layer:
    """Relative brightness (S, S) of three wave trains with glints of sunlight on them."""
    steps = np.arange(canvas.side, dtype=np.float32) / np.float32(canvas.scale)
    bend = np.float32(1.6) * fractal_noise(rng, canvas.shape, 20 * canvas.scale, 3)
    wind, calm = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.0)
    total = np.zeros(canvas.shape, np.float32)
    for length in rng.uniform([5, 8, 13], [7, 11, 19]).tolist():
        course, number = wind + rng.normal(0, 0.35), 2 * np.pi / length
        down, across = np.float32(number * np.sin(course)), np.float32(number * np.cos(course))
        phase = down * steps[:, None] + across * steps
        total += np.float32(0.05 * calm) * np.sin(phase + bend)
    sparks = np.clip(grain(rng, canvas.shape) + 6 * total - np.float32(1.75), 0, None)
    relative: Layer = total + np.float32(0.5) * sparks
    return relative


def add_wake(canvas: Canvas, foam: Layer, stern: Point, angle: float, width: float, length: float) -> None:
    """Add the foam of a ship that moves along ``angle``: a trail behind it and two bow waves."""
    for reach, share, strength in ((1.0, 0.55, 0.16), (0.6, 0.45, 0.25), (0.25, 0.4, 0.4)):
        trail = [(0, -share * width), (0, share * width), (-reach * length, width), (-reach * length, -width)]
        found = canvas.stencil([placed(trail, stern, angle)])
        if found is not None:
            foam[found[0]][found[1]] += np.float32(strength)
    for side in (-1, 1):
        start, spread = (width, side * 0.6 * width), side * (0.6 * width + 0.28 * length)
        arm = [
            start,
            (-0.75 * length, spread),
            (-0.75 * length, spread - side * 0.9),
            (0, side * 0.4 * width),
        ]
        found = canvas.stencil([placed(arm, stern, angle)])
        if found is not None:
            foam[found[0]][found[1]] += np.float32(0.22)


def foam_at_shore(canvas: Canvas, foam: Layer, strength: float) -> None:
    """Add a thin line of foam along the shore, then soften all foam."""
    land = (canvas.height > 0).astype(np.float32)
    foam += np.float32(strength) * scipy.ndimage.gaussian_filter(land, 0.8 * canvas.scale, truncate=2.0)
    foam[:] = scipy.ndimage.gaussian_filter(foam, 0.35 * canvas.scale, truncate=2.0)
