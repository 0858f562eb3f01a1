"""The store: datasets kept once, events stored exactly once, jobs of a file, and databases of older versions."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.files import locked
from explorer.imagery.archive import content_hash
from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset
from explorer.runs.database import MIGRATIONS, SERVER_LOCK
from explorer.runs.history import Follower
from explorer.runs.records import JobStatus, RunStatus
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
    assert content_hash(store.dataset(first)) == first


def test_events_are_taken_in_exactly_once_also_by_a_store_that_was_closed(store: Store) -> None:
    dataset = tiny_dataset()
    run_id = store.create_run(tiny_plan(12), store.save_dataset(dataset)).id
    assert store.run(run_id).status is RunStatus.PAUSED
    for number, _ in enumerate(execute(store.folder(run_id), dataset, device="cpu")):
        if number % 3 == 0:
            store.ingest(run_id)
    store.close()
    again = Store(store.root)
    again.ingest(run_id)
    assert again.ingest(run_id) == 0
    assert again.events(run_id)[1] == again.folder(run_id).events()
    assert (again.run(run_id).status, again.run(run_id).step) == (RunStatus.DONE, 12)


def test_follower_reads_on_from_where_it_was(store: Store) -> None:
    dataset = tiny_dataset()
    run_id = store.create_run(tiny_plan(12), store.save_dataset(dataset)).id
    follower = Follower(store, run_id)
    assert follower.history().last_step == 0
    for _ in execute(store.folder(run_id), dataset, device="cpu"):
        pass
    store.ingest(run_id)
    assert follower.history().last_step == 12
    assert follower.history() is follower.history()


@pytest.mark.parametrize("ask", [Store.run, Store.dataset, Store.folder])
def test_unknown_ids_are_named(store: Store, ask: object) -> None:
    with pytest.raises(InputError, match="nowhere"):
        ask(store, "nowhere")  # type: ignore[operator]


def test_a_file_has_one_active_job_at_a_time(store: Store) -> None:
    run_id = store.create_run(tiny_plan(), store.save_dataset(tiny_dataset())).id
    first, new = store.jobs.create("MeasureSlice", run_id, "slices/a.npz", "slice")
    assert new
    assert store.jobs.create("MeasureSlice", run_id, "slices/a.npz", "slice") == (first, False)
    other, new = store.jobs.create("MeasureSlice", run_id, "slices/b.npz", "slice")
    assert new
    assert [job.id for job in store.jobs.active()] == [first.id, other.id]
    store.jobs.set_status(first.id, JobStatus.RUNNING)
    store.jobs.set_status(first.id, JobStatus.FAILED, "why")
    store.jobs.set_status(first.id, JobStatus.RUNNING)  # a late notification
    assert (store.jobs.get(first.id).status, store.jobs.get(first.id).message) == (JobStatus.FAILED, "why")
    again, new = store.jobs.create("MeasureSlice", run_id, "slices/a.npz", "slice")
    assert new
    assert store.jobs.latest(run_id, "slices/a.npz") == again
    assert store.jobs.latest(run_id, "slices/c.npz") is None


_VERSION_1 = """
CREATE TABLE datasets (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, reference TEXT NOT NULL, scenes INTEGER NOT NULL, created TEXT NOT NULL
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, dataset_id TEXT NOT NULL REFERENCES datasets,
    plan TEXT NOT NULL, created TEXT NOT NULL, step INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
    "group" TEXT, job TEXT, offset INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE events (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs, line TEXT NOT NULL);
CREATE INDEX events_of_run ON events (run_id, id);
PRAGMA user_version = 1;
"""


def test_store_of_version_1_opens_with_all_that_is_in_it(store: Store) -> None:
    dataset = tiny_dataset()
    run_id = store.create_run(tiny_plan(12), store.save_dataset(dataset)).id
    for _ in execute(store.folder(run_id), dataset, device="cpu"):
        pass
    store.ingest(run_id)
    before = store.run(run_id), store.events(run_id), store.datasets()
    store.close()
    new = store.root / "store.sqlite"
    old = sqlite3.connect(store.root / "old.sqlite")
    old.executescript(_VERSION_1)
    old.execute("ATTACH ? AS new", (str(new),))
    for table, columns in (
        ("datasets", "id, name, reference, scenes, created"),
        ("runs", 'id, name, status, dataset_id, plan, created, step, message, "group", job, offset'),
        ("events", "*"),
    ):
        old.execute(f"INSERT INTO {table} SELECT {columns} FROM new.{table}")
    old.commit()
    old.close()
    for path in store.root.glob("store.sqlite*"):
        path.unlink()
    (store.root / "old.sqlite").rename(new)
    opened = Store(store.root)
    assert (opened.run(run_id), opened.events(run_id), opened.datasets()) == before
    assert opened.jobs.active() == []
    assert len(opened.id) == 16
    opened.close()
    assert Store(store.root).id == opened_id(store.root), "it keeps its id"


def opened_id(root: Path) -> str:
    connection = sqlite3.connect(root / "store.sqlite")
    return str(connection.execute("SELECT id FROM store").fetchone()[0])


def test_store_of_an_older_version_that_its_server_uses_stays_as_it_is(store: Store) -> None:
    store.close()
    connection = sqlite3.connect(store.root / "store.sqlite")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
    with locked(store.root / SERVER_LOCK), pytest.raises(InputError, match="older version uses this store"):
        Store(store.root)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) - 1
    connection.close()


def test_store_of_a_newer_version_is_refused(store: Store) -> None:
    store.close()
    connection = sqlite3.connect(store.root / "store.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(InputError, match="version 99"):
        Store(store.root)


def test_two_datasets_never_have_one_name_and_a_saved_one_keeps_its_own(store: Store) -> None:
    first, other = tiny_dataset("quay"), reordered("Quay ")
    ids = [store.save_dataset(dataset) for dataset in (first, other, first, other)]
    assert ids[:2] == ids[2:]
    assert [store.dataset_record(dataset_id).name for dataset_id in ids[:2]] == ["quay", "Quay  (2)"]
    assert store.dataset(ids[1]).name == "Quay  (2)"
    assert content_hash(store.dataset(ids[1])) == ids[1]


def test_visitors_who_save_at_once_get_names_of_their_own(store: Store) -> None:
    datasets = [tiny_dataset("quay"), reordered("quay"), reordered("quay", 2)]
    with ThreadPoolExecutor(3) as pool:
        ids = list(pool.map(store.save_dataset, datasets))
    assert len(set(ids)) == 3
    assert sorted(record.name for record in store.datasets()) == ["quay", "quay (2)", "quay (3)"]
    assert len(list((store.root / "datasets").glob("*.npz"))) == 3


def reordered(name: str, by: int = 1) -> Dataset:
    """As tiny, with the scenes in another order."""
    tiny = tiny_dataset(name)
    scenes = sorted(tiny.scenes, key=lambda scene: scene.name)
    return make_dataset(name, scenes[by:] + scenes[:by], tiny.classes, [tiny.validation[0].name])
