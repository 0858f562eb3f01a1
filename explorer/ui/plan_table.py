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
"""The kind behind a name in the table. A combined loss comes from a plan file, it has no row of its own here."""

METRICS = ("recall", "precision", "f1", "iou")
TRIGGERS = tuple(
    f"{scope} {metric}{suffix}"
    for suffix in ("", " stalls")
    for scope in ("pixel", "object")
    for metric in METRICS
    if (scope, metric) != ("object", "iou")
)
"""What may end a phase early: a value that is reached, or one that rises no more."""

COLUMNS = ("loss", "rate", "steps", "until", "threshold", "at least", "optimiser", "warm-up")


def table_of(plan: Plan) -> pd.DataFrame:
    """A row a phase, in ``COLUMNS``."""
    return pd.DataFrame([_row(phase) for phase in plan.phases], columns=list(COLUMNS))


def phases_of(
    table: pd.DataFrame, losses: Mapping[LossKind, LossSpec], class_id: int, smoothing: float = 0.5, patience: int = 2
) -> tuple[Phase, ...]:
    """The phases that a table describes.

    Args:
        table: as from ``table_of``, edited; rows without a loss are left out.
        losses: the settings of each kind of loss that occurs.
        class_id: the class whose value triggers watch.
        smoothing: of triggers, see ``Trigger``.
        patience: of triggers, likewise.

    Raises:
        InputError: names the row and the column that is wrong.
    """
    phases = []
    for number, row in enumerate(table.to_dict("records"), start=1):
        if not _given(row["loss"]):
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
    stalls = " stalls" if trigger is not None and trigger.kind == "plateau" else ""
    return {
        "loss": LOSSES[phase.loss.kind].name,
        "rate": phase.learning_rate,
        "steps": phase.steps,
        "until": None if trigger is None else f"{trigger.scope} {trigger.metric}{stalls}",
        "threshold": None if trigger is None else trigger.threshold,
        "at least": phase.minimum_steps,
        "optimiser": phase.optimizer,
        "warm-up": phase.warmup_steps,
    }


def _phase(
    row: Mapping[Hashable, Any], losses: Mapping[LossKind, LossSpec], class_id: int, smoothing: float, patience: int
) -> Phase:
    trigger = None
    if _given(row["until"]):
        scope, metric, *stalls = str(row["until"]).split()
        values: dict[str, Any] = {"scope": scope, "metric": metric, "kind": "plateau" if stalls else "at_least"}
        if _given(row["threshold"]):
            values["threshold"] = float(row["threshold"])
        elif stalls:
            values["threshold"] = 0.01
        trigger = Trigger.model_validate(values | {"class_id": class_id, "smoothing": smoothing, "patience": patience})
    given = {
        "learning_rate": row["rate"],
        "steps": row["steps"],
        "minimum_steps": row["at least"],
        "optimizer": row["optimiser"],
        "warmup_steps": row["warm-up"],
    }
    filled = {name: value for name, value in given.items() if _given(value)}
    return Phase.model_validate(filled | {"loss": losses[KIND_OF[row["loss"]]], "trigger": trigger})


def _given(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and pd.isna(value)) and value != ""
