"""How many bytes things take, and what one visitor may take. No torch.

What a visitor takes: their runs with all that lies in their folders, their datasets and uploads, those in the bin among
them, and the landscapes, curvatures, threshold sweeps and predictions that they ordered on runs of others.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from explorer.errors import InputError
from explorer.runs.database import Database
from explorer.runs.uploads import Side, Uploads
from explorer.settings import MEBI, Settings

_KEPT_SECONDS = 15.0  # that the bytes of a run's folder are taken for known
_HOUR = timedelta(hours=1)
_GIBI = 1024 * MEBI


Outcome = str | InputError
"""The name that a file is kept under, or why it is not kept."""


@dataclass(frozen=True)
class Sent:
    """A file that a visitor has sent."""

    name: str
    size: int  # bytes
    read: Callable[[], bytes]


@dataclass(frozen=True)
class OrderedFile:
    """A file that a job has left in a run's folder: a slice, a curvature, a threshold sweep, a prediction."""

    run_id: str
    file: str  # relative to the run's folder
    title: str
    created: datetime  # when the job was ordered, with time zone
    owner: str | None  # who ordered it; None: not known
    bytes: int


@dataclass(frozen=True)
class Taken:
    """What one visitor takes, in bytes."""

    runs: dict[str, int]  # by id, without what others have ordered on them
    datasets: dict[str, int]  # by id
    uploads: dict[str, int]  # by token
    elsewhere: int  # what they have ordered on runs of others

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.runs.values()) + sum(self.datasets.values()) + sum(self.uploads.values()) + self.elsewhere


class Usage:
    """Bytes by run, dataset, upload and visitor. Safe to use from several threads.

    Args:
        database: of the store.
        root: folder of the store.
    """

    def __init__(self, database: Database, root: Path) -> None:
        self._database, self._root, self._uploads = database, root, root / "uploads"
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, int]] = {}  # of runs: until when, and bytes

    def of(self, owner: str) -> Taken:
        """What a visitor takes."""
        return self._taken([owner])[owner]

    def by_owner(self) -> dict[str, int]:
        """The bytes of every visitor who takes any."""
        rows = self._database.rows(
            "SELECT owner FROM runs UNION SELECT owner FROM datasets UNION SELECT owner FROM jobs"
        )
        owners = {row["owner"] for row in rows} | set(self._upload_owners().values())
        taken = self._taken([owner for owner in owners if owner is not None])
        return {owner: each.total for owner, each in taken.items() if each.total}

    def of_nobody(self) -> int:
        """The bytes of examples, and of runs of earlier versions."""
        runs = self._database.rows("SELECT id FROM runs WHERE owner IS NULL")
        datasets, sizes = self._database.rows("SELECT id FROM datasets WHERE owner IS NULL"), self.dataset_bytes()
        return sum(self.run_bytes(row["id"]) for row in runs) + sum(sizes.get(row["id"], 0) for row in datasets)

    def run_bytes(self, run_id: str) -> int:
        """Of all files in a run's folder; known for some seconds."""
        with self._lock:
            until, size = self._known.get(run_id, (0.0, 0))
        if time.monotonic() < until:
            return size
        size = folder_bytes(self._root / "runs" / run_id)
        with self._lock:
            self._known[run_id] = time.monotonic() + _KEPT_SECONDS, size
        return size

    def dataset_bytes(self) -> dict[str, int]:
        """Of all datasets with what lies beside them, by id."""
        sizes: dict[str, int] = defaultdict(int)
        for name, size in _files(self._root / "datasets"):
            sizes[name.lstrip(".").partition(".")[0]] += size
        return dict(sizes)

    def ordered(self, run_ids: Iterable[str] | None = None, owner: str | None = None) -> list[OrderedFile]:
        """What jobs have left, newest first: on some runs, or what one visitor has ordered.

        Args:
            run_ids: of the runs.
            owner: id of the visitor, if no runs are given.
        """
        ids = None if run_ids is None else set(run_ids)
        rows = self._database.rows(
            "SELECT run_id, file, title, created, owner FROM jobs WHERE rowid IN "
            "(SELECT max(rowid) FROM jobs GROUP BY run_id, file) ORDER BY rowid DESC"
        )
        found = []
        for row in rows:
            if (row["run_id"] not in ids) if ids is not None else (row["owner"] != owner):
                continue
            size = _file_bytes(self._root / "runs" / row["run_id"] / row["file"])
            if size:
                created = datetime.fromisoformat(row["created"])
                found.append(OrderedFile(row["run_id"], row["file"], row["title"], created, row["owner"], size))
        return found

    # Limits -----------------------------------------------------------------------------------------------

    def require_room(self, owner: str, what: str, limits: Settings, more: int = 0) -> None:
        """Refuses what would exceed the visitor's share of the disk.

        Args:
            owner: id of the visitor.
            what: is to be kept, in words.
            limits: of the installation.
            more: bytes that it will take, as far as that is known.

        Raises:
            InputError: there is no room.
        """
        taken = self.of(owner).total
        if taken >= limits.visitor_bytes or taken + more > limits.visitor_bytes:
            raise _no_room(taken, limits, what, more)

    def add_upload(self, uploads: Uploads, token: str, side: Side, files: Sequence[Sent], owner: str) -> list[Outcome]:
        """Keeps files of a visitor, see :meth:`Uploads.add`, as far as their share of disk and hour allows.

        Args:
            uploads: of the store.
            token: of the upload.
            side: where the files were put.
            files: as sent.
            owner: id of the visitor.

        Returns:
            For each file the name that it is kept under, or why it is not kept.

        Raises:
            InputError: there is no such upload.
        """
        refused, noted = self._admit(owner, files, uploads.limits)
        kept = 0
        try:
            admitted = [file for file, problem in zip(files, refused, strict=True) if problem is None]
            added = uploads.add(token, side, ((file.name, file.read()) for file in admitted))
            kept = sum(file.size for file, name in zip(admitted, added, strict=True) if isinstance(name, str))
        finally:
            self._correct(noted, kept)
        rest = iter(added)
        return [next(rest) if problem is None else problem for problem in refused]

    def _admit(self, owner: str, files: Sequence[Sent], limits: Settings) -> tuple[list[InputError | None], int]:
        """Which files are not to be kept, and why; notes the bytes of the others, and gives the number of the note."""
        room = limits.visitor_bytes - self.of(owner).total
        most, now = limits.visitor_upload_bytes_per_hour, datetime.now(UTC)
        refused: list[InputError | None] = []
        admitted = 0
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM accepted WHERE at < ?", ((now - _HOUR).isoformat(),))
            sent, first = connection.execute(
                "SELECT coalesce(sum(bytes), 0), min(at) FROM accepted WHERE owner = ?", (owner,)
            ).fetchone()
            for file in files:
                if admitted + file.size > room:
                    refused.append(_no_room(limits.visitor_bytes - room + admitted, limits, file.name, file.size))
                elif sent + admitted + file.size > most:
                    free = (datetime.fromisoformat(first) if first else now) + _HOUR - now
                    refused.append(_too_fast(sent + admitted, most, file, free))
                else:
                    admitted += file.size
                    refused.append(None)
            cursor = connection.execute(
                "INSERT INTO accepted (owner, at, bytes) VALUES (?, ?, ?)", (owner, now.isoformat(), admitted)
            )
        return refused, int(cursor.lastrowid or 0)

    def _correct(self, noted: int, kept: int) -> None:
        with self._database.transaction() as connection:
            if kept:
                connection.execute("UPDATE accepted SET bytes = ? WHERE id = ?", (kept, noted))
            else:
                connection.execute("DELETE FROM accepted WHERE id = ?", (noted,))

    # ------------------------------------------------------------------------------------------------------

    def _taken(self, owners: Sequence[str]) -> dict[str, Taken]:
        chosen = set(owners)
        runs: dict[str, dict[str, int]] = {owner: {} for owner in owners}
        datasets: dict[str, dict[str, int]] = {owner: {} for owner in owners}
        uploads: dict[str, dict[str, int]] = {owner: {} for owner in owners}
        elsewhere = dict.fromkeys(owners, 0)
        whose: dict[str, str | None] = {}
        for row in self._database.rows("SELECT id, owner FROM runs"):
            whose[row["id"]] = row["owner"]
            if row["owner"] in chosen:
                runs[row["owner"]][row["id"]] = self.run_bytes(row["id"])
        for each in self._ordered_on_runs_of_others(chosen, whose):
            keeper = whose.get(each.run_id)
            if keeper in chosen:
                runs[keeper][each.run_id] = max(0, runs[keeper][each.run_id] - each.bytes)
            if each.owner in chosen:
                elsewhere[each.owner] += each.bytes
        sizes = self.dataset_bytes()
        for row in self._database.rows("SELECT id, owner FROM datasets"):
            if row["owner"] in chosen:
                datasets[row["owner"]][row["id"]] = sizes.get(row["id"], 0)
        for token, owner in self._upload_owners().items():
            if owner in chosen:
                uploads[owner][token] = folder_bytes(self._uploads / token)
        return {owner: Taken(runs[owner], datasets[owner], uploads[owner], elsewhere[owner]) for owner in owners}

    def _ordered_on_runs_of_others(self, owners: set[str], whose: dict[str, str | None]) -> list[OrderedFile]:
        """What concerns these visitors: ordered by them, or on their runs."""
        rows = self._database.rows(
            "SELECT DISTINCT jobs.run_id FROM jobs JOIN runs ON runs.id = jobs.run_id "
            "WHERE jobs.owner IS NOT NULL AND jobs.owner IS NOT runs.owner"
        )
        found = self.ordered([row["run_id"] for row in rows]) if rows else []
        return [
            each
            for each in found
            if each.owner is not None
            and each.owner != whose.get(each.run_id)
            and (each.owner in owners or whose.get(each.run_id) in owners)
        ]

    def _upload_owners(self) -> dict[str, str | None]:
        return Uploads(self._root).owners()


def _no_room(taken: int, limits: Settings, what: str, more: int) -> InputError:
    needs = f", and this takes {in_words(more)}" if more else ""
    return InputError(
        f"your things take {in_words(taken)} of the {in_words(limits.visitor_bytes)} that each visitor has{needs}",
        what,
        "delete something on the page Storage, and remove it from the bin there",
    )


def _too_fast(sent: int, most: int, file: Sent, free: timedelta) -> InputError:
    return InputError(
        f"you have uploaded {in_words(sent)} in the last hour, at most {in_words(most)} can come",
        file.name,
        f"some of it is free again in {max(1, round(free.total_seconds() / 60))} min"
        if file.size <= most
        else "use a smaller file",
    )


def in_words(size: int) -> str:
    """Bytes as they are read.

    >>> in_words(5 * 1024**3), in_words(1536 * 1024), in_words(10)
    ('5 GiB', '1.5 MiB', '1 KiB')
    """
    if size >= _GIBI:
        return f"{size / _GIBI:.3g} GiB"
    if size >= MEBI:
        return f"{size / MEBI:.3g} MiB" if size < 999.5 * MEBI else f"{size / MEBI:.0f} MiB"
    return f"{max(1, round(size / 1024)) if size else 0} KiB"


def folder_bytes(folder: Path) -> int:
    """Of all files in a folder and those below it; 0 if there is none."""
    return sum(size for _, size in _files(folder))


def _files(folder: str | os.PathLike[str]) -> Iterable[tuple[str, int]]:
    """Names and bytes of all files in a folder and those below it; files may come and go meanwhile."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                yield entry.name, _taken_by(entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            continue


def _taken_by(stat: os.stat_result) -> int:
    """Bytes of a file; of one with holes, such as that of an upload which is being decoded, what the disk holds."""
    return min(stat.st_size, stat.st_blocks * 512)


def _file_bytes(file: Path) -> int:
    """Of a job's file and what it has beside it while it works."""
    total = 0
    for path in (file, file.with_name(f"{file.name}.part")):
        try:
            total += _taken_by(path.stat())
        except FileNotFoundError:
            continue
    return total
