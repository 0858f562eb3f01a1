"""The jobs that leave a file in a run's folder, such as slices and sweeps: which wait, which work, how they ended."""

from __future__ import annotations

import secrets

from explorer.errors import InputError
from explorer.runs.database import Database
from explorer.runs.records import JobRecord, JobStatus
from explorer.runs.rows import job_record, now

_ACTIVE = f"('{JobStatus.QUEUED}', '{JobStatus.RUNNING}')"


class JobTable:
    """Those jobs in the store's database. Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, kind: str, run_id: str, file: str, title: str, owner: str | None = None) -> tuple[JobRecord, bool]:
        """A job that has not begun; the active one for this file, if there is one.

        Args:
            kind: the class in ``explorer.jobs.registry``.
            run_id: of the run in whose folder the file will lie.
            file: relative to that folder.
            title: in words, for lists.
            owner: id of the visitor who orders it.

        Returns:
            The job, and whether it is new.
        """
        with self._database.transaction() as connection:
            active = connection.execute(
                f"SELECT * FROM jobs WHERE run_id = ? AND file = ? AND status IN {_ACTIVE}", (run_id, file)
            ).fetchone()
            if active is not None:
                return job_record(active), False
            row = (secrets.token_hex(6), kind, run_id, file, title, JobStatus.QUEUED, now(), owner)
            connection.execute(
                "INSERT INTO jobs (id, kind, run_id, file, title, status, created, owner) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        return self.get(row[0]), True

    def get(self, job_id: str) -> JobRecord:
        """One job.

        Raises:
            InputError: there is none with this id.
        """
        rows = self._database.rows("SELECT * FROM jobs WHERE id = ?", job_id)
        if not rows:
            raise InputError("there is no such job", job_id, "order it again")
        return job_record(rows[0])

    def latest(self, run_id: str, file: str) -> JobRecord | None:
        """The latest job for a file of a run; None if there has been none."""
        rows = self._database.rows(
            "SELECT * FROM jobs WHERE run_id = ? AND file = ? ORDER BY rowid DESC LIMIT 1", run_id, file
        )
        return job_record(rows[0]) if rows else None

    def active(self, run_id: str | None = None) -> list[JobRecord]:
        """The jobs that wait or work, oldest first; of one run, if it is given."""
        of_run = "AND run_id = ?" if run_id is not None else ""
        values = (run_id,) if run_id is not None else ()
        rows = self._database.rows(f"SELECT * FROM jobs WHERE status IN {_ACTIVE} {of_run} ORDER BY rowid", *values)
        return [job_record(row) for row in rows]

    def set_status(self, job_id: str, status: JobStatus, message: str = "") -> None:
        """Changes the status of a job that is active; one that has ended keeps its status."""
        with self._database.transaction() as connection:
            connection.execute(
                f"UPDATE jobs SET status = ?, message = ? WHERE id = ? AND status IN {_ACTIVE}",
                (status, message, job_id),
            )

    def set_key(self, job_id: str, key: str) -> None:
        """Stores the name by which the cluster knows the job."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE jobs SET key = ? WHERE id = ?", (key, job_id))

    def keys(self) -> dict[str, str | None]:
        """Those names, by job, of jobs that are active."""
        return {
            row["id"]: row["key"] for row in self._database.rows(f"SELECT id, key FROM jobs WHERE status IN {_ACTIVE}")
        }
