"""Files that a killed process has left behind: those that it was writing, under their temporary names."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

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
            if time.time() - path.stat().st_mtime > older_than:
                path.unlink()
                removed += 1
        except FileNotFoundError:  # it has its name now
            continue
    return removed


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in names:
            if _TEMPORARY.fullmatch(name):
                yield Path(folder, name)
