"""What a killed process was writing is removed, once it is old enough that nobody can be writing it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from explorer.files import atomic_file
from explorer.runs.leftovers import remove_leftovers

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
