"""The bin: removed for good with all that belongs to it, nothing half after a kill, and expiry by a clock."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.files import locked
from explorer.runs.belongings import Kind
from explorer.runs.bin import expires
from explorer.runs.measurements import fingerprint_file
from explorer.runs.ownership import Visitor
from explorer.runs.records import JobStatus, RunStatus
from explorer.runs.store import Store
from explorer.settings import Settings
from explorer.training.events import Note, to_json
from tests.runs.tiny import tiny_dataset, tiny_plan

ROOT = Path(__file__).resolve().parents[2]
ANA, BEN = Visitor("a" * 24, "Ana"), Visitor("b" * 24, "Ben")
TODAY = datetime.now(UTC)
LIMITS = Settings(bin_days=7, expiry_days=30)
NEVER = Settings(bin_days=7)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def made(store: Store, owner: str | None = ANA.id, name: str = "quay") -> tuple[str, str]:
    """A dataset with its fingerprint, and a run on it with an event and a slice."""
    dataset_id = store.save_dataset(tiny_dataset(name), owner)
    fingerprint_file(store.dataset_file(dataset_id)).write_text("{}")
    run_id = store.create_run(tiny_plan(), dataset_id, owner=owner).id
    folder = store.folder(run_id)
    folder.events_file.write_text(to_json(Note(0, "hello")) + "\n")
    store.ingest(run_id)
    (folder.path / "slices").mkdir()
    (folder.path / "slices" / "a.npz").write_bytes(b"measured")
    job, _ = store.jobs.create("MeasureSlice", run_id, "slices/a.npz", "slice", owner)
    store.jobs.set_status(job.id, JobStatus.DONE)
    return dataset_id, run_id


def rows(store: Store, table: str) -> int:
    return int(store._database.rows(f"SELECT count(*) AS number FROM {table}")[0]["number"])


def files(store: Store) -> set[str]:
    """All files but those of the database."""
    found = (path.relative_to(store.root) for path in store.root.rglob("*") if path.is_file())
    return {str(path) for path in found if not path.name.startswith("store.sqlite")}


def test_what_is_nobodys_is_in_the_teachers_bin_alone(store: Store) -> None:
    teacher = Visitor("t" * 24, "Ms T", teacher=True)
    for owner, who in ((ANA.id, ANA), (None, teacher)):
        for kind, item in zip(("dataset", "run"), made(store, owner, f"of {owner}"), strict=True):
            store.belongings.delete(kind, item, who)  # type: ignore[arg-type]
    seen = {who.name: {each.owner for each in store.bin.contents(who)} for who in (ANA, BEN, teacher)}
    assert seen == {"Ana": {ANA.id}, "Ben": set(), "Ms T": {None}}


def test_what_is_removed_leaves_no_row_and_no_file(store: Store) -> None:
    dataset_id, run_id = made(store)
    store.belongings.delete("run", run_id, ANA)
    store.belongings.delete("dataset", dataset_id, ANA)
    with pytest.raises(InputError, match="1 run needs it"):
        store.bin.remove("dataset", dataset_id, ANA)
    store.bin.remove("run", run_id, ANA)
    store.bin.remove("dataset", dataset_id, ANA)
    assert [rows(store, table) for table in ("runs", "datasets", "events", "jobs")] == [0, 0, 0, 0]
    assert not list((store.root / "runs").iterdir())
    assert not list((store.root / "datasets").iterdir())
    store.bin.tidy(NEVER)
    assert files(store) == set()


def test_only_what_is_in_the_bin_is_removed(store: Store) -> None:
    for kind, item in zip(("dataset", "run"), made(store), strict=True):
        with pytest.raises(InputError, match="not in the bin"):
            store.bin.remove(kind, item, ANA)  # type: ignore[arg-type]


def test_a_dataset_stays_as_long_as_anybodys_run_is_on_it(store: Store) -> None:
    dataset_id, run_id = made(store)
    store.belongings.share("dataset", dataset_id, True, ANA)
    others = store.create_run(tiny_plan(), dataset_id, owner=BEN.id).id
    for kind, item in (("run", run_id), ("dataset", dataset_id)):
        store.belongings.delete(kind, item, ANA)  # type: ignore[arg-type]
    assert store.belongings.runs_on(dataset_id) == 2
    store.bin.tidy(NEVER, TODAY + timedelta(days=8))
    assert rows(store, "runs") == 1
    assert store.dataset(dataset_id).scenes, "the run of the other visitor can still train"
    store.belongings.delete("run", others, BEN)
    store.bin.tidy(NEVER, TODAY + timedelta(days=16))
    assert (rows(store, "runs"), rows(store, "datasets")) == (0, 0)


@pytest.mark.parametrize("busy", ["status", "key", "job", "lock"])
def test_a_run_that_something_works_on_is_not_removed(store: Store, busy: str) -> None:
    _, run_id = made(store)
    store.belongings.delete("run", run_id, ANA)
    match busy:
        case "status":
            store.set_status(run_id, RunStatus.RUNNING)
        case "key":
            store.set_key(run_id, "run-1")
        case "job":
            store.jobs.create("MeasureSlice", run_id, "slices/b.npz", "slice")
    before = files(store) | {f"runs/{run_id}/lock"} if busy == "lock" else files(store)

    def try_both() -> None:
        with pytest.raises(InputError, match="a job still works on it"):
            store.bin.remove("run", run_id, ANA)
        store.bin.tidy(NEVER, TODAY + timedelta(days=8))

    if busy == "lock":
        with locked(store.folder(run_id).path / "lock"):
            try_both()
    else:
        try_both()
    assert store.run(run_id).deleted is not None
    assert files(store) == before


def test_the_bin_is_emptied_after_its_days(store: Store) -> None:
    dataset_id, run_id = made(store)
    store.belongings.delete("run", run_id, ANA)
    store.bin.tidy(NEVER, TODAY + timedelta(days=6.9))
    assert rows(store, "runs") == 1
    store.bin.tidy(NEVER, TODAY + timedelta(days=7.1))
    assert rows(store, "runs") == 0
    assert store.dataset_record(dataset_id).deleted is None


def test_what_nobody_looks_at_expires_runs_first_and_what_is_shared_or_nobodys_stays(store: Store) -> None:
    own, run_id = made(store)
    shared, shared_run = made(store, name="shared")
    store.belongings.share("dataset", shared, True, ANA)
    example, old_run = made(store, owner=None, name="example")
    store.belongings.delete("run", shared_run, ANA)

    def present() -> set[str]:
        return {each.id for each in (*store.runs(), *store.datasets())}

    assert expires(store.run(run_id), 30) == store.run(run_id).used + timedelta(days=30)  # type: ignore[operator]
    assert expires(store.run(run_id), None) is None
    assert expires(store.run(old_run), 30) is None
    assert expires(store.dataset_record(shared), 30) is None
    assert expires(store.dataset_record(own), 30, needed=True) is None
    store.bin.tidy(NEVER, TODAY + timedelta(days=1000))
    assert present() == {own, run_id, shared, example, old_run}, "never, where nothing is set"
    store.bin.tidy(LIMITS, TODAY + timedelta(days=29))
    assert present() == {own, run_id, shared, example, old_run}
    store.bin.tidy(LIMITS, TODAY + timedelta(days=31))
    assert present() == {shared, example, old_run}
    assert store.run(run_id).deleted == TODAY + timedelta(days=31), "in the bin, from where it can be restored"
    store.belongings.restore("run", run_id, ANA)
    assert run_id in present()


def test_looking_puts_expiry_off(store: Store) -> None:
    dataset_id, run_id = made(store)
    long_ago = (TODAY - timedelta(days=40)).isoformat()
    for table in ("runs", "datasets"):
        with store._database.transaction() as connection:
            connection.execute(f"UPDATE {table} SET used = ?", (long_ago,))
    store.belongings.look_at("run", run_id)
    store.belongings.look_at("dataset", dataset_id)
    assert all(each.used >= TODAY for each in (store.run(run_id), store.dataset_record(dataset_id)) if each.used)
    store.bin.tidy(LIMITS, TODAY)
    assert [each.id for each in store.runs()] == [run_id]


def test_a_run_that_trains_does_not_expire(store: Store) -> None:
    dataset_id, run_id = made(store)
    store.set_status(run_id, RunStatus.QUEUED)
    assert expires(store.run(run_id), 30) is None
    store.bin.tidy(LIMITS, TODAY + timedelta(days=31))
    assert ([each.id for each in store.runs()], [each.id for each in store.datasets()]) == ([run_id], [dataset_id])


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from explorer.runs import bin as bins
from explorer.runs.ownership import Visitor
from explorer.runs.store import Store
from explorer.settings import Settings

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

kind, item, moment = sys.argv[2:]
store = Store(Path(sys.argv[1]))
replace = os.replace
if moment == "before the files are moved":
    bins.os.replace = die
elif moment == "between two files":
    def once(*args):
        replace(*args)
        die()
    bins.os.replace = once
elif moment == "before the rows are deleted":
    move = bins.Bin._move_away
    def then_die(self, *args):
        move(self, *args)
        die()
    bins.Bin._move_away = then_die
elif moment == "before the files are deleted":
    bins.shutil.rmtree = die
elif moment == "while the files are deleted":
    def half(path, **_):
        next(each for each in sorted(path.rglob("*")) if each.is_file()).unlink()
        die()
    bins.shutil.rmtree = half
store.bin.remove(kind, item, Visitor("a" * 24, "Ana"))
store.bin.tidy(Settings(bin_days=7))
"""
BEFORE = ["before the files are moved", "between two files", "before the rows are deleted"]
AFTER = ["before the files are deleted", "while the files are deleted"]


@pytest.mark.parametrize("moment", [*BEFORE, *AFTER])
@pytest.mark.parametrize("kind", ["run", "dataset"])
def test_a_kill_in_the_middle_leaves_all_or_nothing(store: Store, kind: Kind, moment: str) -> None:
    dataset_id, run_id = made(store)
    if kind == "dataset":
        store.belongings.delete("run", run_id, ANA)
        store.bin.remove("run", run_id, ANA)
        store.bin.tidy(NEVER)
    item = run_id if kind == "run" else dataset_id
    (store.folder(run_id).path / "lock").touch() if kind == "run" else None
    store.belongings.delete(kind, item, ANA)
    before = files(store)
    store.close()
    command = [sys.executable, "-c", KILLED, str(store.root), kind, item, moment]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    again = Store(store.root)
    if moment in BEFORE:
        assert files(again) == before
        again.belongings.restore(kind, item, ANA)
        assert item in {each.id for each in (again.runs() if kind == "run" else again.datasets())}
        assert again.dataset(dataset_id).scenes
        again.belongings.delete(kind, item, ANA)
        again.bin.remove(kind, item, ANA)
    assert rows(again, f"{kind}s") == 0
    again.bin.tidy(NEVER)
    assert not [file for file in files(again) if item in file or file.startswith("removed")]
    assert not list((again.root / "removed").iterdir())


def test_a_dataset_that_is_saved_while_its_files_wait_to_be_deleted_is_kept(store: Store) -> None:
    dataset_id, run_id = made(store)
    store.belongings.delete("run", run_id, ANA)
    store.bin.remove("run", run_id, ANA)
    store.belongings.delete("dataset", dataset_id, ANA)
    store.bin.remove("dataset", dataset_id, ANA)
    assert store.save_dataset(tiny_dataset("quay"), ANA.id) == dataset_id
    store.bin.tidy(NEVER)
    assert store.dataset(dataset_id).scenes
