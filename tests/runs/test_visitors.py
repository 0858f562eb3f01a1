"""Visitors have names, and teachers a token; what is theirs is seen and changed as the rules say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.runs.ownership import Visitor, is_of, is_seen_by, may_steer, may_stop, require_steering
from explorer.runs.records import JobRecord, RunRecord
from explorer.runs.store import Store
from tests.runs.tiny import tiny_dataset, tiny_plan

ANA, BEN, TEACHER = Visitor("a", "Ana"), Visitor("b", "Ben"), Visitor("t", "Ms T", teacher=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_new_visitor_has_a_name_that_can_be_changed_and_is_nobody_elses(store: Store) -> None:
    visitors = store.visitors
    assert [visitors.visitor(each).name for each in ("a", "b", "a")] == ["Visitor 1", "Visitor 2", "Visitor 1"]
    visitors.rename("a", "  table\n4 ")
    assert visitors.visitor("a").name == "table 4"
    with pytest.raises(InputError, match="somebody else has this name"):
        visitors.rename("b", "Table 4")
    for bad in ("", "   ", "x" * 41):
        with pytest.raises(InputError, match="1 to 40 characters"):
            visitors.rename("b", bad)
    assert visitors.names() == {"a": "table 4", "b": "Visitor 2"}
    assert list(visitors.seen()) == ["a", "b"]


def test_a_teacher_is_who_has_given_the_token_that_holds_now(store: Store) -> None:
    visitors = store.visitors
    assert not visitors.visitor("a", "the token").teacher
    assert not visitors.make_teacher("a", "another", "the token")
    assert not visitors.visitor("a", "the token").teacher
    assert visitors.make_teacher("a", "the token", "the token")
    assert visitors.visitor("a", "the token").teacher
    assert not visitors.visitor("a", "a new token").teacher
    assert not visitors.visitor("b", "the token").teacher
    assert not visitors.visitor("a").teacher


def test_a_visitors_last_choice_is_their_own(store: Store) -> None:
    store.visitors.visitor("a")
    assert store.visitors.chosen("a") is None
    store.visitors.choose("a", "builtin:town")
    chosen = store.visitors.chosen("a")
    assert chosen is not None
    assert chosen[1] == "builtin:town"
    assert store.visitors.chosen("b") is None


def run_of(store: Store, owner: str | None) -> RunRecord:
    return store.create_run(tiny_plan(), store.save_dataset(tiny_dataset(), owner), owner=owner)


def test_what_a_visitor_made_is_theirs_until_it_is_shared(store: Store) -> None:
    mine, nobodys = run_of(store, "a"), run_of(store, None)
    shared = replace(mine, shared=True)
    assert [is_of(each, ANA) for each in (mine, shared, nobodys)] == [True, True, False]
    assert [is_seen_by(each, BEN) for each in (mine, shared, nobodys)] == [False, True, True]
    assert [may_steer(each, ANA) for each in (mine, shared, nobodys)] == [True, True, True]
    assert [may_steer(each, BEN) for each in (mine, shared, nobodys)] == [False, False, True]
    assert not may_steer(mine, TEACHER)
    with pytest.raises(InputError, match="somebody else's"):
        require_steering(shared, BEN)


def test_a_job_is_stopped_by_who_ordered_it_the_runs_owner_or_the_teacher(store: Store) -> None:
    run = run_of(store, "a")

    def ordered_by(owner: str | None) -> JobRecord:
        return store.jobs.create("MeasureSlice", run.id, f"slices/{owner}.npz", "slice", owner)[0]

    assert [may_stop(ordered_by("b"), run, who) for who in (ANA, BEN, TEACHER, Visitor("c", "C"))] == [
        True,
        True,
        True,
        False,
    ]
    assert not may_stop(ordered_by("a"), run, BEN)
    assert may_stop(ordered_by(None), run, BEN)


def test_the_same_dataset_of_two_visitors_is_kept_for_each_and_tells_nothing_of_the_other(store: Store) -> None:
    ids = [store.save_dataset(tiny_dataset("quay"), owner) for owner in ("a", "b", "a", None)]
    assert ids[0] == ids[2]
    assert len(set(ids)) == 3
    assert {store.dataset_record(each).name for each in ids} == {"quay"}
    assert [store.dataset_record(each).owner for each in ids[:2]] == ["a", "b"]
    assert store.dataset(ids[0]).training[0].name == tiny_dataset().training[0].name
