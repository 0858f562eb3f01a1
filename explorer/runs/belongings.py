"""What visitors do with their runs and datasets: share, rename, tag, archive, delete and restore them.

Whether a visitor may is decided in one place, ``_owned``. What is deleted leaves all lists at once and lies in the bin
(see ``explorer.runs.bin``) until it is removed for good. A dataset stays on the disk as long as there is a run on it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from explorer.errors import InputError
from explorer.runs.database import Database
from explorer.runs.names import free_name
from explorer.runs.ownership import Visitor
from explorer.runs.rows import now

Kind = Literal["run", "dataset"]
"""What can be owned."""

TABLES: dict[Kind, str] = {"run": "runs", "dataset": "datasets"}
"""Where each kind is listed in the database."""

LONGEST_NAME = 60
"""Characters of the name of a run or dataset."""

MOST_TAGS, LONGEST_TAG = 8, 24
"""Tags of one run or dataset, and characters of each."""

_LOOKED_EVERY = timedelta(hours=1)  # at most so often it is written down that somebody looks at something


class Belongings:
    """Changes to what visitors own. Safe to use from several threads.

    Every change raises ``InputError`` where there is no such thing, or the visitor may not change it.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def share(self, kind: Kind, item_id: str, shared: bool, visitor: Visitor) -> None:
        """Lets the class look at something, or keeps it to its owner again.

        Raises:
            InputError: also where it is everybody's already, or a run is on a dataset that somebody else keeps.
        """
        with self._database.transaction() as connection:
            row = owned(connection, kind, item_id, visitor)
            if row["owner"] is None:
                raise InputError("everybody sees it already", row["name"], "share something of your own")
            if shared and kind == "run":
                dataset = connection.execute("SELECT * FROM datasets WHERE id = ?", (row["dataset_id"],)).fetchone()
                if dataset["owner"] not in (None, visitor.id) and not dataset["shared"]:
                    raise InputError(
                        "its dataset is somebody else's and no longer shared",
                        row["name"],
                        "ask its owner to share it again, or train on another dataset",
                    )
            _set(connection, kind, item_id, shared=int(shared))

    def rename(self, kind: Kind, item_id: str, name: str, visitor: Visitor) -> str:
        """Gives something another name, with a number where its owner has one of that name; gives the name.

        Raises:
            InputError: also where the name is empty or too long.
        """
        name = cleaned(name)
        if not name or len(name) > LONGEST_NAME:
            raise InputError(
                "the name is empty" if not name else f"{len(name)} characters",
                "the new name",
                f"take one of 1 to {LONGEST_NAME} characters",
            )
        with self._database.transaction() as connection:
            row = owned(connection, kind, item_id, visitor)
            others = connection.execute(
                f"SELECT name FROM {TABLES[kind]} WHERE owner IS ? AND id != ?", (row["owner"], item_id)
            ).fetchall()
            name = free_name(name, (other["name"] for other in others))
            _set(connection, kind, item_id, name=name)
        return name

    def archive(self, kind: Kind, item_id: str, archived: bool, visitor: Visitor) -> None:
        """Leaves something out of the lists of other pages, or lists it again."""
        with self._database.transaction() as connection:
            owned(connection, kind, item_id, visitor)
            _set(connection, kind, item_id, archived=int(archived))

    def tag(self, kind: Kind, item_id: str, tags: Iterable[str], visitor: Visitor) -> tuple[str, ...]:
        """Gives something these tags instead of those that it has; gives them as they are kept.

        Raises:
            InputError: also where there are too many, or one is too long.
        """
        kept = normalised(tags)
        with self._database.transaction() as connection:
            owned(connection, kind, item_id, visitor)
            _set(connection, kind, item_id, tags=json.dumps(kept))
        return kept

    def delete(self, kind: Kind, item_id: str, visitor: Visitor) -> None:
        """Puts something into the bin; what is there stays as it is. Whoever calls it stops a run that trains."""
        with self._database.transaction() as connection:
            if owned(connection, kind, item_id, visitor)["deleted"] is None:
                _set(connection, kind, item_id, deleted=now())

    def restore(self, kind: Kind, item_id: str, visitor: Visitor) -> None:
        """Takes something out of the bin."""
        with self._database.transaction() as connection:
            owned(connection, kind, item_id, visitor)
            _set(connection, kind, item_id, deleted=None)

    def runs_on(self, dataset_id: str) -> int:
        """How many runs of anybody need a dataset, those in the bin among them."""
        rows = self._database.rows("SELECT count(*) AS number FROM runs WHERE dataset_id = ?", dataset_id)
        return int(rows[0]["number"])

    def look_at(self, kind: Kind, item_id: str) -> None:
        """Notes that somebody looks at something, which puts off that it expires."""
        before = (datetime.now(UTC) - _LOOKED_EVERY).isoformat()
        query = f"SELECT id FROM {TABLES[kind]} WHERE id = ? AND coalesce(used, created) < ?"
        if self._database.rows(query, item_id, before):
            with self._database.transaction() as connection:
                connection.execute(f"UPDATE {TABLES[kind]} SET used = ? WHERE id = ?", (now(), item_id))


def owned(connection: sqlite3.Connection, kind: Kind, item_id: str, visitor: Visitor) -> sqlite3.Row:
    """The row of something that a visitor may change: their own; what is nobody's, for the teacher.

    Raises:
        InputError: there is no such thing, or the visitor may not change it.
    """
    row: sqlite3.Row | None = connection.execute(f"SELECT * FROM {TABLES[kind]} WHERE id = ?", (item_id,)).fetchone()
    if row is None:
        raise InputError(f"there is no such {kind}", item_id, "choose one of the list")
    if kind == "run" and row["example"]:
        raise InputError("the run comes with the app and stays as it is", row["name"], "choose one of yours")
    if row["owner"] is None and not visitor.teacher:
        raise InputError(f"only the teacher may change a {kind} that is nobody's", row["name"], "choose one of yours")
    if row["owner"] not in (None, visitor.id):
        raise InputError(f"the {kind} is somebody else's", item_id, "choose one of yours")
    return row


def cleaned(text: str) -> str:
    """A text on one line, without what cannot be printed."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def normalised(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in lower case, each once, in order.

    >>> normalised(["Ships ", "ships", "lesson   2", ""])
    ('lesson 2', 'ships')

    Raises:
        InputError: there are too many, or one is too long.
    """
    kept = sorted({cleaned(tag).casefold() for tag in tags} - {""})
    longest = max(kept, key=len, default="")
    if len(kept) > MOST_TAGS or len(longest) > LONGEST_TAG:
        raise InputError(
            f"{len(kept)} tags" if len(kept) > MOST_TAGS else f"a tag of {len(longest)} characters",
            "tags",
            f"take at most {MOST_TAGS}, each of at most {LONGEST_TAG} characters",
        )
    return tuple(kept)


def _set(connection: sqlite3.Connection, kind: Kind, item_id: str, **columns: object) -> None:
    """Changes columns of a row, which counts as looking at it."""
    columns["used"] = now()
    names = ", ".join(f"{name} = ?" for name in columns)
    connection.execute(f"UPDATE {TABLES[kind]} SET {names} WHERE id = ?", (*columns.values(), item_id))
