"""Grass, asphalt, kerbs and paint: what lies flat."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Canvas, Colour, rectangle
from explorer.imagery.builtin.texture import Field, fractal_noise, grain

ASPHALT: Colour = (104, 104, 106)
CONCRETE: Colour = (168, 164, 156)
PAINT: Colour = (226, 226, 220)


def lay_grass(canvas: Canvas, rng: Generator) -> None:
    """Cover everything with mown grass, dry in places."""
    shape = (canvas.side, canvas.side)
    dry = np.clip(0.45 + 0.3 * fractal_noise(rng, shape, 9 * canvas.scale, 4), 0, 1)[..., None]
    blades = 1 + 0.10 * fractal_noise(rng, shape, 0.9 * canvas.scale, 2) + 0.07 * grain(rng, shape)
    lush, straw = np.array([84, 104, 54], np.float32), np.array([146, 138, 92], np.float32)
    canvas.colour[:] = (lush + dry * (straw - lush)) * blades[..., None]


def asphalt_wear(canvas: Canvas, rng: Generator) -> Field:
    """Factor (S, S) about 1 that asphalt of the whole scene is multiplied with: grit, patches of age, stains."""
    shape = (canvas.side, canvas.side)
    worn = 1 + 0.045 * fractal_noise(rng, shape, 14 * canvas.scale, 5) + 0.035 * grain(rng, shape)
    return np.asarray(worn, np.float32)


def lay_asphalt(canvas: Canvas, points: object, wear: Field, tone: float = 1.0) -> None:
    """Paint a polygon as worn asphalt."""
    found = canvas.stencil(points)
    if found is None:
        return
    window, inside = found
    canvas.colour[window][inside] = np.array(ASPHALT, np.float32) * (tone * wear[window][inside])[:, None]


def draw_repairs(
    canvas: Canvas, rng: Generator, area: tuple[float, float, float, float], patches: int
) -> None:
    """Paint darker patches, sealed cracks and oil on the asphalt of an area (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = area
    for _ in range(patches):
        centre = rng.uniform([x0, y0], [x1, y1])
        size = rng.uniform([1.5, 0.8], [9.0, 3.0])
        turn = np.pi / 2 * rng.integers(2)
        canvas.polygon(
            rectangle(tuple(centre), tuple(size), turn), (78, 78, 80), opacity=rng.uniform(0.25, 0.7)
        )
        start = rng.uniform([x0, y0], [x1, y1])
        walk = start + np.cumsum(rng.normal(0, 1.0, (9, 2)) + rng.normal(0, 0.9, 2), axis=0)
        canvas.line([(float(x), float(y)) for x, y in walk], 0.16, (64, 64, 66), opacity=0.75)


def draw_road(
    canvas: Canvas, centre: tuple[float, float], length: float, width: float, angle: float, wear: Field
) -> None:
    """Paint a road with kerbs and a dashed centre line."""
    canvas.polygon(rectangle(centre, (length, width + 0.6), angle), (158, 155, 148))
    lay_asphalt(canvas, rectangle(centre, (length, width), angle), wear, tone=0.93)
    along = np.array([np.cos(angle), np.sin(angle)])
    for dash in np.arange(-length / 2, length / 2, 7.0):
        spot = np.asarray(centre) + along * dash
        canvas.polygon(rectangle(tuple(spot), (3.0, 0.22), angle), PAINT, opacity=0.8)
