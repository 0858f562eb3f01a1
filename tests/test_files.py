"""Files appear complete or not at all; a lock is held by one, and released when its process dies."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.files import atomic_file, locked, write_atomically

ROOT = Path(__file__).resolve().parents[1]


def test_file_takes_its_place_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_atomically(path, b"old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["plan.json"]


def test_block_that_raises_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"

    def interrupted() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == []
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == ["plan.json"]
    assert path.read_bytes() == b"old"


def test_two_threads_that_write_one_file_do_not_mix(tmp_path: Path) -> None:
    path, both_open = tmp_path / "slice.npz", threading.Barrier(2, timeout=10)

    def write(content: bytes) -> None:
        with atomic_file(path) as file:
            both_open.wait()
            for byte in content:
                file.write(bytes([byte]))
                file.flush()

    contents = b"a" * 500, b"b" * 500
    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["slice.npz"]


def test_kill_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "dataset.npz"
    path.write_bytes(b"old")
    with holder("atomic_file", path) as process:
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"old"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_lock_is_held_by_one(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock):
        with (
            pytest.raises(InputError, match="another job works on this slice") as caught,
            locked(lock, busy="another job works on this slice", remedy="wait"),
        ):
            pytest.fail("the lock was given twice")
        assert (caught.value.where, caught.value.remedy) == (str(tmp_path), "wait")
    with locked(lock):
        pass


def test_waiting_gets_the_lock_once_its_holder_leaves(tmp_path: Path) -> None:
    lock, held = tmp_path / "lock", threading.Event()

    def hold() -> None:
        with locked(lock):
            held.set()
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    with locked(lock, wait=30):
        pass
    thread.join()


def test_waiting_ends(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock):
        began = time.monotonic()
        with pytest.raises(InputError), locked(lock, wait=0.25):
            pytest.fail("the lock was given twice")
        assert 0.25 <= time.monotonic() - began < 10


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with holder("locked", lock) as process:
        with pytest.raises(InputError), locked(lock):
            pytest.fail("the lock was given twice")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with locked(lock):
            pass


def holder(name: str, path: Path) -> subprocess.Popen[str]:
    """A process that has opened ``explorer.files.<name>(path)`` and stays in its block until it is killed."""
    program = f"""
import time
from pathlib import Path
from explorer.files import {name}
with {name}(Path({str(path)!r})) as file:
    if file is not None:
        file.write(b"half")
        file.flush()
    print("inside", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    return process


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(InputError, match="no file locks"), locked(tmp_path / "lock"):
        pass
