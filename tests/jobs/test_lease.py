"""One server at a time uses a store, also where locks hold on one machine only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from explorer.jobs import lease
from explorer.jobs.engine import Engine
from explorer.jobs.lease import Lease, StoreInUseError
from explorer.runs.store import Store
from explorer.settings import Settings
from tests.jobs.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from pathlib import Path
from explorer.jobs.lease import Lease
Lease(Path(sys.argv[1]), lambda: print("lost", flush=True), silence=0.5, beat=float(sys.argv[2]))
print("holds", flush=True)
time.sleep(60)
"""


def never() -> None:
    raise AssertionError("nobody took the store")


def holder(root: Path, beat: float = 60.0) -> subprocess.Popen[str]:
    """Another process that uses the store."""
    command = [sys.executable, "-c", HOLD, str(root), str(beat)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


def another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this process is on another machine than before, and the locks of one do not hold on the other."""
    monkeypatch.setattr(lease, "_kernel", lambda: "another")
    monkeypatch.setattr("fcntl.flock", lambda *_: None)


def test_the_second_server_reads_who_is_there_and_takes_over_at_once_when_that_one_is_killed(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        with pytest.raises(StoreInUseError, match=rf"process {first.pid} on .+, since \d{{4}}-.* UTC — use that one"):
            Lease(tmp_path, never)
        first.kill()
    Lease(tmp_path, never, silence=60.0).close()
    assert not (tmp_path / "server.json").exists(), "nobody is there any more"


def test_a_server_that_hangs_is_said_to(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.send_signal(signal.SIGSTOP)
        long_ago = time.time() - 300
        os.utime(tmp_path / "server.json", (long_ago, long_ago))
        with pytest.raises(StoreInUseError, match=r"no sign of life for 30. s and may hang"):
            Lease(tmp_path, never)
        first.kill()


def test_a_server_on_another_machine_that_gives_signs_of_life_keeps_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with holder(tmp_path, beat=0.1) as first:
        another_machine(monkeypatch)
        with pytest.raises(StoreInUseError, match=rf"process {first.pid}"):
            Lease(tmp_path, never, silence=30.0)
        first.kill()


def test_a_server_that_was_suspended_leaves_the_store_to_the_one_that_took_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with holder(tmp_path, beat=0.1) as first:
        assert first.stdout is not None
        another_machine(monkeypatch)
        first.send_signal(signal.SIGSTOP)
        second = Lease(tmp_path, never, silence=0.5)
        first.send_signal(signal.SIGCONT)
        assert first.stdout.readline() == "lost\n"
        assert (tmp_path / "server.json").exists(), "the second one's"
        first.kill()
        second.close()


def test_an_engine_that_cannot_start_leaves_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Any) -> None:
        raise OSError("no")

    store = Store(tmp_path)
    monkeypatch.setattr(Engine, "_reattach", fails)
    with pytest.raises(OSError, match="no"):
        Engine(store, Settings())
    Lease(tmp_path, never).close()


def test_an_engine_whose_store_was_taken_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.jobs.engine.Lease", lambda root, on_lost: Lease(root, on_lost, beat=0.05))
    store = Store(tmp_path)
    engine = Engine(store, Settings())
    try:
        assert not engine.lost
        owner = (tmp_path / "server.json").read_text()
        (tmp_path / "server.json").write_text(owner.replace('"id": "', '"id": "f'))
        wait_for(lambda: engine.lost)
    finally:
        engine.close()
