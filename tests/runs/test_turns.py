"""Visitors take turns, and how long a run waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.runs.turns import Waiting, in_turn, seconds_until_start


@pytest.mark.parametrize(
    ("waiting", "served", "expected"),
    [
        ("", {}, ""),
        ("a1 a2 a3", {}, "a1 a2 a3"),
        ("a1 a2 a3 b4", {}, "a1 b4 a2 a3"),
        ("a1 a2 b3 b4 c5", {}, "a1 b3 c5 a2 b4"),
        ("a2 b3", {"a": 1}, "b3 a2"),
        ("a2 b3 c4", {"a": 1, "b": 2}, "c4 a2 b3"),
        ("a1 a2 b3", {"b": 7, "a": 6}, "a1 b3 a2"),
        ("b3 a1", {}, "a1 b3"),
    ],
)
def test_whoever_was_served_longest_ago_is_next(waiting: str, served: dict[str | None, int], expected: str) -> None:
    runs = [Waiting(each, each[0], int(each[1:])) for each in waiting.split()]
    assert " ".join(each.run_id for each in in_turn(runs, served)) == expected


def test_runs_of_nobody_are_served_like_those_of_one_visitor() -> None:
    runs = [Waiting("1", None, 1), Waiting("2", None, 2), Waiting("3", "a", 3)]
    assert [each.run_id for each in in_turn(runs, {})] == ["1", "3", "2"]


@given(st.lists(st.sampled_from("abcd"), max_size=20))
def test_nobody_is_served_twice_before_another_who_waits_is_served_once(owners: list[str]) -> None:
    runs = [Waiting(f"{owner}{number}", owner, number) for number, owner in enumerate(owners)]
    order = in_turn(runs, {})
    assert sorted(order, key=lambda each: each.queued) == runs
    for owner in set(owners):
        assert [each for each in order if each.owner == owner] == [each for each in runs if each.owner == owner]
    turns = [sum(other.owner == each.owner for other in order[:place]) for place, each in enumerate(order)]
    assert turns == sorted(turns)


@pytest.mark.parametrize(
    ("slots", "before", "free", "expected"),
    [
        ([60.0], [], 0, 60.0),
        ([60.0], [30.0], 0, 90.0),
        ([60.0, 10.0], [30.0], 0, 40.0),
        ([60.0, 10.0], [30.0, 5.0], 0, 45.0),
        ([60.0], [30.0], 1, 30.0),
        ([], [], 1, 0.0),
        ([None], [], 0, None),
        ([None, 20.0], [], 0, 20.0),
        ([None, 20.0], [None], 0, None),
        ([60.0], [None], 0, None),
        ([], [], 0, None),
    ],
)
def test_time_until_a_run_starts(
    slots: list[float | None], before: list[float | None], free: int, expected: float | None
) -> None:
    assert seconds_until_start(slots, before, free) == expected
