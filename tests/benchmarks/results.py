"""Results of benchmark runs: a file of one JSON line a run, to which any number of processes append.

A run that is in the file is not made again. Its key is a hash of everything that decides it.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

Row = Mapping[str, Any]
Job = TypeVar("Job")


def key_of(**decides: Any) -> str:
    """A short hash of what decides a run; the values must be JSON.

    >>> key_of(set="ships", seed=0) == key_of(seed=0, set="ships") != key_of(set="ships", seed=1)
    True
    """
    text = json.dumps(decides, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def read_rows(files: Iterable[Path]) -> dict[str, Row]:
    """The rows of result files by key; a line that was cut off by a kill is skipped, of equal keys the first counts."""
    rows: dict[str, Row] = {}
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            rows.setdefault(row["key"], row)
    return rows


def append_row(file: Path, row: Row) -> None:
    """Appends a row in one write, so that rows of several processes do not mix."""
    file.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(row, allow_nan=False) + "\n"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":  # the last line was cut off
            line = "\n" + line
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Pace:
    """Which of the runs are made now: one piece of n, until the minutes are over."""

    minutes: float | None = None
    piece: tuple[int, int] = (1, 1)
    seconds: list[float] = field(default_factory=list)  # that finished runs took
    began: float = field(default_factory=time.monotonic)

    def mine(self, jobs: Sequence[Job]) -> Iterator[Job]:
        """The jobs of this piece, each with its turn; ends before a job that would probably exceed the minutes."""
        number, count = self.piece
        for job in jobs[number - 1 :: count]:
            expected = statistics.median(self.seconds) if self.seconds else 0.0
            if self.minutes is not None and time.monotonic() - self.began + expected > 60 * self.minutes:
                return
            yield job


def parse_piece(text: str) -> tuple[int, int]:
    """The piece of ``2/6``: the second of six.

    >>> parse_piece("2/6")
    (2, 6)

    Raises:
        ValueError: it is no such text.
    """
    number, _, count = text.partition("/")
    piece = int(number), int(count)
    if not 1 <= piece[0] <= piece[1]:
        raise ValueError(f"{text} is no piece such as 2/6")
    return piece
