"""Cars and vans seen from above: body, glass, roof and label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from explorer.imagery.builtin.canvas import Canvas, Colour, Point, placed

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
LAMP: Colour = (215, 215, 205)

# parts as shares of length and width; the right side mirrors the left
BODY = [(-0.5, -0.4), (-0.46, -0.5), (0.4, -0.5), (0.48, -0.36), (0.5, 0.0)]
BODY += [(x, -y) for x, y in BODY[-2::-1]]
LAMPS = [[(0.44, side * 0.42), (0.48, side * 0.30), (0.46, side * 0.26), (0.42, side * 0.38)] for side in (-1, 1)]


@dataclass(frozen=True)
class Car:
    """One vehicle: its shape in metres and its paint."""

    length: float
    width: float
    cabin: tuple[float, float]  # where the glass begins and ends, −0.5 rear to 0.5 front
    height: float
    paint: Colour

    @classmethod
    def random(cls, rng: Generator) -> Car:
        """A hatchback, saloon or van in a common colour."""
        paints, shares = zip(*PAINTS, strict=True)
        chosen = paints[rng.choice(len(paints), p=np.array(shares) / sum(shares))]
        red, green, blue = np.clip(np.array(chosen) + rng.normal(0, 7) + rng.normal(0, 2, 3), 12, 240).tolist()
        kind = rng.choice(["hatchback", "saloon", "van"], p=[0.45, 0.42, 0.13])
        if kind == "van":
            return cls(rng.uniform(5.0, 5.5), rng.uniform(2.0, 2.1), (-0.5, 0.36), 2.1, (red, green, blue))
        if kind == "saloon":
            return cls(rng.uniform(4.6, 4.95), rng.uniform(1.86, 1.96), (-0.36, 0.23), 1.45, (red, green, blue))
        return cls(rng.uniform(4.15, 4.5), rng.uniform(1.82, 1.92), (-0.47, 0.24), 1.5, (red, green, blue))


def draw_car(canvas: Canvas, car: Car, centre: Point, angle: float, label: int) -> None:
    """Paint a car that heads along ``angle`` and label its outline."""

    def part(points: list[Point]) -> NDArray[np.float64]:
        return placed(np.array(points) * [car.length, car.width], centre, angle)

    rear, front = car.cabin
    canvas.polygon(part(BODY), car.paint, height=0.85, label=label)
    glass = [(rear, -0.40), (front, -0.44), (front + 0.02, 0.0), (front, 0.44), (rear, 0.40)]
    canvas.polygon(part(glass), GLASS, height=car.height - 0.25)
    back, screen = rear + (0.02 if car.height > 2 else 0.10), front - 0.13
    red, green, blue = (min(250.0, 1.08 * value + 5) for value in car.paint)
    roof = [(back, -0.37), (screen, -0.36), (screen, 0.36), (back, 0.37)]
    canvas.polygon(part(roof), (red, green, blue), height=car.height)
    canvas.polygons([part(lamp) for lamp in LAMPS], LAMP)
