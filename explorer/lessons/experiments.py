"""The kinds of experiments that a lesson can name, with their settings. ``explorer.ui.lesson_experiments`` draws them.

A lesson composes these: it names a kind and gives settings, and needs no Python. A new kind is a class here, in the
union ``Experiment``, and its entry in ``explorer.ui.lesson_experiments``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from explorer.losses.spec import LossSpec
from explorer.runs.grids import Axis, GridName, load_grid

LOWEST_POWER, HIGHEST_POWER = -9.0, -0.5
"""Powers of ten of the probabilities at a missed pixel that ``MissGradient`` shows."""

Share = Annotated[float, Field(gt=0, le=0.5)]


def _spec(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


Losses = Annotated[tuple[Annotated[LossSpec, BeforeValidator(_spec)], ...], Field(min_length=1, max_length=8)]
"""Losses by name, or with their settings as a plan has them."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    numbers: ClassVar[tuple[str, ...]] = ()
    """What a guess of one number can be compared with."""
    lines: ClassVar[tuple[str, ...]] = ()
    """What a guess of a line over x can be compared with."""

    def require_x(self, x: Sequence[float]) -> None:
        """Refuses values of x at which the experiment has no result.

        Raises:
            ValueError: names the first of them, and what can be taken.
        """


class AllBackground(_Settings):
    """A synthetic label with rare objects, of which a segmenter finds none. A slider sets the foreground share."""

    numbers = lines = ("accuracy", "loss")  # in percent of the pixels, and of the excess where every pixel is wrong

    kind: Literal["all_background"]
    losses: Losses = (LossSpec(kind="cross_entropy"),)
    share: Share = 0.01
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99
    compares: Literal["accuracy", "loss", "false_alarms"] = Field(
        "accuracy",
        description="what is drawn beside the label: accuracy, accuracy and losses, or misses against false alarms",
    )

    def require_x(self, x: Sequence[float]) -> None:
        """x are foreground shares in percent."""
        _require_within(x, 0.1, 50, "foreground shares in percent")


class Misses(_Settings):
    """Many pixels of one object missed against one pixel of many objects, on the Loss lab's synthetic label."""

    kind: Literal["misses"]
    losses: Losses
    of_one: int = Field(50, ge=1, le=64)
    of_many: int = Field(50, ge=1, le=50)
    share: Share = 0.3
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99


class PaintedMisses(_Settings):
    """The visitor paints the missed pixels; each loss is compared with as many misses in as few objects as possible."""

    kind: Literal["painted_misses"]
    losses: Losses
    share: Share = 0.3
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99


class MissGradient(_Settings):
    """The gradient at a missed pixel against the probability of its class, where a segmenter finds nothing."""

    numbers = lines = (
        "jaccard_to_ce",
    )  # powers of ten: Jaccard's gradient ÷ cross-entropy's; a number: at probability

    kind: Literal["miss_gradient"]
    losses: Losses
    share: Share = 0.01
    probability: Annotated[float, Field(ge=10**LOWEST_POWER, le=10**HIGHEST_POWER)] = 2e-9

    def require_x(self, x: Sequence[float]) -> None:
        """x are powers of ten of the probability."""
        _require_within(x, LOWEST_POWER, HIGHEST_POWER, "powers of ten of the probability")


class _GridSettings(_Settings):
    grid: GridName
    axes: ClassVar[int]
    """How many axes the grid must have."""

    @model_validator(mode="after")
    def _grid_has_the_axes(self) -> _GridSettings:
        found = len(load_grid(self.grid).axes)
        if found != self.axes:
            raise ValueError(f"grid {self.grid} has {found} axes, and {type(self).__name__} draws {self.axes}")
        return self


class GridLine(_GridSettings):
    """Scores of finished runs along the axis of a grid."""

    lines = ("recall", "precision", "f1")  # by pixels, at threshold ½
    axes = 1

    kind: Literal["grid_line"]
    shows: tuple[Literal["recall", "precision", "f1"], ...] = Field(("recall", "precision"), min_length=1)

    def require_x(self, x: Sequence[float]) -> None:
        """x are values of the axis."""
        _require_on_axis(x, load_grid(self.grid).axes[0])


class GridCurves(_GridSettings):
    """Finished runs of a grid at threshold ½, on the recall–precision plane, beside one at all thresholds."""

    axes = 1

    kind: Literal["grid_curves"]


class GridTable(_GridSettings):
    """Finished runs of a grid with two axes: a score in each cell, and which of them diverged."""

    numbers = ("good_cells",)  # cells with F1 of at least ½
    lines = ("row",)  # the score in the last of ``rows``, along the second axis
    axes = 2

    kind: Literal["grid_table"]
    shows: Literal["recall", "precision", "f1"] = "f1"
    rows: tuple[float, ...] | None = Field(
        None, min_length=1, description="values of the first axis whose rows are drawn, the last is asked; None: all"
    )

    @model_validator(mode="after")
    def _rows_are_there(self) -> GridTable:
        _require_on_axis(self.rows or (), load_grid(self.grid).axes[0])
        return self

    def require_x(self, x: Sequence[float]) -> None:
        """x are values of the second axis; the row is one of those that are named."""
        if self.rows is None:
            raise ValueError("measure row needs rows, of which the last is asked")
        _require_on_axis(x, load_grid(self.grid).axes[1])


class GridRun(_GridSettings):
    """One cell of a grid, chosen by the visitor and trained live, beside the finished run of that cell."""

    axes = 2

    kind: Literal["grid_run"]


class RunPaths(_Settings):
    """Finished runs on the recall–precision plane, validation by validation, and what each reached at its end."""

    numbers = lines = ("recall", "precision", "f1")  # of the first run, at its last validation or at those at steps x

    kind: Literal["run_paths"]
    runs: tuple[str, ...] = Field(min_length=1, max_length=6)
    scope: Literal["pixel", "object"] = "pixel"
    shows: Literal["path", "end"] = "path"


class Slices(_Settings):
    """Finished slices around one checkpoint of a finished run, on planes of several kinds."""

    numbers = ("lowest", "unit")  # see ``explorer.ui.lesson_runs.measure_slices``

    kind: Literal["slices"]
    run: str
    planes: tuple[Literal["random", "gradients", "hessian"], ...] = Field(min_length=1, max_length=3)
    fields: tuple[str, ...] = Field(min_length=1, max_length=6, description="losses or metrics, one shown at a time")
    lengths: bool = Field(False, description="the table says how long a unit of each plane is")


Experiment = Annotated[
    AllBackground
    | Misses
    | PaintedMisses
    | MissGradient
    | GridLine
    | GridCurves
    | GridTable
    | GridRun
    | RunPaths
    | Slices,
    Field(discriminator="kind"),
]


def _require_within(x: Collection[float], low: float, high: float, meaning: str) -> None:
    for value in x:
        if not low <= value <= high:
            raise ValueError(f"x has {value:g}; its values are {meaning}, from {low:g} to {high:g}")


def _require_on_axis(values: Collection[float], axis: Axis) -> None:
    for value in values:
        if value not in axis.values:
            known = ", ".join(f"{each:g}" for each in axis.values)
            raise ValueError(f"no run has {axis.label} {value:g}; take {known}")
