"""What a killed process was writing, or had not listed yet, is removed once nobody can be at work on it any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from explorer.files import atomic_file
from explorer.runs.leftovers import remove_leftovers
from explorer.runs.store import Store
from tests.runs.tiny import tiny_dataset, tiny_plan

WRITE = """
import sys, time
from pathlib import Path
from explorer.files import atomic_file
with atomic_file(Path(sys.argv[1])) as file:
    file.write(b"half"); file.flush(); print(flush=True); time.sleep(60)
"""


def test_a_file_that_was_being_written_is_removed_and_all_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "a" / "checkpoints"
    folder.mkdir(parents=True)
    kept = [folder / name for name in ("step_1.safetensors", ".slice.npz.lock", ".hidden.1")]
    for path in kept:
        path.touch()
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, str(folder / "0.safetensors")],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    (left,) = set(folder.iterdir()) - set(kept)
    assert remove_leftovers(tmp_path) == 0, "somebody may be writing it"
    long_ago = time.time() - 7200
    for path in (left, *kept):
        os.utime(path, (long_ago, long_ago))
    with atomic_file(folder / "new") as file:
        assert remove_leftovers(tmp_path) == 1
        file.write(b"whole")
    assert sorted(folder.iterdir()) == sorted([*kept, folder / "new"])


def test_datasets_and_runs_that_a_kill_left_unlisted_are_removed_and_all_others_stay(tmp_path: Path) -> None:
    store = Store(tmp_path)
    listed = store.save_dataset(tiny_dataset("listed"))
    unlisted = store.save_dataset(tiny_dataset("unlisted"))
    runs = [store.create_run(tiny_plan(4), listed).id for _ in range(3)]
    (tmp_path / "runs" / runs[2] / "events.jsonl").touch()  # it has trained
    with store._database.transaction() as connection:
        connection.execute("DELETE FROM datasets WHERE id = ?", (unlisted,))
        connection.executemany("DELETE FROM runs WHERE id = ?", [(each,) for each in runs[1:]])
    store.remove_leftovers()
    assert store.dataset_file(unlisted).exists(), "somebody may be about to list it"
    long_ago = time.time() - 7200
    for path in (tmp_path / "runs").iterdir():
        os.utime(path, (long_ago, long_ago))
    for each in (listed, unlisted):
        os.utime(store.dataset_file(each), (long_ago, long_ago))
    assert store.save_dataset(tiny_dataset("unlisted")) == unlisted, "saved again, it is listed with the file there is"
    with store._database.transaction() as connection:
        connection.execute("DELETE FROM datasets WHERE id = ?", (unlisted,))
    store.remove_leftovers()
    assert store.dataset_file(unlisted).exists(), "that was a moment ago"
    os.utime(store.dataset_file(unlisted), (long_ago, long_ago))
    store.remove_leftovers()
    assert [file.stem for file in (tmp_path / "datasets").glob("*.npz")] == [listed]
    assert {folder.name for folder in (tmp_path / "runs").iterdir()} == {runs[0], runs[2]}
