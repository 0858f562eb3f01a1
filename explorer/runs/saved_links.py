"""Links that visitors have saved, each in a list of their own that can be presented.

A list has a key that cannot be guessed: whoever has it can present the list, and nobody but its visitor changes it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from secrets import token_urlsafe

from explorer.errors import InputError
from explorer.runs.database import Database

MOST_LINKS = 100
LONGEST_SENTENCE = 200  # characters
LONGEST_QUERY = 12_000  # likewise
_KEY_BYTES = 9


@dataclass(frozen=True)
class SavedLink:
    """One link of a visitor's list."""

    id: int
    place: int  # in the list; links are shown in ascending order, numbers may be missing
    say: str  # the sentence that stands above it
    page: str  # name of the page as its address has it
    query: str  # what comes after "?", percent-encoded
    whole: bool  # the page is shown with its controls instead of its picture alone


class SavedLinks:
    """The lists of all visitors. Safe to use from several threads.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, visitor_id: str, page: str, query: str, say: str) -> SavedLink:
        """Adds a link at the end of a visitor's list.

        Raises:
            InputError: the list is full, or the link is too long.
        """
        if len(query) > LONGEST_QUERY:
            raise InputError(
                f"{len(query)} characters, at most {LONGEST_QUERY} can be kept", "the link", "show less on the page"
            )
        with self._database.transaction() as connection:
            count, last = connection.execute(
                "SELECT count(*), coalesce(max(place), 0) FROM saved_links WHERE visitor = ?", (visitor_id,)
            ).fetchone()
            if count >= MOST_LINKS:
                raise InputError(
                    f"{count} links, which is the most that a list holds", "your saved links", "remove one on Home"
                )
            cursor = connection.execute(
                "INSERT INTO saved_links (visitor, place, say, page, query, whole) VALUES (?, ?, ?, ?, ?, 0)",
                (visitor_id, last + 1, _sentence(say), page, query),
            )
        return SavedLink(int(cursor.lastrowid or 0), last + 1, _sentence(say), page, query, False)

    def of(self, visitor_id: str) -> tuple[SavedLink, ...]:
        """A visitor's links, in order."""
        rows = self._database.rows("SELECT * FROM saved_links WHERE visitor = ? ORDER BY place", visitor_id)
        return tuple(_link(row) for row in rows)

    def change(self, visitor_id: str, link: SavedLink) -> None:
        """Replaces the sentence and ``whole`` of one of the visitor's links.

        Raises:
            InputError: the sentence is empty.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE saved_links SET say = ?, whole = ? WHERE visitor = ? AND id = ?",
                (_sentence(link.say), link.whole, visitor_id, link.id),
            )

    def exchange(self, visitor_id: str, first: SavedLink, second: SavedLink) -> None:
        """Lets two of the visitor's links change places."""
        with self._database.transaction() as connection:
            for link, place in ((first, second.place), (second, first.place)):
                connection.execute(
                    "UPDATE saved_links SET place = ? WHERE visitor = ? AND id = ?", (place, visitor_id, link.id)
                )

    def remove(self, visitor_id: str, link: SavedLink) -> None:
        """Takes a link out of the visitor's list."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM saved_links WHERE visitor = ? AND id = ?", (visitor_id, link.id))

    def put_back(self, visitor_id: str, link: SavedLink) -> None:
        """Puts a removed link where it was in the visitor's list."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO saved_links (id, visitor, place, say, page, query, whole) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (link.id, visitor_id, link.place, link.say, link.page, link.query, link.whole),
            )

    def key(self, visitor_id: str) -> str:
        """The key of a visitor's list, which its first call makes."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO link_lists (visitor, key) VALUES (?, ?)",
                (visitor_id, token_urlsafe(_KEY_BYTES)),
            )
        return str(self._database.rows("SELECT key FROM link_lists WHERE visitor = ?", visitor_id)[0]["key"])

    def of_key(self, key: str) -> tuple[SavedLink, ...]:
        """The links of the list that has a key; none if there is no such list."""
        for row in self._database.rows("SELECT visitor FROM link_lists WHERE key = ?", key):
            return self.of(row["visitor"])
        return ()


def _sentence(text: str) -> str:
    text = " ".join(text.split())[:LONGEST_SENTENCE]
    if not text:
        raise InputError("it is empty", "the sentence of a saved link", "write what its picture shows")
    return text


def _link(row: sqlite3.Row) -> SavedLink:
    return SavedLink(row["id"], row["place"], row["say"], row["page"], row["query"], bool(row["whole"]))
