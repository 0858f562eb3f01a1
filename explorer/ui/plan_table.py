"""The phases of a plan as a table that a visitor edits, and back. Pure; no streamlit."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from pydantic import ValidationError

from explorer.errors import InputError, explain_validation
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec
from explorer.training.plan import Phase, Plan, Trigger

KIND_OF: dict[str, LossKind] = {info.name: kind for kind, info in LOSSES.items() if kind != "combined"}
"""The kind behind a name in the table. A combined loss comes from a plan file; the table offers none."""

METRICS = ("recall", "precision", "f1", "iou")
TRIGGERS = tuple(
    f"{scope} {metric}{suffix}"
    for suffix in ("", " of reachable", " plateaus")
    for scope in ("pixel", "object")
    for metric in METRICS
    if (scope, metric) != ("object", "iou")
)
"""What may end a phase early: a score that is reached, a share of the highest one within reach, or no further rise."""

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


def table_of(plan: Plan) -> pd.DataFrame:
    """One row per phase, with ``COLUMNS``."""
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
        "Until": None if trigger is None else f"{trigger.scope} {trigger.metric}{_suffix(trigger)}",
        "Threshold": None if trigger is None else trigger.threshold,
        "Minimum steps": phase.minimum_steps,
        "Optimizer state": phase.optimizer,
        "Warm-up (steps)": phase.warmup_steps,
        "Decay": phase.decay,
    }


def _suffix(trigger: Trigger) -> str:
    if trigger.kind == "plateau":
        return " plateaus"
    return " of reachable" if trigger.relative else ""


def _phase(
    row: Mapping[Hashable, Any], losses: Mapping[LossKind, LossSpec], class_id: int, smoothing: float, patience: int
) -> Phase:
    trigger = None
    if _given(row["Until"]):
        scope, metric, *suffix = str(row["Until"]).split()
        plateaus, relative = suffix == ["plateaus"], suffix == ["of", "reachable"]
        kind = "plateau" if plateaus else "at_least"
        values: dict[str, Any] = {"scope": scope, "metric": metric, "kind": kind, "relative": relative}
        if _given(row["Threshold"]):
            values["threshold"] = float(row["Threshold"])
        elif plateaus:
            values["threshold"] = 0.01
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
    return value is not None and not (isinstance(value, float) and pd.isna(value)) and value != ""
