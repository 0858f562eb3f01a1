"""Input errors name what is wrong and where, and a fault without a field names none."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from explorer.errors import InputError, explain_validation
from explorer.landscape.plane_kinds import PlaneSpec
from explorer.training.plan import Phase, Plan


@pytest.mark.parametrize(
    ("model", "values", "where"),
    [
        (Plan, {"phases": [{"loss": {"kind": "focal"}, "learning_rate": 0}]}, "phases[0].learning_rate"),
        (Plan, {"phases": [{"loss": {"kind": "focal", "gamma": -1}}]}, "phases[0].loss.gamma"),
        (Phase, {"loss": {"kind": "focal"}, "steps": 5, "minimum_steps": 6}, ""),
        (PlaneSpec, {"line": "perhaps"}, "line"),
    ],
)
def test_the_field_at_fault_is_named_if_there_is_one(model: Any, values: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    what, found = explain_validation(caught.value)
    assert found == where
    assert what
    assert not what.startswith("Value error")
    assert str(InputError(what, found)).startswith(f"{where}: " if where else what)
