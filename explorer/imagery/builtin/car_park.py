"""A car park from above: a few cars among paint, trees and a roof full of things of a car's size."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Canvas, placed, rectangle
from explorer.imagery.builtin.cars import Car, draw_car, is_free
from explorer.imagery.builtin.ground import (
    CONCRETE,
    PAINT,
    asphalt_wear,
    draw_repairs,
    draw_road,
    lay_asphalt,
    lay_grass,
)
from explorer.imagery.builtin.light import Light, photograph
from explorer.imagery.builtin.roofs import draw_container, draw_flat_roof, stain
from explorer.imagery.builtin.trees import draw_tree
from explorer.imagery.scene import Scene

CLASSES = ("background", "car")
CAR = 1
PIXELS, METRES_PER_PIXEL = 320, 0.3
SHARE = 0.0105
BAY, DEPTH, AISLE = 2.6, 5.0, 6.4  # metres: width and depth of a bay, width of an aisle


def car_park_scene(name: str, rng: Generator) -> Scene:
    """One RGB scene of 320×320 px at 0.3 m, about 1 % of it cars."""
    turned = float(rng.integers(4)) * np.pi / 2 + rng.normal(0, 0.12)
    canvas = Canvas(PIXELS, METRES_PER_PIXEL, turned)
    reach = canvas.reach
    wear = asphalt_wear(canvas, rng)
    lay_grass(canvas, rng)

    top, rows = rng.uniform(-20, -8), 2
    bottom = top + rows * (2 * DEPTH + AISLE) + AISLE
    width = rng.uniform(62, 84)
    left = -width / 2 + rng.uniform(-8, 8)
    lot = (left, top - AISLE, left + width, bottom)
    _draw_lot(canvas, lot, wear, rng)
    bays = _draw_bays(canvas, lot, top, rows, rng)
    road = bottom + 7.5
    draw_road(canvas, (0, road), 3 * reach, 7.0, 0.0, wear)
    canvas.polygon(rectangle((0, road - 5.4), (3 * reach, 2.0)), CONCRETE)
    gate = left + width * rng.uniform(0.2, 0.8)
    lay_asphalt(canvas, rectangle((gate, bottom + 2.5), (7.0, 7.0)), wear)

    _draw_shops(canvas, lot, rng)
    _draw_greenery(canvas, lot, road, rng)
    _park(canvas, bays, (lot, road), rng)
    image = photograph(canvas, Light.drawn(rng), rng)
    return Scene(name, image, canvas.delivered_label(), ("red", "green", "blue"))


def _draw_lot(
    canvas: Canvas, lot: tuple[float, float, float, float], wear: np.ndarray, rng: Generator
) -> None:
    x0, y0, x1, y1 = lot
    area = rectangle(((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0, y1 - y0))
    canvas.polygon(rectangle(((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0 + 0.7, y1 - y0 + 0.7)), (170, 167, 160))
    lay_asphalt(canvas, area, wear, tone=rng.uniform(0.9, 1.18))
    draw_repairs(canvas, rng, lot, patches=12)


def _draw_bays(
    canvas: Canvas, lot: tuple[float, float, float, float], top: float, rows: int, rng: Generator
) -> list[tuple[float, float, float]]:
    """Paint the bays, islands and lanes; gives the middle and heading (x, y, angle) of each free bay."""
    x0, _, x1, _ = lot
    free: list[tuple[float, float, float]] = []
    wear = rng.uniform(0.45, 0.95)
    columns = int((x1 - x0 - 9) / BAY)
    start = (x0 + x1) / 2 - columns * BAY / 2
    islands = {0, columns - 1, int(rng.integers(columns // 3, 2 * columns // 3))}
    for row in range(rows):
        spine = top + row * (2 * DEPTH + AISLE) + DEPTH
        canvas.line([(start, spine), (start + columns * BAY, spine)], 0.14, PAINT, opacity=wear)
        for column in range(columns):
            x = start + (column + 0.5) * BAY
            if column in islands:
                _draw_island(canvas, x, spine, rng)
                continue
            for side in (-1, 1):
                y = spine + side * DEPTH / 2
                free.append((x, y, side * np.pi / 2 * rng.choice([-1, 1])))
                for line in (x - BAY / 2, x + BAY / 2):
                    ends = [(line, spine), (line, spine + side * DEPTH)]
                    canvas.line(ends, 0.16, PAINT, opacity=wear * rng.uniform(0.7, 1))
                if rng.random() < 0.5:
                    spot = (x + rng.normal(0, 0.2), y + rng.normal(0, 0.7))
                    canvas.polygon(
                        rectangle(spot, tuple(rng.uniform(0.4, 1.2, 2)), 0.5), (70, 70, 71), opacity=0.35
                    )
        for side in (-1, 1):  # arrows in the aisles
            y = spine + side * (DEPTH + AISLE / 2)
            for x in np.arange(start + 8, start + columns * BAY, 17.0):
                arrow = [
                    (-1.2, -0.12),
                    (0.4, -0.12),
                    (0.4, -0.5),
                    (1.3, 0),
                    (0.4, 0.5),
                    (0.4, 0.12),
                    (-1.2, 0.12),
                ]
                canvas.polygon(placed(arrow, (x, y), 0.0 if side > 0 else np.pi), PAINT, opacity=wear)
    return free


def _draw_island(canvas: Canvas, x: float, spine: float, rng: Generator) -> None:
    canvas.polygon(rectangle((x, spine), (BAY - 0.2, 2 * DEPTH - 0.4)), (172, 169, 162), height=0.12)
    soil = rectangle((x, spine), (BAY - 0.7, 2 * DEPTH - 0.9))
    canvas.polygon(soil, (112, 104, 72), height=0.12)
    stain(canvas, soil, rng, 0.14)
    for y in (spine - 2.6, spine + 2.6):
        if rng.random() < 0.8:
            draw_tree(canvas, (x, y), rng.uniform(1.3, 2.3), rng)


def _draw_shops(canvas: Canvas, lot: tuple[float, float, float, float], rng: Generator) -> None:
    """Paint the buildings behind the lot, their delivery yard, and shelters for trolleys."""
    x0, y0, x1, _ = lot
    canvas.polygon(rectangle(((x0 + x1) / 2, y0 - 2.2), (x1 - x0 + 10, 4.4)), CONCRETE)
    left = x0 - 3
    while left < x1 + 4:
        length, depth = rng.uniform(20, 40), rng.uniform(24, 38)
        draw_flat_roof(
            canvas, (left + length / 2, y0 - 4.4 - depth / 2), (length, depth), rng.uniform(5, 8), rng
        )
        left += length + rng.choice([0.0, 7.0], p=[0.6, 0.4])
    for _ in range(3):
        spot = (rng.choice([x0 - 5.0, x1 + 5.0]), rng.uniform(y0, y0 + 26))
        draw_container(canvas, spot, np.pi / 2, rng, length=rng.choice([4.2, 6.1]))
    shelter = (rng.uniform(x0 + 12, x1 - 12), y0 + 1.4)
    canvas.polygon(rectangle(shelter, (4.6, 2.2)), (150, 160, 164), height=2.2, gloss=0.03)
    canvas.polygon(rectangle(shelter, (4.6, 0.25)), (112, 116, 118))


def _draw_greenery(
    canvas: Canvas, lot: tuple[float, float, float, float], road: float, rng: Generator
) -> None:
    x0, y0, x1, y1 = lot
    for x in np.arange(-canvas.reach, canvas.reach, 7.5):
        for y in (road + 7.5, road + 14):
            if rng.random() < 0.7:
                draw_tree(
                    canvas, (x + rng.normal(0, 1.5), y + rng.normal(0, 1.2)), rng.uniform(1.8, 3.6), rng
                )
    for _ in range(26):
        side = rng.choice([-1, 1])
        edge = x0 - 9 if side < 0 else x1 + 9
        draw_tree(
            canvas, (edge + side * rng.exponential(5), rng.uniform(y0 - 30, y1)), rng.uniform(1.4, 3.8), rng
        )


def _park(
    canvas: Canvas,
    bays: list[tuple[float, float, float]],
    place: tuple[tuple[float, float, float, float], float],
    rng: Generator,
) -> None:
    """Park cars in bays, and let one or two drive, until the wished share of the scene is cars."""
    (x0, _, x1, y1), road = place
    driving = [(rng.uniform(-40, 40), road + lane, 0.0 if lane > 0 else np.pi) for lane in (-1.75, 1.75)]
    driving += [(rng.uniform(x0 + 8, x1 - 8), y1 - AISLE / 2 + rng.choice([-1.3, 1.3]), 0.0)]
    spots = driving + [bays[index] for index in rng.permutation(len(bays))]
    wanted = SHARE * rng.uniform(0.85, 1.15) * canvas.label.size
    for x, y, heading in spots:
        if (canvas.label == CAR).sum() > wanted:
            return
        car = Car.drawn(rng)
        centre, angle = (x + rng.normal(0, 0.07), y + rng.normal(0, 0.25)), heading + rng.normal(0, 0.02)
        if is_free(canvas, car, centre, angle, CAR):
            draw_car(canvas, car, centre, angle, CAR)
