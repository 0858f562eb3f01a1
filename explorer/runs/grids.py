"""Grids of finished runs that come with the app: how one or two settings change where a run ends. No torch.

Every cell is a short run of a loss on a built-in dataset; the runs of a grid differ in the settings on its axes and in
nothing else. ``python -m tools.finished_runs`` makes the files in ``assets/grids``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import TypeAdapter, ValidationError

from explorer.errors import InputError

GRIDS_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "grids"
GridName = Literal["focal", "class_weight"]
"""Focal loss by γ and learning rate; weighted cross-entropy by the weight of the objects."""

GRIDS: tuple[GridName, ...] = get_args(GridName)


@dataclass(frozen=True)
class Axis:
    """A setting whose values the runs of a grid differ in."""

    name: str  # the field of the loss or the phase: "gamma", "learning_rate", "class_weight"
    label: str  # as widgets call it
    values: tuple[float, ...]  # ascending


@dataclass(frozen=True)
class Cell:
    """One run of a grid at its end. Scores are those of class 1 on the validation scenes, None where undefined."""

    values: tuple[float, ...]  # of the axes, in their order
    diverged: bool  # the run ended early: its loss was no number or exploded, and restarts did not help
    restarts: int  # from a checkpoint, with half the learning rate, after the loss was no number or exploded
    recall: float | None  # of pixels at threshold ½
    precision: float | None  # likewise
    f1: float | None  # likewise
    object_recall: float | None  # under the grid's match rule, at threshold ½
    object_precision: float | None  # likewise
    loss: float | None  # mean of the loss that was trained over the last steps
    recalls: tuple[tuple[int, float | None], ...]  # step and pixel recall of each validation
    curve: tuple[tuple[float, float | None, float | None], ...]  # threshold, recall and precision of pixels


@dataclass(frozen=True)
class Grid:
    """Finished runs that differ in the settings on the axes."""

    name: GridName
    builtin: str  # key of the built-in dataset
    loss: str  # kind of the loss
    steps: int  # of each run
    seed: int
    learning_rate: float | None  # of all runs; None: it is an axis
    match_rule: str  # of the object scores, in words
    axes: tuple[Axis, ...]  # one or two
    cells: tuple[Cell, ...]  # of all combinations of their values
    command: str  # that makes the grid again

    def cell(self, *values: float) -> Cell:
        """The run with these values of the axes.

        Raises:
            InputError: there is none.
        """
        for cell in self.cells:
            if cell.values == values:
                return cell
        known = "; ".join(f"{axis.label}: {', '.join(f'{value:g}' for value in axis.values)}" for axis in self.axes)
        raise InputError(f"no run has the values {values}", f"grid {self.name}", f"choose among {known}")


_GRID = TypeAdapter(Grid)


def grid_file(name: GridName) -> Path:
    """Where a grid is kept."""
    return GRIDS_FOLDER / f"{name}.json"


@cache
def load_grid(name: GridName) -> Grid:
    """A grid that comes with the app.

    Raises:
        InputError: its file is not there or cannot be read.
    """
    file = grid_file(name)
    try:
        return _GRID.validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        remedy = "make it again with python -m tools.finished_runs, or install the app again"
        raise InputError(f"cannot be read ({error})", file.name, remedy) from None


def save_grid(grid: Grid, file: Path) -> None:
    """Writes a grid as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_GRID.dump_json(grid) + b"\n")
