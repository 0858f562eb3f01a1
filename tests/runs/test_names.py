"""Names that are taken get a number."""

from __future__ import annotations

import pytest

from explorer.runs.names import free_name


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([], "harbour"),
        (["quay"], "harbour"),
        (["harbour"], "harbour (2)"),
        (["Harbour "], "harbour (2)"),
        (["harbour", "harbour (2)"], "harbour (3)"),
        (["harbour", "harbour (3)"], "harbour (2)"),
    ],
)
def test_a_name_is_used_once(taken: list[str], expected: str) -> None:
    assert free_name("harbour", taken) == expected
