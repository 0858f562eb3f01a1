"""The kinds of experiments that a lesson can name, with their settings. ``explorer.ui.lesson_experiments`` draws them.

A lesson composes these: it names a kind and gives settings, and needs no Python. A new kind is a class here, in the
union ``Experiment``, and its entry in ``explorer.ui.lesson_experiments``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from explorer.losses.spec import LossSpec
from explorer.runs.grids import GridName

Share = Annotated[float, Field(gt=0, le=0.5)]
Probability = Annotated[float, Field(gt=0, lt=1)]


def _spec(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


Losses = Annotated[tuple[Annotated[LossSpec, BeforeValidator(_spec)], ...], Field(min_length=1, max_length=8)]
"""Losses by name, or with their settings as a plan has them."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    measures: ClassVar[tuple[str, ...]] = ()
    """What a guess about this experiment can be compared with."""


class AllBackground(_Settings):
    """A synthetic label with rare objects, of which a segmenter finds none. A slider sets the foreground share."""

    measures = ("accuracy", "loss")  # in percent of the pixels, and of the loss where every pixel is wrong

    kind: Literal["all_background"]
    losses: Losses = (LossSpec(kind="cross_entropy"),)
    share: Share = 0.01
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99
    compares: Literal["accuracy", "false_alarms"] = Field(
        "accuracy", description="what is drawn beside the label: accuracy and loss, or misses against false alarms"
    )


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

    measures = ("jaccard_to_ce",)  # powers of ten: Jaccard's gradient ÷ that of cross-entropy, at ``probability``

    kind: Literal["miss_gradient"]
    losses: Losses
    share: Share = 0.01
    probability: Annotated[float, Field(ge=1e-9, le=0.5)] = 2e-9


class GridLine(_Settings):
    """Scores of finished runs along one axis of a grid."""

    measures = ("recall", "precision", "f1")  # by pixels, at threshold ½

    kind: Literal["grid_line"]
    grid: GridName
    shows: tuple[Literal["recall", "precision", "f1"], ...] = ("recall", "precision")


class GridCurves(_Settings):
    """Finished runs of a grid at threshold ½, on the recall–precision plane, beside one at all thresholds."""

    kind: Literal["grid_curves"]
    grid: GridName


class GridTable(_Settings):
    """Finished runs of a grid with two axes: a score in each cell, and which of them diverged."""

    measures = ("good_cells", "row")  # cells with F1 of at least ½; the score along the row of ``row``

    kind: Literal["grid_table"]
    grid: GridName
    shows: Literal["recall", "precision", "f1"] = "f1"
    row: float | None = Field(None, description="a value of the first axis; None: its first one")


class GridRun(_Settings):
    """One cell of a grid, chosen by the visitor and trained live, beside the finished run of that cell."""

    kind: Literal["grid_run"]
    grid: GridName


class RunPaths(_Settings):
    """Finished runs on the recall–precision plane, validation by validation, and what each reached at its end."""

    measures = ("recall", "precision", "f1")  # of the first run, at its last validation

    kind: Literal["run_paths"]
    runs: tuple[str, ...] = Field(min_length=1, max_length=6)
    scope: Literal["pixel", "object"] = "pixel"
    shows: Literal["path", "end"] = "path"


class Slices(_Settings):
    """Finished slices around one checkpoint of a finished run, on planes of several kinds."""

    measures = ("lowest", "unit")  # see ``explorer.ui.lesson_runs.measure_slices``

    kind: Literal["slices"]
    run: str
    planes: tuple[Literal["random", "gradients", "hessian"], ...] = Field(min_length=1, max_length=3)
    fields: tuple[str, ...] = Field(min_length=1, max_length=6, description="losses or metrics, one shown at a time")


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
