"""The plan of a cell of a grid of finished runs, so that it can be trained again."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import InputError
from explorer.losses.spec import LossSpec
from explorer.runs.grids import Grid
from explorer.training.plan import Phase, Plan
from explorer.training.presets import WARMUP_STEPS, preset_plan


def cell_plan(grid: Grid, values: Sequence[float]) -> Plan:
    """The plan with which the finished run of a cell was trained, but for its name.

    Args:
        grid: of the cell.
        values: of the grid's axes, in their order.

    Raises:
        InputError: there is no such cell, or the grid has an axis that is no setting of a plan.
    """
    grid.cell(*values)
    settings = dict(zip((axis.name for axis in grid.axes), values, strict=True))
    rate = settings.pop("learning_rate", grid.learning_rate)
    loss: dict[str, object] = {"kind": grid.loss}
    if "class_weight" in settings:
        loss["class_weights"] = (1.0, settings.pop("class_weight"))
    if rate is None or not set(settings) <= set(LossSpec.model_fields):
        raise InputError("has an axis that is no setting of a plan", f"grid {grid.name}", "name another grid")
    phase = Phase(
        loss=LossSpec.model_validate(loss | settings), learning_rate=rate, steps=grid.steps, warmup_steps=WARMUP_STEPS
    )
    shown = ", ".join(f"{axis.label} {value:g}" for axis, value in zip(grid.axes, values, strict=True))
    return preset_plan("ce_only", grid.seed).model_copy(update={"name": shown[:60], "phases": (phase,)})
