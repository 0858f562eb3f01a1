"""The SQLite database of a store: one connection, one writer, a versioned schema.

The database holds what is listed and searched; arrays and each run's own files lie beside it. It runs in WAL mode, so
that a kill at any moment leaves it at the last transaction. A store of an older version is brought up to date when it
is opened.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from explorer.errors import InputError
from explorer.files import NoRoomError, locked

_VERSION_1 = """
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

_VERSION_2 = """
ALTER TABLE runs ADD COLUMN queued INTEGER;
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, run_id TEXT NOT NULL REFERENCES runs, file TEXT NOT NULL,
    title TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, key TEXT
);
CREATE UNIQUE INDEX active_job_of_file ON jobs (run_id, file) WHERE status IN ('queued', 'running');
CREATE TABLE store (id TEXT NOT NULL);
INSERT INTO store VALUES (lower(hex(randomblob(8))));
"""

_VERSION_3 = """
CREATE TABLE visitors (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL, seen TEXT NOT NULL, teacher TEXT,
    chosen TEXT, chosen_at TEXT
);
CREATE TABLE class_state (state TEXT NOT NULL);
ALTER TABLE datasets ADD COLUMN owner TEXT;
ALTER TABLE datasets ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE datasets ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE datasets ADD COLUMN deleted TEXT;
ALTER TABLE datasets ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN owner TEXT;
ALTER TABLE runs ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN deleted TEXT;
ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN turn INTEGER;
ALTER TABLE jobs ADD COLUMN owner TEXT;
"""

_VERSION_4 = """
ALTER TABLE datasets ADD COLUMN used TEXT;
ALTER TABLE runs ADD COLUMN used TEXT;
UPDATE datasets SET used = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now');
UPDATE runs SET used = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now');
CREATE TABLE accepted (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, at TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE INDEX accepted_of_owner ON accepted (owner, at);
"""

_VERSION_5 = """
ALTER TABLE runs ADD COLUMN example INTEGER NOT NULL DEFAULT 0;
CREATE TABLE linked_plans (id TEXT PRIMARY KEY, plan TEXT NOT NULL, made TEXT NOT NULL);
"""

_VERSION_6 = """
CREATE TABLE lesson_answers (
    visitor TEXT NOT NULL, lesson TEXT NOT NULL, step INTEGER NOT NULL, answer TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (visitor, lesson, step)
);
CREATE INDEX answers_of_lesson ON lesson_answers (lesson, at);
"""

_VERSION_7 = """
CREATE TABLE saved_links (
    id INTEGER PRIMARY KEY AUTOINCREMENT, visitor TEXT NOT NULL, place INTEGER NOT NULL, say TEXT NOT NULL,
    page TEXT NOT NULL, query TEXT NOT NULL, whole INTEGER NOT NULL
);
CREATE INDEX links_of_visitor ON saved_links (visitor, place);
CREATE TABLE link_lists (visitor TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE);
"""

SERVER_LOCK = "server.lock"
"""Beside the database; held by the server that uses the store."""

_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)

MIGRATIONS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6, _VERSION_7)
"""Statements that lead from each version to the next; the first makes an empty database one of version 1."""


class Database:
    """A connection that threads take turns with.

    Raises:
        InputError: the database was written by a newer version of the program, or by an older one that uses it now.
    """

    def __init__(self, path: Path) -> None:
        self._lock, self._path = threading.RLock(), path
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        with self.transaction() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise InputError(
                    f"a store of version {version}, this program reads up to version {len(MIGRATIONS)}",
                    str(path),
                    "update the program, or set EXPLORER_STORE to another folder",
                )
            with self._unused() if 0 < version < len(MIGRATIONS) else nullcontext():
                for migration in MIGRATIONS[version:]:
                    for statement in migration.strip().split(";\n"):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _unused(self) -> AbstractContextManager[None]:
        """No server uses the store: one of an older version would go on with a database that it does not know."""
        remedy = "stop that server first, or set EXPLORER_STORE to another folder"
        return locked(
            self._path.parent / SERVER_LOCK, busy="a server of an older version uses this store", remedy=remedy
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of what is done within takes effect, or none of it.

        Raises:
            NoRoomError: the disk is full, or cannot be written.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:  # where the disk is full, SQLite has rolled it back itself
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and _primary(error) in _NO_ROOM:
                    raise NoRoomError.at(self._path.parent, str(error)) from error
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            self._connection.close()


def _primary(error: sqlite3.Error) -> int:
    """The primary code of an error; extended codes have it in their lowest byte."""
    return error.sqlite_errorcode & 0xFF
