"""A disk without room: runs pause and say why, nothing is lost, and all goes on once there is room."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.files import NoRoomError, write_atomically
from explorer.jobs.engine import Engine
from explorer.jobs.reader import Reader
from explorer.runs.database import Database
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.records import RunStatus
from explorer.runs.store import Store
from explorer.runs.timeline import timeline
from explorer.runs.training import execute
from explorer.runs.uploads import Uploads
from explorer.settings import Settings
from explorer.training import saving
from explorer.training.commands import Stop
from explorer.training.events import CheckpointSaved, Ended, Step
from tests.jobs.waiting import LONG, has_status, wait_for
from tests.runs.tiny import tiny_dataset, tiny_plan

BYTES = 12 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 1):
            with suppress(OSError):
                while True:
                    file.write(b"0" * size)
    assert shutil.disk_usage(disk).free == 0
    return filler


def is_idle(store: Store, run_id: str) -> bool:
    """No job works on the run."""
    try:
        with store.folder(run_id).locked():
            return True
    except InputError:
        return False


def test_a_run_pauses_while_the_disk_is_full_and_goes_on_once_there_is_room(small_disk: Path) -> None:
    store = Store(small_disk / "store")
    engine = Engine(store, Settings(checkpoint_steps=1000))
    try:
        run_id = store.create_run(tiny_plan(LONG), store.save_dataset(tiny_dataset())).id
        engine.submit(run_id)
        wait_for(lambda: store.run(run_id).step > 3)
        filler = fill(small_disk)
        wait_for(lambda: engine.problem is not None and "make room there" in engine.problem)
        with pytest.raises(NoRoomError, match="make room there"):
            engine.pause(run_id)
        wait_for(lambda: is_idle(store, run_id))
        filler.unlink()
        wait_for(has_status(store, run_id, RunStatus.PAUSED))
        assert "no space left on device" in store.run(run_id).message.lower()
        wait_for(lambda: engine.problem is None)
        store.folder(run_id).send(Stop())  # an order from before
        before = store.run(run_id).step
        engine.submit(run_id)
        wait_for(lambda: store.run(run_id).step > before + 3)
        steps = [event.step for event in timeline(store.events(run_id)[1]) if isinstance(event, Step)]
        assert steps == list(range(1, len(steps) + 1)), "nothing is missing, and nothing is there twice"
        engine.stop(run_id)
        wait_for(has_status(store, run_id, RunStatus.STOPPED))
    finally:
        engine.close()


def test_a_dataset_is_not_half_saved(small_disk: Path) -> None:
    store = Store(small_disk / "store")
    filler = fill(small_disk)
    with pytest.raises(NoRoomError):
        store.save_dataset(tiny_dataset())
    filler.unlink()
    assert store.datasets() == []
    assert store.dataset(store.save_dataset(tiny_dataset())).name == tiny_dataset().name


def test_a_file_that_has_no_room_is_named_and_the_others_are_kept(small_disk: Path) -> None:
    uploads = Uploads(small_disk)
    token = uploads.begin()
    kept, refused = uploads.add(token, "images", [("small.png", b"1"), ("large.png", b"0" * 2 * BYTES)])
    assert kept == "small.png"
    assert "large.png: cannot be kept (no space left on device)" in str(refused)
    assert [file.name for file in uploads.files(token)] == ["small.png"]


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "place", [(saving, "save_checkpoint"), (os, "fsync"), (os, "replace")], ids=["checkpoint", "fsync", "replace"]
)
def test_what_is_on_the_disk_is_enough_to_go_on_from(
    place: tuple[object, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tiny_dataset()
    folders = [
        RunFolder.create(tmp_path / name, tiny_plan(30), DatasetReference.to(dataset)) for name in ("whole", "broken")
    ]
    whole, broken = folders
    list(execute(whole, dataset, device="cpu", checkpoint_steps=10))

    def until_full(made: Callable[[], bool]) -> None:
        for _ in execute(broken, dataset, device="cpu", checkpoint_steps=10):
            if made():
                monkeypatch.setattr(*place, full)

    with pytest.raises(NoRoomError, match=r"broken.*: no space left on device — make room there"):
        until_full(lambda: any(isinstance(e, CheckpointSaved) and e.step == 10 for e in broken.events()))
    monkeypatch.undo()
    assert not any(isinstance(event, Ended) for event in broken.events())
    list(execute(broken, dataset, device="cpu", checkpoint_steps=10))
    made = [[event for event in timeline(each.events()) if isinstance(event, Step)] for each in folders]
    assert made[0] == made[1]


def test_other_errors_of_the_system_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "file", b"")


def test_a_database_that_is_full_says_so_and_can_be_used_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.sqlite")
    pages = database.rows("PRAGMA page_count")[0][0]
    database.rows(f"PRAGMA max_page_count = {pages}")
    columns = "id, name, reference, scenes, created"
    many = [(str(number), "x" * 1000) for number in range(1000)]
    with pytest.raises(NoRoomError, match="full"), database.transaction() as connection:
        connection.executemany(f"INSERT INTO datasets ({columns}) VALUES (?, ?, '', 0, '')", many)
    database.rows("PRAGMA max_page_count = 100000")
    with database.transaction() as connection:
        connection.execute(f"INSERT INTO datasets ({columns}) VALUES ('a', 'b', '', 0, '')")
    assert [row["id"] for row in database.rows("SELECT id FROM datasets")] == ["a"]


def test_a_wrong_statement_is_no_full_disk(tmp_path: Path) -> None:
    with (
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        Database(tmp_path / "store.sqlite").transaction() as connection,
    ):
        connection.execute("INSERT INTO elsewhere VALUES (1)")


def test_the_reader_keeps_what_could_not_be_stored_for_want_of_room(tmp_path: Path) -> None:
    room: list[bool] = []
    stored: list[str] = []

    def store() -> None:
        if not room:
            raise NoRoomError.at(tmp_path, "No space left on device")
        stored.append("run")

    reader = Reader(lambda: [], interval=0.05)
    reader.add("run", store)
    reader.start()
    wait_for(lambda: reader.problem is not None)
    assert reader.problem == f"{tmp_path}: no space left on device — make room there, then go on"
    room.append(True)
    wait_for(lambda: stored == ["run"])
    wait_for(lambda: reader.problem is None)
    reader.close()
