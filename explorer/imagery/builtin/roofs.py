"""Buildings seen from above, with equipment on their roofs that a segmenter can mistake for cars."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from explorer.imagery.builtin.canvas import Canvas, Colour, Point, placed, rectangle, spot, strokes
from explorer.imagery.builtin.texture import Layer

FLAT_ROOFS: tuple[Colour, ...] = (
    (176, 174, 168), (148, 148, 148), (186, 184, 178), (120, 118, 116), (158, 146, 132),
)  # fmt: skip
TILES: tuple[Colour, ...] = (
    (150, 88, 66), (132, 78, 64), (104, 92, 88), (86, 88, 94), (164, 112, 86),
)  # fmt: skip
CONTAINERS: tuple[Colour, ...] = (
    (164, 70, 48), (48, 88, 134), (186, 186, 182), (66, 104, 84), (196, 140, 56), (112, 116, 120),
)  # fmt: skip


def varied(palette: tuple[Colour, ...], rng: Generator) -> NDArray[np.float64]:
    """A random colour (3) of a palette, made slightly lighter or darker."""
    return np.array(palette[rng.integers(len(palette))]) * rng.uniform(0.9, 1.1) + rng.normal(0, 1.5, 3)


def as_colour(values: NDArray[np.float64]) -> Colour:
    """Three numbers as a colour, clipped to the valid range."""
    red, green, blue = np.clip(values, 0, 245).tolist()
    return red, green, blue


def draw_flat_roof(
    canvas: Canvas,
    centre: Point,
    size: tuple[float, float],
    height: float,
    wear: Layer,
    rng: Generator,
    *,
    angle: float = 0.0,
    label: int | None = None,
) -> None:
    """Paint a flat roof with a parapet, seams and roof equipment."""
    if not canvas.sees(centre, float(np.hypot(*size)) / 2):
        return
    roof = varied(FLAT_ROOFS, rng)
    outline, inner = rectangle(centre, size, angle), rectangle(centre, (size[0] - 0.8, size[1] - 0.8), angle)
    canvas.polygon(outline, as_colour(roof + rng.uniform(12, 28)), height=height + 0.45, label=label)
    canvas.polygon(inner, as_colour(roof), height=height)
    seams = [
        stroke
        for x in np.arange(-size[0] / 2 + 3, size[0] / 2 - 1, 3.0).tolist()
        for stroke in strokes([(x, -size[1] / 2 + 0.5), (x, size[1] / 2 - 0.5)], 0.12)
    ]
    canvas.polygons([placed(seam, centre, angle) for seam in seams], as_colour(roof * 0.86), opacity=0.6)
    canvas.blend([outline], wear)

    taken: list[Point] = []
    for _ in range(int(size[0] * size[1] / 75)):
        x, y = ((np.array(size) - 6) * rng.uniform(-0.5, 0.5, 2)).tolist()
        if all(np.hypot(x - other_x, y - other_y) >= 5.5 for other_x, other_y in taken):
            taken.append((x, y))
            draw_equipment(canvas, spot((x, y), centre, angle), height, rng, angle)


def draw_equipment(canvas: Canvas, centre: Point, base: float, rng: Generator, angle: float) -> None:
    """Paint one piece of roof equipment: a skylight, an air handler, fans or rows of solar panels."""
    angle += np.pi / 2 * rng.integers(2)
    kind = rng.choice(["skylight", "handler", "fans", "solar"], p=[0.36, 0.34, 0.16, 0.14])
    if kind == "skylight":
        length, width, tone = rng.uniform(3.2, 4.8), rng.uniform(1.4, 2.0), rng.uniform(0.8, 1.4)
        canvas.polygon(rectangle(centre, (length, width), angle), (206, 208, 206), height=base + 0.4)
        glass = rectangle(centre, (length - 0.5, width - 0.5), angle)
        canvas.polygon(glass, (64 * tone, 80 * tone, 95 * tone), height=base + 0.5)
        canvas.polygon(rectangle(centre, (0.2, width - 0.5), angle), (190, 192, 190))
    elif kind == "handler":
        length, width, grey = rng.uniform(3.4, 4.8), rng.uniform(1.6, 2.2), rng.uniform(130, 215)
        canvas.polygon(rectangle(centre, (length, width), angle), (grey, grey, grey), height=base + 1.3)
        intake = spot((0.22 * length, 0), centre, angle)
        canvas.polygon(rectangle(intake, (0.3 * length, 0.7 * width), angle), (62, 64, 66), height=base + 1.2)
        grille = spot((-0.25 * length, 0), centre, angle)
        canvas.polygon(rectangle(grille, (0.22 * length, 0.66 * width), angle), (96, 98, 100))
    elif kind == "fans":
        canvas.polygon(rectangle(centre, (2.4, 1.3), angle), (186, 186, 184), height=base + 0.9)
        fans = [rectangle(spot((side, 0), centre, angle), (0.8, 0.8), angle) for side in (-0.6, 0.6)]
        canvas.polygons(fans, (54, 54, 56))
    else:
        rows = [rectangle(spot((0, row), centre, angle), (5.0, 1.3), angle) for row in (-2.0, 0.0, 2.0)]
        canvas.polygons(rows, (36, 44, 66), height=base + 0.5)


def draw_house(
    canvas: Canvas,
    centre: Point,
    size: tuple[float, float],
    wear: Layer,
    rng: Generator,
    *,
    angle: float = 0.0,
    label: int | None = None,
) -> None:
    """Paint a tiled gable roof, its ridge along the length; some have a chimney or solar panels."""
    if not canvas.sees(centre, float(np.hypot(*size)) / 2):
        return
    tile = varied(TILES, rng)
    length, width = size
    eaves, rise = rng.uniform(3.0, 5.2), 0.5 * width * rng.uniform(0.55, 0.8)
    for inset in np.arange(0, 1, 0.12).tolist():  # nested strips from the eaves up to the ridge
        strip = rectangle(centre, (length, width * (1 - inset)), angle)
        canvas.polygon(strip, as_colour(tile * rng.uniform(0.97, 1.03)), height=eaves + rise * inset, label=label)
    canvas.polygon(rectangle(centre, (length, 0.35), angle), as_colour(tile * 1.12))
    canvas.blend([rectangle(centre, size, angle)], wear)
    if rng.random() < 0.7:
        chimney = spot((rng.uniform(-0.3, 0.3) * length, 0.08 * width), centre, angle)
        canvas.polygon(rectangle(chimney, (1.0, 0.8), angle), (122, 78, 66), height=eaves + rise + 0.9)
        canvas.polygon(rectangle(chimney, (0.5, 0.4), angle), (36, 32, 30))
    if rng.random() < 0.45:
        side = float(rng.choice([-0.25, 0.25]))
        panels = spot((rng.uniform(-0.2, 0.2) * length, side * width), centre, angle)
        canvas.polygon(rectangle(panels, (rng.uniform(3.0, 4.6), min(1.9, 0.36 * width)), angle), (34, 42, 62))


def draw_container(
    canvas: Canvas, centre: Point, angle: float, rng: Generator, length: float = 6.1, layers: int = 1
) -> None:
    """Paint a freight container: a ribbed box as long as one or two cars."""
    if not canvas.sees(centre, length):
        return
    paint = varied(CONTAINERS, rng)
    canvas.polygon(rectangle(centre, (length, 2.44), angle), as_colour(paint), height=2.6 * layers)
    if canvas.scale < 3:  # ribs are finer than a pixel
        return
    ribs = np.arange(-length / 2 + 0.5, length / 2 - 0.3, 0.9).tolist()
    outlines = [rectangle(spot((rib, 0), centre, angle), (0.2, 2.2), angle) for rib in ribs]
    canvas.polygons(outlines, as_colour(paint * 0.84))
