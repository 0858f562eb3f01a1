"""All runs, datasets and jobs of an installation: a SQLite database for lists and events, folders for the rest.

The folder of a run is written by the one job that works on it; the database is written by the server alone, which
reads each run's ``events.jsonl`` from where it stopped. Offset and events are written in one transaction: every event
is stored exactly once, also when the server dies and comes back, and a run on another machine loses nothing
while there is no server. With a cluster, the store's folder must be visible to the workers at the same path.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import sqlite3
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from explorer.errors import InputError
from explorer.imagery.archive import content_hash, load_dataset, save_dataset
from explorer.imagery.scene import Dataset
from explorer.runs.belongings import Belongings
from explorer.runs.bin import Bin
from explorer.runs.class_state import ClassTable
from explorer.runs.database import Database
from explorer.runs.folder import DatasetReference, RunFolder, parse_lines
from explorer.runs.job_table import JobTable
from explorer.runs.leftovers import remove_leftovers, remove_unlisted
from explorer.runs.lesson_answers import LessonAnswers
from explorer.runs.linked_plans import LinkedPlans
from explorer.runs.names import as_read, numbered
from explorer.runs.records import DatasetRecord, RunRecord, RunStatus
from explorer.runs.requests import PlannedRun
from explorer.runs.rows import dataset_record, now, run_record
from explorer.runs.saved_links import SavedLinks
from explorer.runs.taking_in import status_after, whole_lines
from explorer.runs.turns import Waiting, in_turn
from explorer.runs.usage import Usage
from explorer.runs.visitors import Visitors
from explorer.training.events import Event, from_json, to_json
from explorer.training.plan import Plan

_RUNS = "SELECT runs.*, datasets.name AS dataset_name FROM runs JOIN datasets ON datasets.id = runs.dataset_id"


class Store:
    """Everything that users have made. Safe to use from several threads.

    Args:
        root: folder of the database, the datasets and the runs; made if it is not there.

    Raises:
        InputError: the folder cannot be made or written, or its database cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)  # uploads are nobody else's on this machine
            for folder in ("datasets", "runs"):
                (self.root / folder).mkdir(exist_ok=True)
            self._database = Database(self.root / "store.sqlite")
            self.jobs = JobTable(self._database)
            self.visitors = Visitors(self._database)
            self.belongings = Belongings(self._database)
            self.bin = Bin(self._database, self.root)
            self.usage = Usage(self._database, self.root)
            self.bin.put_back()
            self.class_table = ClassTable(self._database)
            self.lesson_answers = LessonAnswers(self._database)
            self.linked_plans = LinkedPlans(self._database)
            self.saved_links = SavedLinks(self._database)
        except (OSError, sqlite3.Error) as error:
            remedy = "make it writable, or set EXPLORER_STORE to a folder that is"
            raise InputError(f"the store cannot be used ({error})", str(root), remedy) from None

    def remove_leftovers(self) -> None:
        """Removes what killed processes have left, once it is old enough that nobody can be at work on it."""
        remove_leftovers(self.root)
        remove_unlisted(self._database, self.root)

    @property
    def id(self) -> str:
        """Distinguishes this store from others, for example from that of another server on the same cluster."""
        return str(self._database.rows("SELECT id FROM store")[0]["id"])

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    # Datasets ---------------------------------------------------------------------------------------------

    def save_dataset(self, dataset: Dataset, owner: str | None = None) -> str:
        """Keeps a dataset and gives its id; the same pixels, labels and split of one owner have the same id.

        No two datasets of an owner have one name: where another one has it, also in other case, this one gets a number,
        which it keeps. An example that nobody has changed stays one.

        Args:
            dataset: to keep.
            owner: id of the visitor whose it is; None: an example.
        """
        for name in numbered(dataset.name):
            named = replace(dataset, name=name)
            reference = DatasetReference.to(named)
            if owner is not None and reference.id in self._datasets_named(name, None):
                return reference.id  # an example, unchanged
            dataset_id = _id_of(reference.id, owner)
            path = self.dataset_file(dataset_id)
            alike = self._datasets_named(name, owner)
            kept = self._kept_as(dataset, {dataset_id, *alike}, owner)
            if kept is not None and self._list_again(kept):
                return kept
            if alike:
                continue
            if path.exists():
                path.touch()  # a file that a kill has left unlisted is not removed at this moment
            else:
                save_dataset(named, path)
            with self._database.transaction() as connection:  # others save, too: look again
                alike = self._datasets_named(name, owner)
                if not alike:
                    connection.execute(
                        "INSERT INTO datasets (id, name, reference, scenes, created, owner) VALUES (?, ?, ?, ?, ?, ?)",
                        (dataset_id, name, reference.model_dump_json(), len(dataset.scenes), now(), owner),
                    )
            if not alike or dataset_id in alike:
                return dataset_id
            path.unlink(missing_ok=True)
        raise AssertionError("numbers end")

    def _datasets_named(self, name: str, owner: str | None) -> set[str]:
        """Ids of the datasets of an owner whose name reads the same."""
        rows = self._database.rows("SELECT id, name FROM datasets WHERE owner IS ?", owner)
        return {row["id"] for row in rows if as_read(row["name"]) == as_read(name)}

    def _kept_as(self, dataset: Dataset, candidates: Collection[str], owner: str | None) -> str | None:
        """Which of these datasets is this one: its id is that of the name under which it was saved at first."""
        for dataset_id in candidates:
            for row in self._database.rows("SELECT reference FROM datasets WHERE id = ?", dataset_id):
                first = DatasetReference.model_validate_json(row["reference"]).name
                if _id_of(content_hash(replace(dataset, name=first)), owner) == dataset_id:
                    return dataset_id
        return None

    def _list_again(self, dataset_id: str) -> bool:
        """Lists a dataset that was deleted or archived, since it was saved again; false if it has been removed."""
        with self._database.transaction() as connection:
            listed = connection.execute(
                "UPDATE datasets SET deleted = NULL, archived = 0, used = ? WHERE id = ?", (now(), dataset_id)
            )
            return listed.rowcount > 0

    def dataset(self, dataset_id: str) -> Dataset:
        """The dataset under the name by which it is listed; its pixels stay on the disk until they are looked at, and
        cannot be changed.

        Raises:
            InputError: there is none with this id.
        """
        name = self.dataset_record(dataset_id).name
        return replace(load_dataset(self.dataset_file(dataset_id), mapped=True), name=name)

    def dataset_file(self, dataset_id: str) -> Path:
        """Where a dataset is kept."""
        return self.root / "datasets" / f"{dataset_id}.npz"

    def datasets(self) -> list[DatasetRecord]:
        """All datasets, newest first, but for those that were deleted."""
        rows = self._database.rows("SELECT * FROM datasets WHERE deleted IS NULL ORDER BY created DESC, rowid DESC")
        return [dataset_record(row) for row in rows]

    def dataset_record(self, dataset_id: str) -> DatasetRecord:
        """One dataset as it is listed.

        Raises:
            InputError: there is none with this id.
        """
        rows = self._database.rows("SELECT * FROM datasets WHERE id = ?", dataset_id)
        if not rows:
            raise InputError("there is no such dataset", dataset_id, "choose one of the list")
        return dataset_record(rows[0])

    def _reference(self, dataset_id: str) -> DatasetReference:
        rows = self._database.rows("SELECT reference FROM datasets WHERE id = ?", dataset_id)
        if not rows:
            raise InputError("there is no such dataset", dataset_id, "choose one of the list")
        return DatasetReference.model_validate_json(rows[0]["reference"])

    # Runs -------------------------------------------------------------------------------------------------

    def create_run(
        self,
        plan: Plan,
        dataset_id: str,
        group: str | None = None,
        planned: PlannedRun | None = None,
        owner: str | None = None,
    ) -> RunRecord:
        """A run that has not begun; it is paused until it is submitted.

        Args:
            plan: what to do.
            dataset_id: what to train on.
            group: runs that are to be compared share one.
            planned: what was asked for, and why the plan is as it is; None: not known.
            owner: id of the visitor whose it is; None: everybody's.

        Raises:
            InputError: there is no dataset with this id.
        """
        run_id = secrets.token_hex(6)
        RunFolder.create(self.root / "runs" / run_id, plan, self._reference(dataset_id), planned)
        with self._database.transaction() as connection:
            connection.execute(
                'INSERT INTO runs (id, name, status, dataset_id, plan, created, "group", owner) '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (run_id, plan.name, RunStatus.PAUSED, dataset_id, plan.model_dump_json(), now(), group, owner),
            )
        return self.run(run_id)

    def add_example(self, run_id: str, source: RunFolder, dataset_id: str, group: str) -> None:
        """Copies a finished run that comes with the app, unless it is there; it is nobody's, and stays as it is.

        Args:
            run_id: its id in every store.
            source: its folder; the run has ended.
            dataset_id: that it was trained on.
            group: runs that are to be compared share one.

        Raises:
            InputError: there is no dataset with this id, or the folder is no run.
        """
        if self._database.rows("SELECT id FROM runs WHERE id = ?", run_id):
            return
        self.dataset_record(dataset_id)
        plan, target = source.plan(), self.root / "runs" / run_id
        shutil.rmtree(target, ignore_errors=True)  # what a kill has left of an earlier copy
        shutil.copytree(source.path, target, copy_function=shutil.copyfile)  # with new times: it is no leftover
        with self._database.transaction() as connection:
            connection.execute(
                'INSERT INTO runs (id, name, status, dataset_id, plan, created, used, "group", example) '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
                (run_id, plan.name, RunStatus.PAUSED, dataset_id, plan.model_dump_json(), now(), now(), group),
            )
        self.ingest(run_id)

    def runs(self) -> list[RunRecord]:
        """All runs, newest first, but for those that were deleted."""
        rows = self._database.rows(f"{_RUNS} WHERE runs.deleted IS NULL ORDER BY runs.created DESC, runs.rowid DESC")
        return [run_record(row) for row in rows]

    def run(self, run_id: str) -> RunRecord:
        """One run.

        Raises:
            InputError: there is none with this id.
        """
        rows = self._database.rows(f"{_RUNS} WHERE runs.id = ?", run_id)
        if not rows:
            raise InputError("there is no such run", run_id, "choose one of the list")
        return run_record(rows[0])

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

    def set_key(self, run_id: str, key: str | None) -> None:
        """Stores the name by which the cluster knows the run's current job."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE runs SET job = ? WHERE id = ?", (key, run_id))

    def run_keys(self) -> dict[str, str]:
        """Those names, by run, of jobs that have not been seen to end."""
        rows = self._database.rows("SELECT id, job FROM runs WHERE job IS NOT NULL ORDER BY created")
        return {row["id"]: row["job"] for row in rows}

    def enqueue(self, run_id: str) -> None:
        """Puts a run at the end of the queue."""
        with self._database.transaction() as connection:
            last = connection.execute("SELECT max(queued) FROM runs").fetchone()[0] or 0
            connection.execute("UPDATE runs SET queued = ? WHERE id = ?", (last + 1, run_id))

    def queue(self) -> list[Waiting]:
        """The runs that wait for a slot, the next one first: by visitor in turn, see ``explorer.runs.turns``."""
        rows = self._database.rows(
            "SELECT id, owner, queued, json_extract(plan, '$.seconds') AS seconds FROM runs WHERE status = ?",
            RunStatus.QUEUED,
        )
        turns = self._database.rows("SELECT owner, max(turn) AS turn FROM runs WHERE turn IS NOT NULL GROUP BY owner")
        waiting = [Waiting(row["id"], row["owner"], row["queued"], row["seconds"]) for row in rows]
        return in_turn(waiting, {row["owner"]: row["turn"] for row in turns})

    def take_turn(self, run_id: str) -> None:
        """Notes that a run starts now: its visitor has had a turn."""
        with self._database.transaction() as connection:
            last = connection.execute("SELECT max(turn) FROM runs").fetchone()[0] or 0
            connection.execute("UPDATE runs SET turn = ? WHERE id = ?", (last + 1, run_id))

    # Events -----------------------------------------------------------------------------------------------

    def events(self, run_id: str, after: int = 0) -> tuple[int, list[Event]]:
        """The events that were stored after a cursor, oldest first, superseded ones among them.

        Args:
            run_id: of the run.
            after: the cursor that the last call gave; 0 for all.

        Returns:
            The new cursor and the events. ``History`` knows which of them still hold.
        """
        rows = self._database.rows("SELECT id, line FROM events WHERE run_id = ? AND id > ? ORDER BY id", run_id, after)
        return rows[-1]["id"] if rows else after, [from_json(row["line"]) for row in rows]

    def ingest(self, run_id: str) -> int:
        """Stores the events that the run's job has written since the last time, and gives their number.

        Raises:
            InputError: there is no run with this id.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT offset, status, step, message FROM runs WHERE id = ?", (run_id,)
            ).fetchone()
            if row is None:
                raise InputError("there is no such run", run_id, "choose one of the list")
            lines = whole_lines(self.root / "runs" / run_id / "events.jsonl", row["offset"])
            if not lines:
                return 0
            events = parse_lines(lines)
            connection.executemany(
                "INSERT INTO events (run_id, line) VALUES (?, ?)", ((run_id, to_json(event)) for event in events)
            )
            status, step, message = RunStatus(row["status"]), row["step"], row["message"]
            for event in events:
                status, step, message = status_after(event, status, message)
            connection.execute(
                "UPDATE runs SET offset = ?, status = ?, step = ?, message = ? WHERE id = ?",
                (row["offset"] + len(lines), status, step, message, run_id),
            )
        return len(events)


def _id_of(content: str, owner: str | None) -> str:
    """The id of a dataset: the hash of its content, and of its owner, so that nobody can tell what others have."""
    if owner is None:
        return content
    return hashlib.blake2b(f"{content} {owner}".encode(), digest_size=len(content) // 2).hexdigest()
