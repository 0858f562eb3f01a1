"""Plans that links name by a short id: an edited plan is too long for an address.

The id is a hash of the plan, so that the same plan has the same link, and whoever has no link cannot guess one.
"""

from __future__ import annotations

from hashlib import blake2b

from pydantic import ValidationError

from explorer.runs.database import Database
from explorer.runs.rows import now
from explorer.training.plan import Plan

_ID_BYTES = 8


def plan_id(plan: Plan) -> str:
    """The short id of a plan.

    >>> from explorer.training.presets import preset_plan
    >>> plan_id(preset_plan("focal")) == plan_id(preset_plan("focal")) != plan_id(preset_plan("ce_only"))
    True
    """
    return blake2b(plan.model_dump_json().encode(), digest_size=_ID_BYTES).hexdigest()


class LinkedPlans:
    """Plans by their short ids. Safe to use from several threads.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, plan: Plan) -> str:
        """Keeps a plan and gives its short id."""
        key = plan_id(plan)
        if not self._database.rows("SELECT id FROM linked_plans WHERE id = ?", key):
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT OR IGNORE INTO linked_plans (id, plan, made) VALUES (?, ?, ?)",
                    (key, plan.model_dump_json(), now()),
                )
        return key

    def read(self, key: str) -> Plan | None:
        """The plan with this id; None if none was kept, or it is of a version that this one cannot read."""
        for row in self._database.rows("SELECT plan FROM linked_plans WHERE id = ?", key):
            try:
                return Plan.model_validate_json(row["plan"])
            except ValidationError:
                return None
        return None
