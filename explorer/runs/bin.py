"""The bin: what was deleted and can be restored, what expires, and how it is removed for good.

Something is removed in this order: within one transaction of the database its files are moved into the folder
``removed`` of the store and its rows are deleted; later, the files are deleted there. What a kill leaves is put right
when the store is opened: files that were moved while their rows are still there go back; files without rows go.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from explorer.errors import InputError
from explorer.files import locked
from explorer.runs.belongings import TABLES, Kind, owned
from explorer.runs.database import Database
from explorer.runs.job_files import lock_file
from explorer.runs.ownership import Visitor
from explorer.runs.records import DatasetRecord, JobStatus, RunRecord, RunStatus
from explorer.runs.rows import dataset_record, run_record
from explorer.settings import Settings

_ACTIVE_RUN = ", ".join(f"'{status}'" for status in RunStatus if status.active)
_ACTIVE_JOB = ", ".join(f"'{status}'" for status in JobStatus if status.active)
_GONE = "gone-"  # names of what has no rows any more


class Bin:
    """What was deleted. Safe to use from several threads.

    Args:
        database: of the store.
        root: folder of the store.
    """

    def __init__(self, database: Database, root: Path) -> None:
        self._database, self._root, self._removed = database, root, root / "removed"

    def remove(self, kind: Kind, item_id: str, visitor: Visitor) -> None:
        """Removes something from the bin for good.

        Raises:
            InputError: it is not there, it is somebody else's, or something still needs it.
        """
        with self._database.transaction() as connection:
            if owned(connection, kind, item_id, visitor)["deleted"] is None:
                raise InputError(f"the {kind} is not in the bin", item_id, "delete it first")
        self._remove(kind, item_id)

    def remove_file(self, run_id: str, file: str, visitor: Visitor) -> None:
        """Deletes what a job has left in a run's folder: for the visitor who ordered it, and for the run's owner.

        Args:
            run_id: of the run.
            file: relative to its folder, as the job has it.
            visitor: who wants it.

        Raises:
            InputError: there is no such job, it still works, or the visitor may not.
        """
        rows = self._database.rows(
            "SELECT jobs.owner, jobs.status, jobs.title, runs.owner AS keeper FROM jobs JOIN runs ON runs.id = run_id "
            "WHERE run_id = ? AND file = ? ORDER BY jobs.rowid DESC LIMIT 1",
            run_id,
            file,
        )
        if not rows:
            raise InputError("there is no such measurement", file, "choose one of the list")
        if visitor.id not in (rows[0]["owner"], rows[0]["keeper"]):
            raise InputError("somebody else has ordered it", rows[0]["title"], "choose one of yours")
        if JobStatus(rows[0]["status"]).active:
            raise InputError("a job still works on it", rows[0]["title"], "stop it first, or wait until it has ended")
        path = self._home("run", run_id) / file
        with lock_file(path):
            for each in (path, path.with_name(f"{path.name}.part")):
                each.unlink(missing_ok=True)
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM jobs WHERE run_id = ? AND file = ?", (run_id, file))

    def contents(self, visitor: Visitor) -> list[RunRecord | DatasetRecord]:
        """What was deleted and a visitor can restore: their own; what is nobody's, for the teacher. The last first."""
        theirs = visitor.id, visitor.teacher
        runs = self._database.rows(
            "SELECT runs.*, datasets.name AS dataset_name FROM runs JOIN datasets ON datasets.id = runs.dataset_id "
            "WHERE runs.deleted IS NOT NULL AND (runs.owner = ? OR runs.owner IS NULL AND ?)",
            *theirs,
        )
        datasets = self._database.rows(
            "SELECT * FROM datasets WHERE deleted IS NOT NULL AND (owner = ? OR owner IS NULL AND ?)", *theirs
        )
        records: list[RunRecord | DatasetRecord] = [*map(run_record, runs), *map(dataset_record, datasets)]
        return sorted(records, key=lambda record: str(record.deleted), reverse=True)

    def tidy(self, limits: Settings, now: datetime | None = None) -> None:
        """Does what is due: deletes files of what was removed, expires what nobody looks at, empties the bin.

        Args:
            limits: on days.
            now: with time zone; this moment if not given.
        """
        now = now or datetime.now(UTC)
        if limits.expiry_days is not None:
            self._expire(now, now - timedelta(days=limits.expiry_days))
        due = (now - timedelta(days=limits.bin_days)).isoformat()
        for kind in TABLES:  # runs first: datasets stay while there are runs on them
            for row in self._database.rows(f"SELECT id FROM {TABLES[kind]} WHERE deleted < ?", due):
                with contextlib.suppress(InputError):  # something still needs it: the next time, perhaps
                    self._remove(kind, row["id"])
        self.put_back()
        for path in self._entries():
            shutil.rmtree(path, ignore_errors=True)

    def put_back(self) -> None:
        """Moves files back whose rows are still there: the process died in the middle of removing them."""
        if not any(self._entries()):
            return
        with self._database.transaction() as connection:
            for path in self._entries():
                name, _, item_id = path.name.partition("-")
                kind = next((each for each in TABLES if each == name), None)
                if kind is None:
                    continue
                if connection.execute(f"SELECT 1 FROM {TABLES[kind]} WHERE id = ?", (item_id,)).fetchone():
                    self._move_back(kind, item_id)
                if path.exists():  # another name: something of the same id may be removed meanwhile
                    os.replace(path, self._removed / f"{_GONE}{secrets.token_hex(8)}")

    def _expire(self, now: datetime, before: datetime) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE runs SET deleted = ? WHERE owner IS NOT NULL AND deleted IS NULL "
                f"AND coalesce(used, created) < ? AND status NOT IN ({_ACTIVE_RUN})",
                (now.isoformat(), before.isoformat()),
            )
            connection.execute(
                "UPDATE datasets SET deleted = ? WHERE owner IS NOT NULL AND deleted IS NULL AND shared = 0 "
                "AND coalesce(used, created) < ? "
                "AND NOT EXISTS (SELECT 1 FROM runs WHERE dataset_id = datasets.id AND runs.deleted IS NULL)",
                (now.isoformat(), before.isoformat()),
            )

    def _remove(self, kind: Kind, item_id: str) -> None:
        try:
            with self._database.transaction() as connection, self._unused(connection, kind, item_id):
                self._move_away(kind, item_id)
                if kind == "run":
                    connection.execute("DELETE FROM events WHERE run_id = ?", (item_id,))
                    connection.execute("DELETE FROM jobs WHERE run_id = ?", (item_id,))
                connection.execute(f"DELETE FROM {TABLES[kind]} WHERE id = ?", (item_id,))
        except BaseException:
            self.put_back()
            raise

    @contextlib.contextmanager
    def _unused(self, connection: sqlite3.Connection, kind: Kind, item_id: str) -> Iterator[None]:
        """Nobody works with it, and nobody begins to meanwhile.

        Raises:
            InputError: somebody does.
        """
        row = connection.execute(f"SELECT * FROM {TABLES[kind]} WHERE id = ?", (item_id,)).fetchone()
        if row is None or row["deleted"] is None:
            raise InputError(f"the {kind} is not in the bin", item_id, "look at the bin again")
        if kind == "dataset":
            runs = connection.execute("SELECT count(*) FROM runs WHERE dataset_id = ?", (item_id,)).fetchone()[0]
            if runs:
                many = "runs need" if runs > 1 else "run needs"
                raise InputError(f"{runs} {many} it", row["name"], "it goes once they are removed")
            yield
            return
        busy = InputError("a job still works on it", row["name"], "wait until it has ended, seconds at most")
        jobs = f"SELECT 1 FROM jobs WHERE run_id = ? AND status IN ({_ACTIVE_JOB})"
        if RunStatus(row["status"]).active or row["job"] or connection.execute(jobs, (item_id,)).fetchone():
            raise busy
        if not self._home("run", item_id).is_dir():
            yield
            return
        with locked(self._home("run", item_id) / "lock", busy=busy.what, remedy=busy.remedy):
            yield

    def _move_away(self, kind: Kind, item_id: str) -> None:
        target = self._removed / f"{kind}-{item_id}"
        self._removed.mkdir(exist_ok=True)
        if kind == "run":
            if self._home(kind, item_id).is_dir():
                os.replace(self._home(kind, item_id), target)
            return
        target.mkdir(exist_ok=True)
        for file in dataset_files(self._home(kind, item_id), item_id):
            os.replace(file, target / file.name)

    def _move_back(self, kind: Kind, item_id: str) -> None:
        """What is there already is newer: a dataset may have been saved again."""
        source, home = self._removed / f"{kind}-{item_id}", self._home(kind, item_id)
        if kind == "run":
            if not home.exists():
                os.replace(source, home)
            return
        for file in source.iterdir():
            if not (home / file.name).exists():
                os.replace(file, home / file.name)

    def _home(self, kind: Kind, item_id: str) -> Path:
        """The folder of a run; the folder that a dataset's files lie in."""
        return self._root / "runs" / item_id if kind == "run" else self._root / "datasets"

    def _entries(self) -> list[Path]:
        return sorted(self._removed.glob("*"))


def dataset_files(folder: Path, dataset_id: str) -> list[Path]:
    """The files of a dataset: its own, its fingerprint, and what a process that died has left of them."""
    return [*folder.glob(f"{dataset_id}.*"), *folder.glob(f".{dataset_id}.*")]


def expires(record: RunRecord | DatasetRecord, days: float | None, needed: bool = False) -> datetime | None:
    """When something goes to the bin if nobody looks at it until then; None: it stays.

    Args:
        record: of a run or dataset.
        days: ``Settings.expiry_days``.
        needed: a run that is not deleted is on this dataset.
    """
    if days is None or record.owner is None or record.used is None or record.deleted is not None or needed:
        return None
    if isinstance(record, RunRecord):
        return None if record.status.active else record.used + timedelta(days=days)
    return None if record.shared else record.used + timedelta(days=days)
