"""A cluster's folder is nobody else's, and goes away also where its server could not remove it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from explorer.jobs.cluster_folder import ClusterFolder

HOLD = """
import time
from explorer.jobs.cluster_folder import ClusterFolder
folder = ClusterFolder()
print(folder.path, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_folder_is_kept_while_its_server_lives_and_removed_once_it_was_killed(temporary: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[2]
    ) as server:
        assert server.stdout is not None
        others = Path(server.stdout.readline().strip())
        (others / "key.pem").touch()
        own = ClusterFolder()
        assert stat.S_IMODE(own.path.stat().st_mode) == 0o700
        assert (others / "key.pem").exists()
        server.kill()
    ClusterFolder().remove()
    assert list(temporary.iterdir()) == [own.path]
    own.remove()
    assert list(temporary.iterdir()) == []


def test_what_another_user_could_have_planted_is_left_alone(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "in-use").touch()
    (temporary / "explorer-cluster-link").symlink_to(elsewhere)
    ClusterFolder().remove()
    assert (elsewhere / "in-use").exists()


def test_a_folder_without_a_lock_is_left_alone(temporary: Path) -> None:
    """A server of an earlier version may be at work there."""
    earlier = temporary / "explorer-cluster-earlier"
    earlier.mkdir()
    (earlier / "key.pem").touch()
    os.utime(earlier, (0, 0))
    ClusterFolder().remove()
    assert (earlier / "key.pem").exists()


def test_the_lock_is_removed_last(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of a killed server may write while the next server removes the folder, which the one after it finds."""
    abandoned = temporary / "explorer-cluster-abandoned"
    (abandoned / "scratch").mkdir(parents=True)
    for name in ("in-use", "key.pem"):
        (abandoned / name).touch()
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)  # as where a process writes
        own = ClusterFolder()
    assert sorted(path.name for path in abandoned.iterdir()) == ["in-use", "scratch"]
    ClusterFolder().remove()
    assert list(temporary.iterdir()) == [own.path]
