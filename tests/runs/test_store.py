"""The store: datasets kept once, runs, events taken in exactly once, and an older database refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.imagery.archive import fingerprint
from explorer.runs.history import Follower
from explorer.runs.records import RunStatus
from explorer.runs.store import Store
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_same_dataset_is_kept_once_and_comes_back_the_same(store: Store) -> None:
    first, second = store.save_dataset(tiny_dataset()), store.save_dataset(tiny_dataset())
    assert first == second
    assert [record.id for record in store.datasets()] == [first]
    assert fingerprint(store.dataset(first)) == first


def test_events_are_taken_in_exactly_once_also_by_a_store_that_was_closed(store: Store) -> None:
    dataset = tiny_dataset()
    run_id = store.create_run(tiny_plan(12), store.save_dataset(dataset)).id
    assert store.run(run_id).status is RunStatus.PAUSED
    for number, _ in enumerate(execute(store.folder(run_id), dataset, device="cpu")):
        if number % 3 == 0:
            store.take_in(run_id)
    store.close()
    again = Store(store.root)
    again.take_in(run_id)
    assert again.take_in(run_id) == 0
    assert again.events(run_id)[1] == again.folder(run_id).events()
    assert (again.run(run_id).status, again.run(run_id).step) == (RunStatus.DONE, 12)


def test_follower_reads_on_from_where_it_was(store: Store) -> None:
    dataset = tiny_dataset()
    run_id = store.create_run(tiny_plan(12), store.save_dataset(dataset)).id
    follower = Follower(store, run_id)
    assert follower.history().last_step == 0
    for _ in execute(store.folder(run_id), dataset, device="cpu"):
        pass
    store.take_in(run_id)
    assert follower.history().last_step == 12
    assert follower.history() is follower.history()


@pytest.mark.parametrize("ask", [Store.run, Store.dataset, Store.folder])
def test_unknown_ids_are_named(store: Store, ask: object) -> None:
    with pytest.raises(InputError, match="nowhere"):
        ask(store, "nowhere")  # type: ignore[operator]


def test_store_of_another_version_is_refused(store: Store) -> None:
    store.close()
    connection = sqlite3.connect(store.root / "store.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(InputError, match="version 99"):
        Store(store.root)
