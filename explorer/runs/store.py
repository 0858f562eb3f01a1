"""All runs and datasets of an installation: a SQLite database for lists and events, folders for the rest.

The folder of a run is written by the one job that works on it; the database is written by the server alone, which
reads each run's ``events.jsonl`` from where it stopped. Offset and events are written in one transaction: every event
is taken in exactly once, also when the server dies and comes back, and a run on another machine loses nothing
while there is no server. With a cluster, the store's folder must be visible to the workers at the same path.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from explorer.errors import InputError
from explorer.imagery.archive import load_dataset, save_dataset
from explorer.imagery.scene import Dataset
from explorer.runs.folder import DatasetReference, RunFolder, parse_lines
from explorer.runs.records import DatasetRecord, RunRecord, RunStatus
from explorer.training.events import Ended, Event, Paused, Started, from_json, to_json
from explorer.training.plan import Plan

_VERSION = 1
_SCHEMA = """
CREATE TABLE datasets (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, reference TEXT NOT NULL, scenes INTEGER NOT NULL, created TEXT NOT NULL
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, dataset_id TEXT NOT NULL REFERENCES datasets,
    plan TEXT NOT NULL, created TEXT NOT NULL, step INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
    "group" TEXT, job TEXT, offset INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE events (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs, line TEXT NOT NULL);
CREATE INDEX events_of_run ON events (run_id, id);
"""


class Database:
    """A connection that threads take turns with."""

    def __init__(self, path: Path) -> None:
        self._turn = threading.RLock()
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        with self.transaction() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.strip().split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise InputError(
                    f"a store of version {version}, this program reads version {_VERSION}",
                    str(path),
                    "set EXPLORER_STORE to another folder",
                )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of what is done within takes effect, or none of it."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._turn:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Ends the connection."""
        with self._turn:
            self._connection.close()


_RUNS = "SELECT runs.*, datasets.name AS dataset_name FROM runs JOIN datasets ON datasets.id = runs.dataset_id"


class Store:
    """What has been made, wherever it is kept. Safe to use from several threads.

    Args:
        root: folder of the database, the datasets and the runs; made if it is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        for folder in ("datasets", "runs"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self._database = Database(self.root / "store.sqlite")

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    # Datasets ---------------------------------------------------------------------------------------------

    def save_dataset(self, dataset: Dataset) -> str:
        """Keeps a dataset and gives its id; the same pixels, labels and split have the same id."""
        reference = DatasetReference.to(dataset)
        path = self.dataset_file(reference.id)
        if not path.exists():
            save_dataset(dataset, path)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO datasets VALUES (?, ?, ?, ?, ?)",
                (reference.id, dataset.name, reference.model_dump_json(), len(dataset.scenes), _now()),
            )
        return reference.id

    def dataset(self, dataset_id: str) -> Dataset:
        """The dataset, with its pixels.

        Raises:
            InputError: there is none with this id.
        """
        return load_dataset(self.dataset_file(self._reference(dataset_id).id))

    def dataset_file(self, dataset_id: str) -> Path:
        """Where a dataset is kept."""
        return self.root / "datasets" / f"{dataset_id}.npz"

    def datasets(self) -> list[DatasetRecord]:
        """All datasets, newest first."""
        rows = self._database.rows("SELECT * FROM datasets ORDER BY created DESC, rowid DESC")
        return [_dataset_record(row) for row in rows]

    def _reference(self, dataset_id: str) -> DatasetReference:
        rows = self._database.rows("SELECT reference FROM datasets WHERE id = ?", dataset_id)
        if not rows:
            raise InputError("there is no such dataset", dataset_id, "choose one of the list")
        return DatasetReference.model_validate_json(rows[0]["reference"])

    # Runs -------------------------------------------------------------------------------------------------

    def create_run(self, plan: Plan, dataset_id: str, group: str | None = None) -> RunRecord:
        """A run that has not begun; it rests until it is submitted.

        Args:
            plan: what to do.
            dataset_id: what to train on.
            group: runs that are to be compared share one.

        Raises:
            InputError: there is no dataset with this id.
        """
        run_id = secrets.token_hex(6)
        RunFolder.create(self.root / "runs" / run_id, plan, self._reference(dataset_id))
        with self._database.transaction() as connection:
            connection.execute(
                'INSERT INTO runs (id, name, status, dataset_id, plan, created, "group") VALUES (?, ?, ?, ?, ?, ?, ?)',
                (run_id, plan.name, RunStatus.PAUSED, dataset_id, plan.model_dump_json(), _now(), group),
            )
        return self.run(run_id)

    def runs(self) -> list[RunRecord]:
        """All runs, newest first."""
        return [_record(row) for row in self._database.rows(f"{_RUNS} ORDER BY runs.created DESC, runs.rowid DESC")]

    def run(self, run_id: str) -> RunRecord:
        """One run.

        Raises:
            InputError: there is none with this id.
        """
        rows = self._database.rows(f"{_RUNS} WHERE runs.id = ?", run_id)
        if not rows:
            raise InputError("there is no such run", run_id, "choose one of the list")
        return _record(rows[0])

    def folder(self, run_id: str) -> RunFolder:
        """The folder of a run.

        Raises:
            InputError: there is no run with this id.
        """
        return RunFolder(self.root / "runs" / self.run(run_id).id)

    def set_status(
        self, run_id: str, status: RunStatus, message: str = "", among: Collection[RunStatus] = tuple(RunStatus)
    ) -> bool:
        """Changes the status, if it is one of ``among``; says whether it was."""
        with self._database.transaction() as connection:
            before = RunStatus(connection.execute("SELECT status FROM runs WHERE id = ?", (run_id,)).fetchone()[0])
            if before not in among:
                return False
            connection.execute("UPDATE runs SET status = ?, message = ? WHERE id = ?", (status, message, run_id))
        return True

    def set_group(self, run_id: str, group: str) -> None:
        """Puts a run among those that are to be compared."""
        with self._database.transaction() as connection:
            connection.execute('UPDATE runs SET "group" = ? WHERE id = ?', (group, run_id))

    def set_job(self, run_id: str, job: str | None) -> None:
        """Remembers by which name the cluster knows the run's present job."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE runs SET job = ? WHERE id = ?", (job, run_id))

    def jobs(self) -> dict[str, str]:
        """The jobs that have not been seen to end, by run."""
        rows = self._database.rows("SELECT id, job FROM runs WHERE job IS NOT NULL ORDER BY created")
        return {row["id"]: row["job"] for row in rows}

    # Events -----------------------------------------------------------------------------------------------

    def events(self, run_id: str, after: int = 0) -> tuple[int, list[Event]]:
        """The events that were taken in after a cursor, oldest first, superseded ones among them.

        Args:
            run_id: of the run.
            after: the cursor that the last call gave; 0 for all.

        Returns:
            The new cursor and the events. ``History`` knows which of them still hold.
        """
        rows = self._database.rows("SELECT id, line FROM events WHERE run_id = ? AND id > ? ORDER BY id", run_id, after)
        return rows[-1]["id"] if rows else after, [from_json(row["line"]) for row in rows]

    def take_in(self, run_id: str) -> int:
        """Takes in what the run's job has written since the last time, and gives the number of events."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT offset, status, step, message FROM runs WHERE id = ?", (run_id,)
            ).fetchone()
            lines = _whole_lines(self.root / "runs" / run_id / "events.jsonl", row["offset"])
            if not lines:
                return 0
            events = parse_lines(lines)
            connection.executemany(
                "INSERT INTO events (run_id, line) VALUES (?, ?)", ((run_id, to_json(event)) for event in events)
            )
            status, step, message = RunStatus(row["status"]), row["step"], row["message"]
            for event in events:
                status, step, message = _after(event, status, message)
            connection.execute(
                "UPDATE runs SET offset = ?, status = ?, step = ?, message = ? WHERE id = ?",
                (row["offset"] + len(lines), status, step, message, run_id),
            )
        return len(events)


def _after(event: Event, status: RunStatus, message: str) -> tuple[RunStatus, int, str]:
    """Status, step and message of a run once this event has happened."""
    match event:
        case Started():
            return RunStatus.RUNNING, event.step, ""
        case Paused():
            return RunStatus.PAUSED, event.step, ""
        case Ended():
            return RunStatus(event.reason), event.step, event.message
        case _:
            return status, event.step, message


def _whole_lines(path: Path, offset: int) -> bytes:
    """What follows the offset, up to the last line break."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return b""
    return content[: content.rfind(b"\n") + 1]


def _dataset_record(row: sqlite3.Row) -> DatasetRecord:
    reference = DatasetReference.model_validate_json(row["reference"])
    created = datetime.fromisoformat(row["created"])
    return DatasetRecord(row["id"], row["name"], reference.classes, reference.bands, row["scenes"], created)


def _record(row: sqlite3.Row) -> RunRecord:
    return RunRecord(
        row["id"],
        row["name"],
        RunStatus(row["status"]),
        row["dataset_id"],
        row["dataset_name"],
        Plan.model_validate_json(row["plan"]),
        datetime.fromisoformat(row["created"]),
        row["step"],
        row["message"],
        row["group"],
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
