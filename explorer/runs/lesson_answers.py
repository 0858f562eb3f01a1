"""What the visitors of a class have guessed and answered in lessons; whoever asks learns what, never who."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime

from explorer.runs.database import Database
from explorer.runs.rows import now

Given = int | float | tuple[float, ...]
"""An option (from 0), a number, or the values of a line."""

_NONE = json.dumps(None)  # in the database: saw the result without an answer


class LessonAnswers:
    """All answers of a store. Safe to use from several threads.

    Args:
        database: of the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, visitor_id: str, lesson: str, step: int, given: Given | None, since: datetime) -> None:
        """Keeps an answer; a visitor's first one to a step since a moment counts, and replaces earlier ones.

        Args:
            visitor_id: who has given it.
            lesson: its slug.
            step: number in the lesson, from 0.
            given: the answer; None: the visitor has seen the result without one, so that what follows is no guess.
            since: from when on answers are those of the class that is there now.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO lesson_answers (visitor, lesson, step, answer, at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (visitor, lesson, step) DO UPDATE SET answer = excluded.answer, at = excluded.at "
                "WHERE at < ?",
                (visitor_id, lesson, step, json.dumps(given), now(), since.isoformat()),
            )

    def of_lesson(self, lesson: str, since: datetime) -> dict[int, list[Given]]:
        """The answers since a moment, by step, in the order of their values."""
        rows = self._database.rows(
            "SELECT step, answer FROM lesson_answers WHERE lesson = ? AND at >= ? AND answer <> ? "
            "ORDER BY step, answer",
            lesson,
            since.isoformat(),
            _NONE,
        )
        found: dict[int, list[Given]] = defaultdict(list)
        for row in rows:
            given = json.loads(row["answer"])
            found[row["step"]].append(tuple(given) if isinstance(given, list) else given)
        return dict(found)

    def lessons(self, since: datetime) -> dict[str, int]:
        """How many visitors have answered something in each lesson since a moment, by slug."""
        rows = self._database.rows(
            "SELECT lesson, count(DISTINCT visitor) AS visitors FROM lesson_answers WHERE at >= ? AND answer <> ? "
            "GROUP BY lesson",
            since.isoformat(),
            _NONE,
        )
        return {row["lesson"]: row["visitors"] for row in rows}
