"""The plan of a cell of a grid of finished runs: with which it was trained, and can be trained again."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import InputError
from explorer.losses.spec import LossSpec
from explorer.runs.grids import Grid
from explorer.training.plan import Phase, Plan
from explorer.training.presets import WARMUP_STEPS, preset_plan


def cell_plan(grid: Grid, values: Sequence[float]) -> Plan:
    """The plan of the run with these values: one phase, everything else as in a preset for the built-in scenes.

    Args:
        grid: of the cell.
        values: of the grid's axes, in their order.

    Raises:
        InputError: an axis has no such value, or is no setting of a plan.
    """
    for axis, value in zip(grid.axes, values, strict=True):
        if value not in axis.values:
            known = ", ".join(f"{each:g}" for each in axis.values)
            raise InputError(
                f"there is no run with {axis.label} {value:g}", f"grid {grid.name}", f"choose among {known}"
            )
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
