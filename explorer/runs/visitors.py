"""The visitors of a server, as its store knows them: their names, and who of them teaches."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from explorer.errors import InputError
from explorer.runs.database import Database
from explorer.runs.ownership import Visitor
from explorer.runs.rows import now

LONGEST_NAME = 40
"""Characters of a visitor's name."""
_SEEN_EVERY = timedelta(seconds=20)  # at most so often it is written down that somebody is there


def new_id() -> str:
    """The id of a visitor that nobody can guess."""
    return secrets.token_hex(12)


class Visitors:
    """All visitors of a store. Safe to use from several threads.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def visitor(self, visitor_id: str, teacher_token: str | None = None) -> Visitor:
        """A visitor who is there now; a new one gets a name with a number.

        Args:
            visitor_id: of the visitor.
            teacher_token: the one that holds now; teachers are those who have given this one.
        """
        rows = self._database.rows("SELECT name, seen, teacher FROM visitors WHERE id = ?", visitor_id)
        if not rows:
            with self._database.transaction() as connection:
                number = connection.execute("SELECT count(*) FROM visitors").fetchone()[0] + 1
                connection.execute(
                    "INSERT OR IGNORE INTO visitors (id, name, created, seen) VALUES (?, ?, ?, ?)",
                    (visitor_id, f"Visitor {number}", now(), now()),
                )
            return self.visitor(visitor_id, teacher_token)
        (row,) = rows
        if datetime.fromisoformat(row["seen"]) < datetime.now(UTC) - _SEEN_EVERY:
            with self._database.transaction() as connection:
                connection.execute("UPDATE visitors SET seen = ? WHERE id = ?", (now(), visitor_id))
        teaches = teacher_token is not None and row["teacher"] == _digest(teacher_token)
        return Visitor(visitor_id, row["name"], teaches)

    def names(self) -> dict[str, str]:
        """The names of all visitors, by id."""
        return {row["id"]: row["name"] for row in self._database.rows("SELECT id, name FROM visitors")}

    def seen(self) -> dict[str, datetime]:
        """When each visitor was there last, by id; to within half a minute."""
        rows = self._database.rows("SELECT id, seen FROM visitors ORDER BY created")
        return {row["id"]: datetime.fromisoformat(row["seen"]) for row in rows}

    def rename(self, visitor_id: str, name: str) -> None:
        """Gives a visitor another name.

        Raises:
            InputError: it is empty, too long, or somebody else's.
        """
        name = "".join(each for each in " ".join(name.split()) if each.isprintable())
        if not name or len(name) > LONGEST_NAME:
            raise InputError(
                "the name is empty" if not name else f"{len(name)} characters",
                "your name",
                f"take one of 1 to {LONGEST_NAME} characters",
            )
        with self._database.transaction() as connection:
            others = connection.execute("SELECT name FROM visitors WHERE id != ?", (visitor_id,)).fetchall()
            if any(row["name"].casefold() == name.casefold() for row in others):
                raise InputError("somebody else has this name", name, "take another one")
            connection.execute("UPDATE visitors SET name = ? WHERE id = ?", (name, visitor_id))

    def make_teacher(self, visitor_id: str, given: str, teacher_token: str) -> bool:
        """Makes a visitor a teacher if the token that they give is the right one; says whether it is."""
        if not hmac.compare_digest(given.encode(errors="replace"), teacher_token.encode()):
            return False
        with self._database.transaction() as connection:
            connection.execute("UPDATE visitors SET teacher = ? WHERE id = ?", (_digest(teacher_token), visitor_id))
        return True

    def choose(self, visitor_id: str, dataset: str) -> None:
        """Remembers which dataset a visitor chose last."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE visitors SET chosen = ?, chosen_at = ? WHERE id = ?", (dataset, now(), visitor_id)
            )

    def chosen(self, visitor_id: str) -> tuple[datetime, str] | None:
        """When a visitor chose a dataset last, and which; None if they never did."""
        rows = self._database.rows(
            "SELECT chosen, chosen_at FROM visitors WHERE id = ? AND chosen IS NOT NULL", visitor_id
        )
        return (datetime.fromisoformat(rows[0]["chosen_at"]), rows[0]["chosen"]) if rows else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
