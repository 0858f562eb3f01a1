"""Files that a killed process has left behind: those that it was writing, and what it had not listed yet.

A file that is being written has a temporary name. A dataset's file and a run's folder are made before their rows in the
database, so that no row is without them; what a kill leaves between the two is in no list and is removed here.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from explorer.runs.bin import dataset_files
from explorer.runs.database import Database

_TEMPORARY = re.compile(r"\..+\.\d+-\d+")  # as atomic_file names them
_OLD_SECONDS = 3600.0  # no file takes so long to be written, on whatever machine


def remove_leftovers(root: Path, older_than: float = _OLD_SECONDS) -> int:
    """Removes temporary files below a folder that nobody writes any more.

    Args:
        root: of the store.
        older_than: seconds since something was written into them last.

    Returns:
        How many there were.
    """
    removed = 0
    for path in _files(root):
        try:
            if _is_old(path, older_than):
                path.unlink()
                removed += 1
        except FileNotFoundError:  # it has its name now
            continue
    return removed


def remove_unlisted(database: Database, root: Path, older_than: float = _OLD_SECONDS) -> int:
    """Removes datasets and runs that were made and never listed.

    A run that has trained stays in any case: somebody may have put back an older database.

    Args:
        database: of the store.
        root: folder of the store.
        older_than: seconds since they were written.

    Returns:
        How many there were.
    """
    removed = 0
    with database.transaction() as connection:  # nobody lists anything meanwhile
        datasets = {row["id"] for row in connection.execute("SELECT id FROM datasets")}
        runs = {row["id"] for row in connection.execute("SELECT id FROM runs")}
        for file in (root / "datasets").glob("*.npz"):
            if file.stem not in datasets and _is_old(file, older_than):
                removed += 1
                for each in dataset_files(file.parent, file.stem):
                    each.unlink(missing_ok=True)
        for folder in (root / "runs").iterdir():
            if folder.name not in runs and not (folder / "events.jsonl").exists() and _is_old(folder, older_than):
                removed += 1
                shutil.rmtree(folder, ignore_errors=True)
    return removed


def _is_old(path: Path, seconds: float) -> bool:
    return time.time() - path.stat().st_mtime > seconds


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in names:
            if _TEMPORARY.fullmatch(name):
                yield Path(folder, name)
