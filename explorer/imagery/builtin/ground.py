"""Flat ground: grass, asphalt, kerbs and paint."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Area, Canvas, Colour, Point, Points, rectangle, spot, strokes
from explorer.imagery.builtin.texture import Layer, fractal_noise, grain

ASPHALT: Colour = (104, 104, 106)
CONCRETE: Colour = (168, 164, 156)
KERB: Colour = (164, 161, 154)
PAINT: Colour = (226, 226, 220)


def lay_grass(canvas: Canvas, rng: Generator) -> None:
    """Cover the whole canvas with mown grass, dry in places."""
    dry = np.clip(0.45 + 0.3 * fractal_noise(rng, canvas.shape, 9 * canvas.scale, 6), 0, 1)
    blades = 1 + np.float32(0.09) * grain(rng, canvas.shape)
    for band, (lush, straw) in enumerate(zip((84, 104, 54), (146, 138, 92), strict=True)):
        canvas.colour[..., band] = (lush + dry * np.float32(straw - lush)) * blades


def weather(canvas: Canvas, rng: Generator) -> Layer:
    """Factor (S, S) about 1 that hard surfaces are multiplied by: grit, stains, patches of wear."""
    patches = np.float32(0.055) * fractal_noise(rng, canvas.shape, 14 * canvas.scale, 6)
    return 1 + patches + np.float32(0.035) * grain(rng, canvas.shape)


def lay_asphalt(canvas: Canvas, points: Points, wear: Layer, tone: float = 1.0, label: int | None = None) -> None:
    """Paint a polygon as worn asphalt."""
    red, green, blue = (tone * value for value in ASPHALT)
    canvas.polygon(points, (red, green, blue), label=label)
    canvas.blend([points], wear)


def draw_repairs(canvas: Canvas, rng: Generator, area: Area, patches: int) -> None:
    """Paint darker patches and sealed cracks on the asphalt of an area."""
    cracks: list[Points] = []
    for _ in range(patches):
        centre, start = (rng.uniform(area[:2], area[2:]) for _ in range(2))
        size, turn = rng.uniform([1.5, 0.8], [9.0, 3.0]), np.pi / 2 * rng.integers(2)
        patch = rectangle((centre[0], centre[1]), (size[0], size[1]), turn)
        canvas.polygon(patch, (78, 78, 80), opacity=rng.uniform(0.25, 0.7))
        walk = start + np.cumsum(rng.normal(0, 0.7, (9, 2)) + rng.normal(0, 1.1, 2), axis=0)
        inside = ((walk > area[:2]) & (walk < area[2:])).all(axis=1)
        cracks += strokes([(x, y) for x, y in walk[inside].tolist()], 0.16)
    canvas.polygons(cracks, (64, 64, 66), opacity=0.75)


def draw_road(
    canvas: Canvas,
    centre: Point,
    length: float,
    width: float,
    wear: Layer,
    *,
    angle: float = 0.0,
    label: int | None = None,
) -> None:
    """Paint a road with kerbs and a dashed centre line; the label covers the area between the kerbs."""
    canvas.polygon(rectangle(centre, (length, width + 0.6), angle), KERB)
    lay_asphalt(canvas, rectangle(centre, (length, width), angle), wear, 0.93, label)
    dashes = np.arange(-length / 2, length / 2, 7.0).tolist()
    outlines = [rectangle(spot((dash, 0), centre, angle), (3.0, 0.22), angle) for dash in dashes]
    canvas.polygons(outlines, PAINT, opacity=0.8)
