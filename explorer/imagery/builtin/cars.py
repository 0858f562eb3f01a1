"""Cars and vans seen from above: body, glass, roof, and the label under them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.ndimage import binary_dilation

from explorer.imagery.builtin.canvas import Canvas, Colour, placed

PAINTS: tuple[tuple[Colour, float], ...] = (
    ((226, 228, 228), 0.26),  # white
    ((40, 42, 46), 0.20),  # black
    ((150, 153, 157), 0.18),  # silver
    ((92, 95, 101), 0.13),  # grey
    ((150, 32, 30), 0.09),  # red
    ((34, 62, 118), 0.09),  # blue
    ((44, 78, 60), 0.025),  # green
    ((180, 150, 96), 0.025),  # beige
)
GLASS: Colour = (34, 40, 48)


@dataclass(frozen=True)
class Car:
    """One vehicle: its shape in metres and its paint."""

    length: float
    width: float
    cabin: tuple[float, float]  # where the glass begins and ends, −0.5 rear to 0.5 front
    height: float
    paint: Colour

    @classmethod
    def drawn(cls, rng: Generator) -> Car:
        """A hatchback, saloon or van."""
        paints, shares = zip(*PAINTS, strict=True)
        paint = np.array(paints[rng.choice(len(paints), p=np.array(shares) / sum(shares))]) + rng.normal(
            0, 6, 3
        )
        colour: Colour = tuple(np.clip(paint, 12, 240))
        kind = rng.choice(["hatchback", "saloon", "van"], p=[0.45, 0.42, 0.13])
        if kind == "van":
            return cls(rng.uniform(5.0, 5.5), rng.uniform(2.0, 2.1), (-0.5, 0.36), 2.1, colour)
        if kind == "saloon":
            return cls(rng.uniform(4.6, 4.95), rng.uniform(1.86, 1.96), (-0.36, 0.23), 1.45, colour)
        return cls(rng.uniform(4.15, 4.5), rng.uniform(1.82, 1.92), (-0.47, 0.24), 1.5, colour)


def draw_car(canvas: Canvas, car: Car, centre: tuple[float, float], angle: float, label: int) -> None:
    """Paint a car that heads along ``angle``; its outline gets the label."""

    def part(points: list[tuple[float, float]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return placed(np.array(points) * [car.length, car.width], centre, angle)

    rear, front = car.cabin
    body = [
        (-0.5, -0.40),
        (-0.46, -0.5),
        (0.40, -0.5),
        (0.48, -0.36),
        (0.5, 0),
        (0.48, 0.36),
        (0.40, 0.5),
        (-0.46, 0.5),
    ]
    canvas.polygon(part([*body, (-0.5, 0.40)]), car.paint, height=0.85, label=label, gloss=0.015)
    glass = [(rear, -0.40), (front, -0.44), (front + 0.02, 0), (front, 0.44), (rear, 0.40)]
    canvas.polygon(part(glass), GLASS, height=car.height - 0.25, gloss=0.03)
    back, screen = rear + (0.02 if car.height > 2 else 0.10), front - 0.13
    roof = [(back, -0.37), (screen, -0.36), (screen, 0.36), (back, 0.37)]
    brighter: Colour = tuple(min(255.0, 1.06 * value + 4) for value in car.paint)
    canvas.polygon(part(roof), brighter, height=car.height, gloss=0.02)
    canvas.polygon(part([(0.44, -0.42), (0.48, -0.30), (0.46, -0.26), (0.42, -0.38)]), (215, 215, 205))
    canvas.polygon(part([(0.44, 0.42), (0.48, 0.30), (0.46, 0.26), (0.42, 0.38)]), (215, 215, 205))


def is_free(canvas: Canvas, car: Car, centre: tuple[float, float], angle: float, label: int) -> bool:
    """Whether a car fits here wholly in view, on the ground, and clear of every labelled car.

    The gap of two delivered pixels keeps neighbours separate objects.
    """
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * [car.length, car.width]
    outline = placed(corners, centre, angle)
    grid = canvas.to_grid(outline)
    margin = 4 * canvas.supersampling
    if grid.min() < margin or grid.max() > canvas.side - margin:
        return False
    found = canvas.stencil(placed(corners * 1.02, centre, angle))
    if found is None:
        return False
    (rows, columns), inside = found
    if (canvas.height[rows, columns][inside] > 0.3).any():
        return False
    gap = 3 * canvas.supersampling
    wide = np.pad(inside, gap)
    near = binary_dilation(wide, np.ones((3, 3), bool), iterations=gap)
    top, left = max(rows.start - gap, 0), max(columns.start - gap, 0)
    around = canvas.label[top : rows.stop + gap, left : columns.stop + gap]
    offset_row, offset_column = top - (rows.start - gap), left - (columns.start - gap)
    near = near[offset_row : offset_row + around.shape[0], offset_column : offset_column + around.shape[1]]
    return not (around[near] == label).any()
