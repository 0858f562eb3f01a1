"""Commands that the training loop could not carry out are refused before they are sent."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from explorer.errors import InputError
from explorer.training.commands import Steer, command_from_json, command_to_json
from explorer.training.plan import Intervention


@pytest.mark.parametrize("rate", [5.0, 1.001, 0.0, -1e-3, float("nan"), float("inf")])
def test_a_learning_rate_that_a_plan_cannot_record_is_refused(rate: float) -> None:
    with pytest.raises(InputError) as caught:
        Steer(learning_rate=rate)
    assert caught.value.where == "learning_rate"
    with pytest.raises(ValidationError, match="learning_rate"):
        Intervention(step=1, learning_rate=rate)


def test_one_in_a_file_is_refused_too() -> None:
    line = json.dumps({"kind": "steer", "learning_rate": 5.0})
    with pytest.raises(ValidationError, match="learning_rate: 5 is not above 0 and at most 1"):
        command_from_json(line)


@pytest.mark.parametrize("rate", [None, 1e-6, 1.0])
def test_others_are_sent(rate: float | None) -> None:
    command = Steer(learning_rate=rate)
    assert command_from_json(command_to_json(command)) == command
