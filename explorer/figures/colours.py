"""Colours of classes, outcomes and runs: those of Okabe and Ito, which colour-blind readers tell apart."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Collection

from PIL import Image

from explorer.imagery.scene import Dataset

INK = "#010203"
"""Placeholder for the theme's text colour, which only the browser knows; ``live_figure`` replaces it."""

CLASS_COLOURS = (
    "#D55E00", "#56B4E9", "#F0E442", "#009E73", "#CC79A7", "#0072B2", "#E69F00",
    "#F4B183", "#BFE3F7", "#8A8000", "#7FDCC0", "#7A2E57", "#9DB7E8", "#7A5200", "#FFFFFF",
)  # fmt: skip
"""Of the classes 1, 2, …; from the eighth on lighter and darker ones. The background has none."""

IGNORED_COLOUR = "#808080"
CLEAR = "#00000000"

HIT, MISS, FALSE_ALARM, CONFUSED = "#0072B2", "#E69F00", "#CC79A7", "#F0E442"
OUTCOMES = {"hit": HIT, "miss": MISS, "false alarm": FALSE_ALARM, "wrong class": CONFUSED}
"""What a foreground pixel can be; the last one only where there are several foreground classes."""

_RUN_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8000", "#7A2E57")


def class_colour(class_id: int) -> str:
    """The colour of a class of id 1 or more; after 15 classes they repeat."""
    return CLASS_COLOURS[(class_id - 1) % len(CLASS_COLOURS)]


def default_colours(classes: int) -> tuple[str, ...]:
    """Colours by class id; the background, 0, is clear."""
    return (CLEAR, *(class_colour(class_id) for class_id in range(1, classes)))


def class_colours(dataset: Dataset) -> tuple[str, ...]:
    """Colours of a dataset by class id: those that the visitor chose, "#rrggbb", else the default ones.

    The background, 0, is always clear.
    """
    chosen = dataset.choices.colours
    defaults = default_colours(len(dataset.classes))
    named = [
        chosen[name] if re.fullmatch(r"#[0-9a-fA-F]{6}", chosen.get(name, "")) else default
        for name, default in zip(dataset.classes, defaults, strict=True)
    ]
    return (CLEAR, *named[1:])


def run_colours(count: int) -> list[str]:
    """Colours for this number of compared runs; after eight they repeat."""
    return [_RUN_COLOURS[i % len(_RUN_COLOURS)] for i in range(count)]


def colours_of(names: Collection[str]) -> dict[str, str]:
    """The colour of each compared run by its name or id: of all that are compared, so that it is one in every view."""
    return dict(zip(names, run_colours(len(names)), strict=True))


def swatch(colour: str) -> str:
    """A small square of a colour, #RRGGBB or #RRGGBBAA, as a data URI for a column of a table."""
    buffer = io.BytesIO()
    Image.new("RGBA", (24, 24), colour).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
