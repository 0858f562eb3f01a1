"""Buildings seen from above, and the clutter on their roofs that a segmenter takes for cars."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Canvas, Colour, placed, rectangle
from explorer.imagery.builtin.texture import fractal_noise

FLAT_ROOFS: tuple[Colour, ...] = (
    (176, 174, 168),
    (148, 148, 148),
    (198, 196, 190),
    (120, 118, 116),
    (158, 146, 132),
)
TILES: tuple[Colour, ...] = ((150, 88, 66), (132, 78, 64), (104, 92, 88), (86, 88, 94), (164, 112, 86))
CONTAINERS: tuple[Colour, ...] = (
    (164, 70, 48), (48, 88, 134), (186, 186, 182), (66, 104, 84), (196, 140, 56), (112, 116, 120), (134, 52, 46),
)  # fmt: skip


def draw_flat_roof(
    canvas: Canvas,
    centre: tuple[float, float],
    size: tuple[float, float],
    height: float,
    rng: Generator,
    *,
    angle: float = 0.0,
    clutter: float = 1.0,
    label: int | None = None,
) -> None:
    """Paint a flat roof with a parapet and ``clutter`` times the usual plant on it."""
    roof = np.array(FLAT_ROOFS[rng.integers(len(FLAT_ROOFS))]) + rng.normal(0, 9) + rng.normal(0, 1.5, 3)
    edge: Colour = tuple(np.clip(roof + rng.uniform(12, 28), 0, 240))
    canvas.polygon(rectangle(centre, size, angle), edge, height=height + 0.45, label=label)
    inner = rectangle(centre, (size[0] - 0.8, size[1] - 0.8), angle)
    canvas.polygon(inner, tuple(roof), height=height)
    stain(canvas, inner, rng, strength=0.05)
    for seam in np.arange(-size[0] / 2 + 3, size[0] / 2 - 1, 3.0):
        points = placed([(seam, -size[1] / 2 + 0.5), (seam, size[1] / 2 - 0.5)], centre, angle)
        canvas.line([tuple(point) for point in points], 0.12, tuple(roof * 0.86), opacity=0.6)

    pieces = int(clutter * size[0] * size[1] / 75)
    taken: list[tuple[float, float]] = []
    for _ in range(pieces):
        spot = rng.uniform([-0.5, -0.5], [0.5, 0.5]) * (np.array(size) - 6)
        if any(np.hypot(*(spot - other)) < 5.5 for other in taken):
            continue
        taken.append((spot[0], spot[1]))
        draw_plant(canvas, tuple(placed([spot], centre, angle)[0]), height, rng, angle)


def draw_plant(
    canvas: Canvas, centre: tuple[float, float], base: float, rng: Generator, angle: float
) -> None:
    """Paint one piece of roof plant: a skylight, an air handler, a fan or a row of solar panels."""
    angle += np.pi / 2 * rng.integers(2)
    kind = rng.choice(["skylight", "handler", "fans", "solar"], p=[0.36, 0.34, 0.16, 0.14])
    if kind == "skylight":
        length, width = rng.uniform(3.2, 4.8), rng.uniform(1.4, 2.0)
        canvas.polygon(rectangle(centre, (length, width), angle), (206, 208, 206), height=base + 0.4)
        dark = rng.uniform(0.8, 1.4)
        glass: Colour = (62 * dark, 78 * dark, 92 * dark)
        canvas.polygon(
            rectangle(centre, (length - 0.5, width - 0.5), angle), glass, height=base + 0.5, gloss=0.03
        )
        canvas.polygon(rectangle(centre, (0.2, width - 0.5), angle), (190, 192, 190))
    elif kind == "handler":
        length, width = rng.uniform(3.4, 4.8), rng.uniform(1.6, 2.2)
        grey = rng.uniform(130, 215)
        canvas.polygon(
            rectangle(centre, (length, width), angle), (grey, grey, grey * 1.01), height=base + 1.3
        )
        offset = placed([(0.22 * length, 0)], centre, angle)[0]
        canvas.polygon(
            rectangle(tuple(offset), (0.3 * length, 0.7 * width), angle), (62, 64, 66), height=base + 1.2
        )
        offset = placed([(-0.25 * length, 0)], centre, angle)[0]
        canvas.polygon(rectangle(tuple(offset), (0.22 * length, 0.66 * width), angle), (96, 98, 100))
    elif kind == "fans":
        canvas.polygon(rectangle(centre, (2.4, 1.3), angle), (186, 186, 184), height=base + 0.9)
        for side in (-0.6, 0.6):
            canvas.polygon(
                rectangle(tuple(placed([(side, 0)], centre, angle)[0]), (0.8, 0.8), angle), (54, 54, 56)
            )
    else:
        for row in (-2.0, 0.0, 2.0):
            middle = tuple(placed([(0, row)], centre, angle)[0])
            canvas.polygon(rectangle(middle, (5.0, 1.3), angle), (36, 44, 66), height=base + 0.5, gloss=0.015)


def draw_house(
    canvas: Canvas,
    centre: tuple[float, float],
    size: tuple[float, float],
    rng: Generator,
    *,
    angle: float = 0.0,
    label: int | None = None,
) -> None:
    """Paint a tiled gable roof with its ridge along the length, perhaps with a chimney, skylights or panels."""
    tile = np.array(TILES[rng.integers(len(TILES))]) + rng.normal(0, 9) + rng.normal(0, 2, 3)
    length, width = size
    eaves, rise = rng.uniform(3.0, 5.2), 0.5 * width * rng.uniform(0.55, 0.8)
    steps = max(4, int(width * canvas.scale / 3))
    for step in range(steps):  # nested strips from the eaves up to the ridge
        inset = step / steps
        outline = rectangle(centre, (length, width * (1 - inset)), angle)
        shade = 1 + 0.05 * (step % 2 - 0.5)
        canvas.polygon(outline, tuple(tile * shade), height=eaves + rise * inset, label=label)
    ridge = placed([(-length / 2, 0), (length / 2, 0)], centre, angle)
    canvas.line([tuple(point) for point in ridge], 0.3, tuple(np.clip(tile * 1.12, 0, 240)))
    stain(canvas, rectangle(centre, size, angle), rng, strength=0.07)
    top = eaves + rise
    if rng.random() < 0.7:
        spot = tuple(placed([(rng.uniform(-0.3, 0.3) * length, 0.08 * width)], centre, angle)[0])
        canvas.polygon(rectangle(spot, (1.0, 0.8), angle), (122, 78, 66), height=top + 0.9)
        canvas.polygon(rectangle(spot, (0.5, 0.4), angle), (36, 32, 30), height=top + 0.9)
    if rng.random() < 0.45:
        side = rng.choice([-0.25, 0.25]) * width
        spot = tuple(placed([(rng.uniform(-0.2, 0.2) * length, side)], centre, angle)[0])
        panel = (rng.uniform(3.0, 4.6), min(1.9, 0.36 * width))
        canvas.polygon(rectangle(spot, panel, angle), (34, 42, 62), gloss=0.02)


def draw_container(
    canvas: Canvas,
    centre: tuple[float, float],
    angle: float,
    rng: Generator,
    length: float = 6.1,
    layers: int = 1,
) -> None:
    """Paint a freight container: a ribbed box as long as a car or two."""
    paint = np.array(CONTAINERS[rng.integers(len(CONTAINERS))]) * rng.uniform(0.85, 1.1)
    canvas.polygon(rectangle(centre, (length, 2.44), angle), tuple(paint), height=2.6 * layers)
    for rib in np.arange(-length / 2 + 0.5, length / 2 - 0.3, 0.9):
        spot = tuple(placed([(rib, 0)], centre, angle)[0])
        canvas.polygon(rectangle(spot, (0.2, 2.2), angle), tuple(paint * 0.84))


def stain(canvas: Canvas, points: object, rng: Generator, strength: float) -> None:
    """Darken and brighten the inside of a polygon unevenly, as weather does."""
    found = canvas.stencil(points)
    if found is None:
        return
    window, inside = found
    worn = 1 + np.float32(strength) * fractal_noise(
        rng, (inside.shape[0], inside.shape[1]), 3 * canvas.scale, 3
    )
    canvas.colour[window][inside] *= worn[inside][:, None]
