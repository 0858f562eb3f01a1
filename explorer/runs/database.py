"""The SQLite database of a store: one connection, one writer, versioned schema.

The database holds what is listed and searched; arrays and each run's own files lie beside it. It runs in WAL mode, so
that a kill at any moment leaves it at the last transaction.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import InputError

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
