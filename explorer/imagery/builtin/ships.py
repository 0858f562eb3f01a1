"""Ships and boats seen from above: hull, deck, wheelhouse, hatches and label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from explorer.imagery.builtin.canvas import Canvas, Colour, Point, placed
from explorer.imagery.builtin.roofs import CONTAINERS, as_colour, varied

HULLS: tuple[Colour, ...] = ((40, 48, 60), (120, 44, 38), (52, 84, 116), (196, 198, 196), (60, 74, 66))
DECKS: tuple[Colour, ...] = ((150, 96, 74), (122, 126, 124), (104, 128, 112), (168, 160, 142))
WHITE: Colour = (232, 234, 232)
GLASS: Colour = (36, 44, 52)


@dataclass(frozen=True)
class Ship:
    """One vessel: kind, size in metres and colours."""

    kind: str  # coaster, trawler, tug or yacht
    length: float
    width: float
    hull: Colour
    deck: Colour

    @classmethod
    def random(cls, rng: Generator, kind: str) -> Ship:
        """A ship of a kind, with random size and colours."""
        length, slimness = {
            "coaster": (rng.uniform(44, 60), 5.4),
            "trawler": (rng.uniform(19, 28), 3.5),
            "tug": (rng.uniform(20, 26), 2.9),
            "yacht": (rng.uniform(13, 18), 3.3),
        }[kind]
        hull = (226.0, 228.0, 226.0) if kind == "yacht" else as_colour(varied(HULLS, rng))
        deck = (188.0, 164.0, 128.0) if kind == "yacht" else as_colour(varied(DECKS, rng))
        return cls(kind, length, length / slimness * rng.uniform(0.93, 1.07), hull, deck)


def draw_ship(canvas: Canvas, ship: Ship, centre: Point, angle: float, rng: Generator, label: int) -> None:
    """Paint a ship whose bow points along ``angle`` and label the outline of its hull."""

    def part(points: list[Point]) -> NDArray[np.float64]:
        return placed(np.array(points) * [ship.length, ship.width], centre, angle)

    def block(rear: float, front: float, half: float) -> NDArray[np.float64]:
        return part([(rear, -half), (front, -half), (front, half), (rear, half)])

    canvas.polygon(part(hull_outline(0.5, 0.5)), ship.hull, height=2.0, label=label)
    canvas.polygon(part(hull_outline(0.47, 0.40)), ship.deck, height=1.6)
    if ship.kind == "coaster":
        canvas.polygon(block(-0.46, -0.30, 0.42), WHITE, height=8.0)
        canvas.polygon(block(-0.31, -0.29, 0.36), GLASS, height=8.0)
        canvas.polygon(block(-0.43, -0.37, 0.16), as_colour(varied(HULLS, rng)), height=10.0)  # funnel
        loaded = rng.random() < 0.5
        for rear in np.linspace(-0.25, 0.25, 4).tolist():
            cargo = as_colour(varied(CONTAINERS, rng) if loaded else np.array(ship.deck) * 0.72)
            canvas.polygon(block(rear, rear + 0.135, 0.34), cargo, height=5.2 if loaded else 2.6)
    elif ship.kind == "trawler":
        canvas.polygon(block(0.08, 0.26, 0.32), WHITE, height=5.0)
        canvas.polygon(block(0.23, 0.27, 0.28), GLASS, height=5.0)
        canvas.polygons([block(-0.42, -0.38, 0.40), block(-0.2, 0.08, 0.03)], (206, 176, 82), height=4.5)
        canvas.polygon(block(-0.32, -0.2, 0.2), (74, 92, 84), height=2.2)  # nets
    elif ship.kind == "tug":
        canvas.polygon(block(-0.02, 0.28, 0.30), WHITE, height=5.0)
        canvas.polygon(block(0.05, 0.2, 0.2), (206, 116, 60), height=7.0)
        canvas.polygon(block(0.19, 0.22, 0.2), GLASS, height=7.0)
        canvas.polygon(block(-0.3, -0.22, 0.12), (58, 58, 60), height=2.6)
    else:
        canvas.polygon(block(-0.12, 0.2, 0.2), WHITE, height=2.4)
        canvas.polygon(block(-0.42, -0.16, 0.22), (84, 96, 108), height=1.2)  # cockpit
        canvas.polygon(block(-0.3, 0.08, 0.025), (214, 216, 216), height=4.0)  # boom


def hull_outline(half_length: float, half_width: float) -> list[Point]:
    """A hull with a pointed bow and a rounded stern, in shares of length and width."""
    side = [(-0.96, -0.72), (-0.8, -1.0), (0.3, -1.0), (0.62, -0.76), (0.86, -0.34)]
    outline = [*side, (1.0, 0.0), *((x, -y) for x, y in side[::-1])]
    return [(x * half_length, y * half_width) for x, y in outline]
