"""A town from above with four classes, of which cars are rare: streets, houses, gardens, trees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Canvas, Points, rectangle
from explorer.imagery.builtin.cars import Car, draw_car
from explorer.imagery.builtin.ground import CONCRETE, draw_repairs, draw_road, lay_asphalt, lay_grass, weather
from explorer.imagery.builtin.light import Light, photograph
from explorer.imagery.builtin.roofs import draw_flat_roof, draw_house
from explorer.imagery.builtin.texture import Layer
from explorer.imagery.builtin.trees import draw_tree
from explorer.imagery.scene import Scene

CLASSES = ("background", "building", "road", "tree", "car")
BUILDING, ROAD, TREE, CAR = 1, 2, 3, 4
PIXELS, METRES_PER_PIXEL = 320, 0.3
SHARE = 0.0085  # of the scene that is cars
STREET = 6.4  # metres between the kerbs

Spot = tuple[float, float, float]
"""X, y and heading of a place where a car can be parked."""


@dataclass(frozen=True)
class Streets:
    """Where the streets run, in metres: some along x, one along y."""

    along: tuple[float, ...]  # y of the streets along x
    across: float  # x of the street along y

    @classmethod
    def random(cls, rng: Generator) -> Streets:
        """Streets far enough apart for two rows of houses with gardens back to back."""
        first, pitch = rng.uniform(-34, -16), rng.uniform(50, 56)
        return cls((first - pitch, first, first + pitch), rng.uniform(-24, 24))


def town_scene(name: str, rng: Generator) -> Scene:
    """One RGB scene of 320×320 px at 0.3 m with buildings, roads, trees and a few cars."""
    canvas = Canvas(PIXELS, METRES_PER_PIXEL, rng.uniform(0, 2 * np.pi))
    streets = Streets.random(rng)
    wear = weather(canvas, rng)
    lay_grass(canvas, rng)
    _lay_streets(canvas, streets, wear, rng)
    spots: list[Spot] = []
    for street in streets.along:
        for side in (-1, 1):
            spots += _draw_plots(canvas, street, side, streets.across, wear, rng)
        spots += [
            (x, street + lane, heading)
            for x in np.arange(-60, 61, 7.0).tolist()
            for lane, heading in ((-2.1, np.pi), (2.1, 0.0))
        ]
    spots += [(streets.across + lane, y, np.pi / 2) for y in np.arange(-60, 61, 9.0).tolist() for lane in (-2, 2)]
    _plant_street_trees(canvas, streets, rng)
    _park(canvas, spots, rng)
    image = photograph(canvas, Light.random(rng), rng)
    return Scene(name, image, canvas.final_label(), ("red", "green", "blue"))


def _lay_streets(canvas: Canvas, streets: Streets, wear: Layer, rng: Generator) -> None:
    """Paint pavements first and then the carriageways, so that crossings stay open."""
    length = 3 * canvas.reach
    pavement = STREET + 4.4
    outlines: list[Points] = [rectangle((0, y), (length, pavement)) for y in streets.along]
    outlines.append(rectangle((streets.across, 0), (length, pavement), np.pi / 2))
    canvas.polygons(outlines, CONCRETE)
    canvas.blend(outlines, wear)
    for y in streets.along:
        draw_road(canvas, (0, y), length, STREET, wear, label=ROAD)
        draw_repairs(canvas, rng, (-60, y - 3, 60, y + 3), patches=4)
    draw_road(canvas, (streets.across, 0), length, STREET, wear, angle=np.pi / 2, label=ROAD)
    for y in streets.along:
        lay_asphalt(canvas, rectangle((streets.across, y), (STREET, STREET)), wear, tone=0.93)


def _draw_plots(canvas: Canvas, street: float, side: int, across: float, wear: Layer, rng: Generator) -> list[Spot]:
    """Paint the plots on one side of a street; returns the driveways, where cars can be parked."""
    kerb = street + side * (STREET / 2 + 2.2)
    driveways: list[Spot] = []
    x = -canvas.reach + rng.uniform(0, 8)
    while x < canvas.reach:
        flats = rng.random() < 0.14
        frontage = rng.uniform(24, 30) if flats else rng.uniform(15, 20)
        if abs(x + frontage / 2 - across) < frontage / 2 + STREET / 2 + 2.6:  # the crossing street is here
            x += 1.5
            continue
        _draw_garden(canvas, (x, frontage), kerb, side, rng)
        if flats:
            size = (frontage - 4, rng.uniform(11, 14))
            centre = (x + frontage / 2, kerb + side * (3.5 + size[1] / 2))
            draw_flat_roof(canvas, centre, size, rng.uniform(8, 11), wear, rng, label=BUILDING)
        else:
            size = (frontage - rng.uniform(6, 7.5), rng.uniform(7.5, 9.5))
            centre = (x + 1.5 + size[0] / 2, kerb + side * (rng.uniform(4, 6) + size[1] / 2))
            drive = x + frontage - 2.2
            canvas.polygon(rectangle((drive, kerb + side * 5.4), (3.0, 11.0)), (156, 150, 142))
            driveways.append((drive, kerb + side * rng.uniform(3.4, 7), side * np.pi / 2))
            draw_house(canvas, centre, size, wear, rng, label=BUILDING)
            if rng.random() < 0.35:
                garage = (drive, kerb + side * 14)
                canvas.polygon(rectangle(garage, (3.4, 6.2)), (140, 136, 130), height=2.7, label=BUILDING)
        x += frontage
    return driveways


def _draw_garden(canvas: Canvas, plot: tuple[float, float], kerb: float, side: int, rng: Generator) -> None:
    """Paint a hedge, trees and sometimes a terrace, a pool or a shed, before the house is drawn."""
    left, frontage = plot
    back = kerb + side * 20.0
    canvas.polygon(rectangle((left, kerb + side * 10), (0.9, 19.0)), (62, 82, 44), height=1.5)
    if rng.random() < 0.7:
        terrace = (left + rng.uniform(4, 8), kerb + side * 15.5)
        canvas.polygon(rectangle(terrace, (rng.uniform(4, 6), 4.0)), (176, 158, 138))
    if rng.random() < 0.2:
        pool = (left + rng.uniform(5, frontage - 5), back - side * 1.5)
        canvas.polygon(rectangle(pool, (6.6, 3.8)), (206, 202, 192))
        canvas.polygon(rectangle(pool, (5.6, 2.8)), (78, 158, 178))
    elif rng.random() < 0.5:
        shed = (left + rng.uniform(3, frontage - 3), back - side * 1.2)
        canvas.polygon(rectangle(shed, (3.6, 2.4)), (118, 104, 90), height=2.2)
    for _ in range(int(rng.integers(1, 4))):
        place = (left + rng.uniform(1, frontage - 1), back + side * rng.uniform(-3.5, 2.5))
        draw_tree(canvas, place, rng.uniform(1.5, 3.4), rng, TREE)


def _plant_street_trees(canvas: Canvas, streets: Streets, rng: Generator) -> None:
    for y in streets.along:
        for x in np.arange(-canvas.reach, canvas.reach, 13.0).tolist():
            if rng.random() < 0.5 and abs(x - streets.across) > 9:
                place = (x + rng.normal(0, 1), y + float(rng.choice([-1, 1])) * (STREET / 2 + 1.6))
                draw_tree(canvas, place, rng.uniform(1.4, 2.4), rng, TREE)


def _park(canvas: Canvas, spots: list[Spot], rng: Generator) -> None:
    """Park cars in driveways and streets until the target share of the scene is cars."""
    wanted = SHARE * rng.uniform(0.75, 1.15) * canvas.label.size
    for index in rng.permutation(len(spots)):
        if np.count_nonzero(canvas.label == CAR) > wanted:
            return
        x, y, heading = spots[index]
        car = Car.random(rng)
        centre, angle = (x + rng.normal(0, 0.15), y + rng.normal(0, 0.1)), heading + rng.normal(0, 0.03)
        if canvas.is_free((car.length, car.width), centre, angle, CAR):
            draw_car(canvas, car, centre, angle, CAR)
