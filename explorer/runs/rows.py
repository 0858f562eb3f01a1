"""Rows of the database as records."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from explorer.runs.folder import DatasetReference
from explorer.runs.records import DatasetRecord, JobRecord, JobStatus, RunRecord, RunStatus
from explorer.training.plan import Plan


def now() -> str:
    """This moment, as the database holds it."""
    return datetime.now(UTC).isoformat()


def dataset_record(row: sqlite3.Row) -> DatasetRecord:
    """A row of the table of datasets."""
    reference = DatasetReference.model_validate_json(row["reference"])
    created = datetime.fromisoformat(row["created"])
    return DatasetRecord(
        row["id"], row["name"], reference.classes, reference.bands, row["scenes"], created, **_kept(row)
    )


def job_record(row: sqlite3.Row) -> JobRecord:
    """A row of the table of jobs."""
    return JobRecord(
        row["id"],
        row["kind"],
        row["run_id"],
        row["file"],
        row["title"],
        JobStatus(row["status"]),
        row["message"],
        datetime.fromisoformat(row["created"]),
        row["owner"],
    )


def run_record(row: sqlite3.Row) -> RunRecord:
    """A row of the table of runs, with the name of its dataset."""
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
        **_kept(row),
        example=bool(row["example"]),
    )


def _kept(row: sqlite3.Row) -> dict[str, Any]:
    """What runs and datasets have in common: whose they are, and how they are listed."""
    return {
        "owner": row["owner"],
        "shared": bool(row["shared"]),
        "archived": bool(row["archived"]),
        "deleted": None if row["deleted"] is None else datetime.fromisoformat(row["deleted"]),
        "tags": tuple(json.loads(row["tags"])),
        "used": datetime.fromisoformat(row["used"] or row["created"]),
    }
