"""What a teacher has decided for the class: which controls and pages are locked, and what all were sent to.

Also what a lock of a control means for a plan. Pure functions, and the one row of the database that keeps the state.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.runs.database import Database
from explorer.training.plan import Plan

Control = Literal["losses", "rate", "preset", "dataset", "plan", "length", "start", "upload"]
"""What can be locked, by the name that a link has (``?lock=losses,rate``)."""

CONTROLS: Mapping[Control, str] = MappingProxyType(
    {
        "losses": "losses and their settings",
        "rate": "learning rates",
        "preset": "the preset",
        "dataset": "the dataset",
        "plan": "the whole plan",
        "length": "the training time",
        "start": "starting and resuming runs",
        "upload": "uploads",
    }
)
"""The same in words."""

_PHASE_FIELDS: Mapping[Control, tuple[str, ...]] = MappingProxyType(
    {
        "losses": ("loss",),
        "rate": ("learning_rate", "decay"),
        "length": ("steps", "minimum_steps", "warmup_steps", "trigger"),
    }
)
_PLAN_FIELDS: Mapping[Control, tuple[str, ...]] = MappingProxyType({"length": ("cycles", "seconds", "carry_over")})
_logger = logging.getLogger(__name__)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Push(_Model):
    """Where a teacher has sent everybody."""

    number: int = Field(ge=1, description="tells one push from the next")
    page: str = Field(description="name of the page as the address has it: train; empty: Home")
    preset: str | None = Field(None, description="key of the preset that the plan on Train becomes")


class ClassState(_Model):
    """What holds for everybody but teachers."""

    locked_controls: tuple[Control, ...] = Field((), description="sorted, each once")
    locked_pages: tuple[str, ...] = Field((), description="names of pages as the address has them, sorted, each once")
    push: Push | None = Field(None, description="the latest one")

    def with_locks(self, controls: Collection[str], pages: Collection[str]) -> ClassState:
        """The state with these locks instead of its own; names of no control are left out."""
        known = tuple(sorted(each for each in get_args(Control) if each in controls))
        return self.model_copy(update={"locked_controls": known, "locked_pages": tuple(sorted(set(pages)))})

    def with_push(self, page: str, preset: str | None = None) -> ClassState:
        """The state after everybody was sent to a page, or to Train with a preset."""
        number = self.push.number + 1 if self.push is not None else 1
        return self.model_copy(update={"push": Push(number=number, page=page, preset=preset)})


def as_given(plan: Plan, given: Plan, locked: Collection[str]) -> Plan:
    """A plan without the changes that locks forbid.

    Args:
        plan: as it was edited.
        given: as it came from its preset.
        locked: names of controls.

    Returns:
        The plan itself, if none of its locked parts was changed.
    """
    if "plan" in locked:
        return given
    of_phases = [name for control, names in _PHASE_FIELDS.items() if control in locked for name in names]
    of_plan = [name for control, names in _PLAN_FIELDS.items() if control in locked for name in names]
    if not of_phases:
        return plan
    phases = given.phases
    if len(plan.phases) == len(given.phases):
        phases = tuple(
            mine.model_copy(update={name: getattr(theirs, name) for name in of_phases})
            for mine, theirs in zip(plan.phases, given.phases, strict=True)
        )
    changed = plan.model_copy(update={"phases": phases, **{name: getattr(given, name) for name in of_plan}})
    return plan if changed == plan else changed


class ClassTable:
    """The state of the class as the store keeps it. Safe to use from several threads.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self) -> ClassState | None:
        """What was kept last; None if there has been no class. One that cannot be read is logged and counts as none."""
        rows = self._database.rows("SELECT state FROM class_state")
        try:
            return ClassState.model_validate_json(rows[0]["state"]) if rows else None
        except ValidationError as error:
            _logger.error("the locks of the class cannot be read, none holds: %s", error)
            return ClassState()

    def keep(self, state: ClassState) -> None:
        """Keeps the state instead of the one before."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM class_state")
            connection.execute("INSERT INTO class_state (state) VALUES (?)", (state.model_dump_json(),))
