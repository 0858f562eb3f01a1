"""A harbour from above: a few ships, moored and under way, beside piers, pontoons, containers and rocks."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from explorer.imagery.builtin.canvas import Canvas, Point, Points, box, rectangle
from explorer.imagery.builtin.ground import CONCRETE, draw_road, lay_asphalt, lay_grass, weather
from explorer.imagery.builtin.light import Light, photograph
from explorer.imagery.builtin.roofs import as_colour, draw_container, draw_flat_roof, varied
from explorer.imagery.builtin.ships import Ship, draw_ship
from explorer.imagery.builtin.texture import Layer
from explorer.imagery.builtin.trees import draw_tree
from explorer.imagery.builtin.water import add_wake, foam_at_shore, lay_water
from explorer.imagery.scene import Scene

CLASSES = ("background", "ship")
SHIP = 1
PIXELS, METRES_PER_PIXEL = 320, 1.2
SHARE = 0.0055  # of the scene that is ships
FEWEST = 4  # ships in a scene
CRANES = ((206, 160, 52), (58, 98, 146), (168, 62, 48))
QUAY_HEIGHT = 2.2  # metres of land above the water

Berth = tuple[float, float, float]
"""X and y of a point on the edge of a quay, and the direction from there to the water."""


def harbour_scene(name: str, rng: Generator) -> Scene:
    """One RGB scene of 320×320 px at 1.2 m, about 0.5 % of it ships."""
    canvas = Canvas(PIXELS, METRES_PER_PIXEL, rng.uniform(0, 2 * np.pi))
    quay = rng.uniform(20, 80)  # y of the edge: water above, land below
    wear = weather(canvas, rng)
    lay_grass(canvas, rng)
    sea = box((-2 * canvas.reach, -2 * canvas.reach, 2 * canvas.reach, quay))
    canvas.height[:] = QUAY_HEIGHT
    canvas.polygon(sea, height=0.0)
    _draw_land(canvas, quay, wear, rng)
    berths = _draw_piers(canvas, quay, wear, rng)
    _draw_breakwater(canvas, quay, rng)

    foam = np.zeros(canvas.shape, np.float32)
    ships = _place_ships(canvas, berths, quay, foam, rng)
    foam_at_shore(canvas, foam, rng.uniform(0.1, 0.35))
    lay_water(canvas, foam, rng)
    for ship, centre, angle in ships:
        draw_ship(canvas, ship, centre, angle, rng, SHIP)
    image = photograph(canvas, Light.random(rng), rng)
    return Scene(name, image, canvas.final_label(), ("red", "green", "blue"))


def _draw_land(canvas: Canvas, quay: float, wear: Layer, rng: Generator) -> None:
    """Paint the quay with stacks of containers and sheds, and behind it a road and trees."""
    reach = canvas.reach
    lay_asphalt(canvas, box((-reach, quay, reach, quay + 64)), wear, tone=rng.uniform(0.95, 1.25))
    canvas.polygon(box((-reach, quay, reach, quay + 9)), CONCRETE)
    canvas.polygon(box((-reach, quay, reach, quay + 1.2)), (128, 126, 122))
    canvas.blend([box((-reach, quay, reach, quay + 9))], wear)
    canvas.polygon(box((-reach, quay + 4.0, reach, quay + 4.4)), (92, 88, 84))  # rails of the cranes
    x = -reach + rng.uniform(0, 20)
    while x < reach:
        if rng.random() < 0.55:
            x += _draw_stack(canvas, (x, quay + 13), rng) + rng.uniform(6, 16)
        else:
            length, depth = rng.uniform(28, 52), rng.uniform(18, 26)
            centre = (x + length / 2, quay + 16 + depth / 2)
            draw_flat_roof(canvas, centre, (length, depth), rng.uniform(6, 9), wear, rng)
            x += length + rng.uniform(6, 14)
    for _ in range(16):
        place = (rng.uniform(-reach, reach), quay + rng.uniform(48, 60))
        draw_container(canvas, place, np.pi / 2 * rng.integers(2), rng, length=float(rng.choice([6.1, 12.2])))
    for x in rng.uniform(-reach, reach, 4).tolist():
        _draw_crane(canvas, (x, quay), rng)
    draw_road(canvas, (0, quay + 70), 2 * reach, 8.0, wear)
    for y in np.arange(quay + 84, reach, 15.0).tolist():
        for x in np.arange(-reach, reach, 15.0).tolist():
            if rng.random() < 0.55:
                draw_tree(canvas, (x + rng.normal(0, 3), y + rng.normal(0, 3)), rng.uniform(2.6, 5.5), rng)
    for x in np.arange(-reach, reach, 78.0).tolist():
        size = (rng.uniform(40, 64), rng.uniform(26, 40))
        draw_flat_roof(canvas, (x, quay + 80 + size[1] / 2), size, rng.uniform(6, 10), wear, rng)


def _draw_stack(canvas: Canvas, corner: Point, rng: Generator) -> float:
    """Paint a block of containers side by side; returns its length in metres."""
    columns, rows = int(rng.integers(2, 5)), int(rng.integers(3, 8))
    for column in range(columns):
        for row in range(rows):
            if rng.random() < 0.85:
                centre = (corner[0] + (column + 0.5) * 12.8, corner[1] + (row + 0.5) * 2.7)
                draw_container(canvas, centre, 0.0, rng, length=12.2, layers=int(rng.integers(1, 4)))
    return columns * 12.8


def _draw_crane(canvas: Canvas, foot: Point, rng: Generator) -> None:
    """Paint a gantry crane on the quay that reaches over the water."""
    x, y = foot
    paint = as_colour(varied(CRANES, rng))
    canvas.polygons([box((x - 7, y + 2, x + 7, y + 3.2)), box((x - 7, y + 10, x + 7, y + 11.2))], paint, height=9.0)
    beams: list[Points] = [box((x + side - 0.7, y - 20, x + side + 0.7, y + 20)) for side in (-2.2, 2.2)]
    canvas.polygons(beams, paint, height=14.0)
    canvas.polygon(box((x - 2.6, y + 12, x + 2.6, y + 17)), (206, 206, 202), height=15.0)


def _draw_piers(canvas: Canvas, quay: float, wear: Layer, rng: Generator) -> list[Berth]:
    """Paint concrete piers and floating pontoons; returns berths along them and along the quay."""
    berths: list[Berth] = [(x, quay, -np.pi / 2) for x in np.arange(-170, 171, 24.0).tolist()]
    for x in np.arange(-140, 141, 68.0).tolist():
        x += rng.uniform(-14, 14)
        length = rng.uniform(36, 70)
        if rng.random() < 0.6:
            pier = box((x - 4, quay - length, x + 4, quay + 2))
            canvas.polygon(pier, CONCRETE, height=QUAY_HEIGHT)
            canvas.blend([pier], wear)
            canvas.polygon(box((x - 3.2, quay - length + 1, x - 2.6, quay)), (96, 94, 90))
            half = 4.0
        else:
            canvas.polygon(box((x - 1.2, quay - length, x + 1.2, quay)), (164, 152, 130), height=0.7)
            fingers = np.arange(quay - length + 2, quay - 6, 11.0).tolist()
            outlines: list[Points] = [box((x - 9, y, x + 9, y + 1.0)) for y in fingers]
            canvas.polygons(outlines, (176, 168, 150), height=0.6)
            half = 1.2
        for y in np.arange(quay - length + 9, quay - 8, 11.0).tolist():
            berths += [(x - half, y + 0.5, np.pi), (x + half, y + 0.5, 0.0)]
    return berths


def _draw_breakwater(canvas: Canvas, quay: float, rng: Generator) -> None:
    """Heap rocks along a bent line out into the sea."""
    side, bend = float(rng.choice([-1, 1])), rng.uniform(0.5, 1.0)
    along = np.linspace(0, 1, 230)
    spine_x = side * (rng.uniform(178, 190) - 150 * bend * along**2)
    spine_y = quay - along * rng.uniform(170, 230)
    greys = ((150, 146, 138), (122, 120, 116), (96, 94, 92))
    for layer in range(3):
        scatter = rng.normal(0, (3.4, 2.6, 1.8)[layer], (2, 230))
        rocks: list[Points] = [
            rectangle((x, y), (size, 0.75 * size), turn)
            for x, y, size, turn in zip(
                (spine_x + scatter[0]).tolist(),
                (spine_y + scatter[1]).tolist(),
                rng.uniform(1.8, 4.2, 230).tolist(),
                rng.uniform(0, np.pi, 230).tolist(),
                strict=True,
            )
        ]
        canvas.polygons(rocks, greys[int(rng.integers(3))], height=0.9 + 0.8 * layer)


def _place_ships(
    canvas: Canvas, berths: list[Berth], quay: float, foam: Layer, rng: Generator
) -> list[tuple[Ship, Point, float]]:
    """Place ships until the target share of the scene is reached, and draw the wakes of those under way.

    Each ship is labelled at once, so that the next one keeps clear of it.
    """
    wanted = SHARE * rng.uniform(0.8, 1.15) * canvas.label.size
    kinds = ["tug", "trawler", "yacht", "trawler", "yacht", *rng.choice(["trawler", "yacht", "tug"], 60)]
    if rng.random() < 0.4:
        kinds.insert(0, "coaster")
    placed_ships: list[tuple[Ship, Point, float]] = []
    for number, kind in enumerate(kinds):
        if len(placed_ships) >= FEWEST and np.count_nonzero(canvas.label) > wanted:
            break
        ship = Ship.random(rng, kind)
        moving = number % 3 == 1
        if moving:
            centre = (rng.uniform(-175, 175), rng.uniform(-180, quay - 30))
            angle = rng.uniform(0, 2 * np.pi)
        else:
            x, y, out = berths[rng.integers(len(berths))]
            away = ship.width / 2 + 1.6
            centre = (x + away * np.cos(out), y + away * np.sin(out))
            angle = out + np.pi / 2 * float(rng.choice([-1, 1])) + rng.normal(0, 0.02)
        if not canvas.is_free((ship.length, ship.width), centre, angle, SHIP):
            continue
        canvas.polygon(rectangle(centre, (ship.length, ship.width), angle), label=SHIP)
        if moving:
            stern = (
                centre[0] - 0.46 * ship.length * np.cos(angle),
                centre[1] - 0.46 * ship.length * np.sin(angle),
            )
            add_wake(canvas, foam, stern, angle, 0.5 * ship.width, rng.uniform(1.5, 3.5) * ship.length)
        placed_ships.append((ship, centre, angle))
    canvas.label[:] = 0
    return placed_ships
