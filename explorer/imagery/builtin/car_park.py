"""A car park from above: a few cars among paint, trees and roofs full of objects the size of a car."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Area, Canvas, Points, box, placed, rectangle, strokes
from explorer.imagery.builtin.cars import Car, draw_car
from explorer.imagery.builtin.ground import (
    CONCRETE,
    KERB,
    PAINT,
    draw_repairs,
    draw_road,
    lay_asphalt,
    lay_grass,
    weather,
)
from explorer.imagery.builtin.light import Light, photograph
from explorer.imagery.builtin.roofs import draw_container, draw_flat_roof
from explorer.imagery.builtin.texture import Layer
from explorer.imagery.builtin.trees import draw_tree
from explorer.imagery.scene import Scene

CLASSES = ("background", "car")
CAR = 1
PIXELS, METRES_PER_PIXEL = 320, 0.3
SHARE = 0.0105  # of the scene that is cars
BAY, DEPTH, AISLE = 2.6, 5.0, 6.4  # metres: width and depth of a bay, width of an aisle
ROWS = 2  # double rows of bays
ARROW = [(-1.2, -0.12), (0.4, -0.12), (0.4, -0.5), (1.3, 0.0), (0.4, 0.5), (0.4, 0.12), (-1.2, 0.12)]


@dataclass(frozen=True)
class Layout:
    """Where things are, in metres: the shops are above the lot, the road below it."""

    lot: Area
    columns: int  # bays in a row

    @classmethod
    def random(cls, rng: Generator) -> Layout:
        """A lot near the middle of the scene."""
        width, top = rng.uniform(62, 84), rng.uniform(-20, -8) - AISLE
        left = -width / 2 + rng.uniform(-8, 8)
        depth = 2 * AISLE + ROWS * (2 * DEPTH + AISLE)
        return cls((left, top, left + width, top + depth), int((width - 9) / BAY))

    @property
    def road(self) -> float:
        """Y of the middle of the road."""
        return self.lot[3] + 7.5

    @property
    def first_bay(self) -> float:
        """X where the rows of bays begin."""
        return (self.lot[0] + self.lot[2]) / 2 - self.columns * BAY / 2

    @property
    def spines(self) -> tuple[float, ...]:
        """Y of the line that two rows of bays share."""
        first = self.lot[1] + AISLE + DEPTH
        return tuple(first + row * (2 * DEPTH + AISLE) for row in range(ROWS))


def car_park_scene(name: str, rng: Generator) -> Scene:
    """One RGB scene of 320×320 px at 0.3 m, about 1 % of it cars."""
    canvas = Canvas(PIXELS, METRES_PER_PIXEL, float(rng.integers(4)) * np.pi / 2 + rng.normal(0, 0.12))
    layout = Layout.random(rng)
    wear = weather(canvas, rng)
    lay_grass(canvas, rng)
    _lay_lot(canvas, layout, wear, rng)
    bays = _draw_bays(canvas, layout, rng)
    _plant_trees(canvas, layout, rng)
    _draw_shops(canvas, layout, wear, rng)
    _park(canvas, layout, bays, rng)
    image = photograph(canvas, Light.random(rng), rng)
    return Scene(name, image, canvas.final_label(), ("red", "green", "blue"))


def _lay_lot(canvas: Canvas, layout: Layout, wear: Layer, rng: Generator) -> None:
    left, top, right, bottom = layout.lot
    canvas.polygon(box((left - 0.4, top - 0.4, right + 0.4, bottom + 0.4)), KERB)
    lay_asphalt(canvas, box(layout.lot), wear, tone=rng.uniform(0.9, 1.18))
    draw_repairs(canvas, rng, layout.lot, patches=8)
    draw_road(canvas, (0, layout.road), 3 * canvas.reach, 7.0, wear)
    canvas.polygon(rectangle((0, layout.road - 5.4), (3 * canvas.reach, 2.0)), CONCRETE)
    gate = left + (right - left) * rng.uniform(0.2, 0.8)
    lay_asphalt(canvas, rectangle((gate, bottom + 2.5), (7.0, 7.0)), wear)


def _draw_bays(canvas: Canvas, layout: Layout, rng: Generator) -> list[tuple[float, float, float]]:
    """Paint bays, islands and arrows; returns the centre and heading (x, y, angle) of each bay."""
    last = layout.columns - 1
    islands = {0, last, int(rng.integers(layout.columns // 3, 2 * layout.columns // 3))}
    end = layout.first_bay + layout.columns * BAY
    bays: list[tuple[float, float, float]] = []
    lines: list[Points] = []
    oil: list[Points] = []
    for spine in layout.spines:
        lines += strokes([(layout.first_bay, spine), (end, spine)], 0.14)
        for column in sorted(set(range(layout.columns)) - islands):
            x = layout.first_bay + (column + 0.5) * BAY
            for side in (-1, 1):
                y = spine + side * DEPTH / 2
                bays.append((x, y, float(rng.choice([-1, 1])) * np.pi / 2))
                for line in (x - BAY / 2, x + BAY / 2):
                    lines += strokes([(line, spine), (line, spine + side * DEPTH)], 0.16)
                if rng.random() < 0.5:
                    length, width = rng.uniform(0.4, 1.2, 2)
                    oil.append(rectangle((x + rng.normal(0, 0.2), y + rng.normal(0, 0.7)), (length, width), 0.5))
        for side, heading in ((-1, np.pi), (1, 0.0)):
            y = spine + side * (DEPTH + AISLE / 2)
            lines += [placed(ARROW, (x, y), heading) for x in np.arange(layout.first_bay + 8, end, 17.0).tolist()]
    canvas.polygons(oil, (70, 70, 71), opacity=0.35)
    canvas.polygons(lines, PAINT, opacity=rng.uniform(0.45, 0.9))
    for spine in layout.spines:
        for column in islands:
            _draw_island(canvas, layout.first_bay + (column + 0.5) * BAY, spine, rng)
    return bays


def _draw_island(canvas: Canvas, x: float, spine: float, rng: Generator) -> None:
    canvas.polygon(rectangle((x, spine), (BAY - 0.2, 2 * DEPTH - 0.4)), KERB, height=0.12)
    canvas.polygon(rectangle((x, spine), (BAY - 0.7, 2 * DEPTH - 0.9)), (112, 104, 72))
    for y in (spine - 2.6, spine + 2.6):
        if rng.random() < 0.8:
            draw_tree(canvas, (x, y), rng.uniform(1.3, 2.3), rng)


def _draw_shops(canvas: Canvas, layout: Layout, wear: Layer, rng: Generator) -> None:
    """Paint the buildings behind the lot, containers beside it, and a shelter for trolleys."""
    left, top, right, _ = layout.lot
    canvas.polygon(rectangle(((left + right) / 2, top - 2.2), (right - left + 10, 4.4)), CONCRETE)
    x = left - 3
    while x < right + 4:
        length, depth = rng.uniform(20, 40), rng.uniform(24, 38)
        centre = (x + length / 2, top - 4.4 - depth / 2)
        draw_flat_roof(canvas, centre, (length, depth), rng.uniform(5, 8), wear, rng)
        x += length + rng.choice([0.0, 7.0], p=[0.6, 0.4])
    for _ in range(3):
        place = (float(rng.choice([left - 5.0, right + 5.0])), rng.uniform(top, top + 26))
        draw_container(canvas, place, np.pi / 2, rng, length=float(rng.choice([4.2, 6.1])))
    shelter = (rng.uniform(left + 12, right - 12), top + 1.4)
    canvas.polygon(rectangle(shelter, (4.6, 2.2)), (150, 160, 164), height=2.2)
    canvas.polygon(rectangle(shelter, (4.6, 0.25)), (112, 116, 118))


def _plant_trees(canvas: Canvas, layout: Layout, rng: Generator) -> None:
    left, top, right, bottom = layout.lot
    for x in np.arange(-canvas.reach, canvas.reach, 7.5).tolist():
        for y in (layout.road + 7.5, layout.road + 14):
            if rng.random() < 0.7:
                centre = (x + rng.normal(0, 1.5), y + rng.normal(0, 1.2))
                draw_tree(canvas, centre, rng.uniform(1.8, 3.6), rng)
    for _ in range(26):
        away = 9 + rng.exponential(5)
        x = left - away if rng.random() < 0.5 else right + away
        draw_tree(canvas, (x, rng.uniform(top - 30, bottom)), rng.uniform(1.4, 3.8), rng)


def _park(canvas: Canvas, layout: Layout, bays: list[tuple[float, float, float]], rng: Generator) -> None:
    """Place a few moving cars and park others, until the target share of the scene is cars."""
    left, _, right, bottom = layout.lot
    spots = [(rng.uniform(-40, 40), layout.road + lane, np.pi if lane < 0 else 0.0) for lane in (-1.75, 1.75)]
    spots.append((rng.uniform(left + 8, right - 8), bottom - AISLE / 2 + float(rng.choice([-1.3, 1.3])), 0.0))
    spots += [bays[index] for index in rng.permutation(len(bays))]
    wanted = SHARE * rng.uniform(0.8, 1.1) * canvas.label.size
    for x, y, heading in spots:
        if np.count_nonzero(canvas.label) > wanted:
            return
        car = Car.random(rng)
        centre, angle = (x + rng.normal(0, 0.07), y + rng.normal(0, 0.25)), heading + rng.normal(0, 0.02)
        if canvas.is_free((car.length, car.width), centre, angle, CAR):
            draw_car(canvas, car, centre, angle, CAR)
