"""The phases of a plan as a table that a visitor edits, and back. Pure; no streamlit."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from explorer.errors import InputError, explain_validation
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec
from explorer.training.plan import Phase, Plan, Trigger

if TYPE_CHECKING:
    import pandas as pd

KIND_OF: dict[str, LossKind] = {info.name: kind for kind, info in LOSSES.items()}
"""The kind behind a name in the table."""

METRICS = ("recall", "precision", "f1", "iou")
_PLATEAUS, _OF_BEST = " plateaus", ", share of the best"
TRIGGERS = tuple(
    f"{scope} {metric}{suffix}"
    for suffix in ("", _PLATEAUS, _OF_BEST)
    for scope in ("pixel", "object")
    for metric in METRICS
    if (scope, metric) != ("object", "iou")
)
"""What may end a phase early: a score that is reached, or one that stops rising, or a share of the best reachable."""

COLUMNS = (
    "Loss",
    "Learning rate",
    "Steps",
    "Until",
    "Threshold",
    "Minimum steps",
    "Optimizer state",
    "Warm-up (steps)",
    "Decay",
)
SELDOM = 6
"""From this one of ``COLUMNS`` on they are seldom changed."""


def table_of(plan: Plan) -> pd.DataFrame:
    """One row per phase, with ``COLUMNS``."""
    import pandas as pd  # here: Home, which starts runs, does not wait for it

    return pd.DataFrame([_row(phase) for phase in plan.phases], columns=list(COLUMNS))


def phases_of(
    table: pd.DataFrame, losses: Mapping[LossKind, LossSpec], class_id: int, smoothing: float = 0.5, patience: int = 2
) -> tuple[Phase, ...]:
    """The phases that a table describes.

    Args:
        table: as from ``table_of``, edited; rows without a loss are skipped.
        losses: the settings of each kind of loss that occurs.
        class_id: the class whose value triggers watch.
        smoothing: of triggers, see ``Trigger``.
        patience: of triggers, likewise.

    Raises:
        InputError: names the row and the column that is wrong.
    """
    phases = []
    for number, row in enumerate(table.to_dict("records"), start=1):
        if not _given(row["Loss"]):
            continue
        try:
            phases.append(_phase(row, losses, class_id, smoothing, patience))
        except ValidationError as error:
            what, where = explain_validation(error)
            at = f"phase {number}, {where}" if where else f"phase {number}"
            raise InputError(what, at, "correct it in the table") from None
    if not phases:
        raise InputError("the plan has no phase", "phases", "add a row and choose a loss")
    return tuple(phases)


def _row(phase: Phase) -> dict[str, Any]:
    trigger = phase.trigger
    return {
        "Loss": LOSSES[phase.loss.kind].name,
        "Learning rate": phase.learning_rate,
        "Steps": phase.steps,
        "Until": None if trigger is None else _until(trigger),
        "Threshold": None if trigger is None else trigger.threshold,
        "Minimum steps": phase.minimum_steps,
        "Optimizer state": phase.optimizer,
        "Warm-up (steps)": phase.warmup_steps,
        "Decay": phase.decay,
    }


def _until(trigger: Trigger) -> str:
    suffix = _PLATEAUS if trigger.kind == "plateau" else _OF_BEST if trigger.relative else ""
    return f"{trigger.scope} {trigger.metric}{suffix}"


def _phase(
    row: Mapping[Hashable, Any], losses: Mapping[LossKind, LossSpec], class_id: int, smoothing: float, patience: int
) -> Phase:
    trigger = None
    if _given(row["Until"]):
        until = str(row["Until"])
        scope, metric = until.removesuffix(_PLATEAUS).removesuffix(_OF_BEST).split()
        plateaus, relative = until.endswith(_PLATEAUS), until.endswith(_OF_BEST)
        values: dict[str, Any] = {"scope": scope, "metric": metric, "relative": relative}
        values["kind"] = "plateau" if plateaus else "at_least"
        if _given(row["Threshold"]):
            values["threshold"] = float(row["Threshold"])
        elif plateaus or relative:
            values["threshold"] = 0.01 if plateaus else 0.8
        trigger = Trigger.model_validate(values | {"class_id": class_id, "smoothing": smoothing, "patience": patience})
    given = {
        "learning_rate": row["Learning rate"],
        "steps": row["Steps"],
        "minimum_steps": row["Minimum steps"],
        "optimizer": row["Optimizer state"],
        "warmup_steps": row["Warm-up (steps)"],
        "decay": row["Decay"],
    }
    filled = {name: value for name, value in given.items() if _given(value)}
    return Phase.model_validate(filled | {"loss": losses[KIND_OF[row["Loss"]]], "trigger": trigger})


def _given(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value)) and value != ""
