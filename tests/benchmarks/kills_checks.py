"""What must hold of a store whatever was killed, for ``tests.benchmarks.kills``."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from explorer.errors import InputError
from explorer.imagery.archive import content_hash
from explorer.landscape.slice import Slice, journal_path, read_journal
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.leftovers import remove_leftovers
from explorer.runs.records import JobStatus, RunStatus
from explorer.runs.store import Store
from explorer.runs.timeline import timeline
from explorer.runs.training import execute
from explorer.runs.uploads import Uploads
from explorer.training.checkpoints import load_checkpoint
from explorer.training.events import CheckpointSaved, Ended, Event, Started, Step, from_json
from tests.benchmarks.kills_server import RUNS_AT_ONCE, killed_plan
from tests.runs.tiny import tiny_dataset


@dataclass
class Acknowledged:
    """What the server has told its visitors."""

    runs: list[str] = field(default_factory=list)
    uploads: list[tuple[str, str, str]] = field(default_factory=list)  # token, name, digest
    datasets: list[str] = field(default_factory=list)

    def add(self, said: dict[str, Any]) -> None:
        """One line of the server."""
        if "run" in said:
            self.runs.append(said["run"])
        elif "upload" in said:
            self.uploads.append((said["upload"], said["name"], said["digest"]))
        elif "dataset" in said:
            self.datasets.append(said["dataset"])


@dataclass
class Findings:
    """What was seen so far."""

    reference: Sequence[Step]  # of a run that nobody disturbs
    wrong: list[str] = field(default_factory=list)
    runs: int = 0
    done: int = 0
    resumptions: int = 0
    most_lost: int = 0  # steps
    most_seconds: float = 0.0  # of training
    slices: int = 0
    slices_resumed: int = 0
    orphans: int = 0
    leftovers: int = 0
    points: dict[Path, int] = field(default_factory=dict)  # measured points of a slice that is not finished

    def note(self, what: str) -> None:
        """Something that must not be; each once."""
        if what not in self.wrong:
            self.wrong.append(what)

    def await_step(self, root: Path, seconds: float) -> float:
        """Waits until a run has made a step; gives how long that took."""
        store, began = Store(root), time.monotonic()
        try:
            while not any(record.step for record in store.runs()) and time.monotonic() < began + seconds:
                time.sleep(0.2)
        finally:
            store.close()
        return time.monotonic() - began

    def await_runs(self, root: Path, seconds: float) -> bool:
        """Waits until a run that is there now has ended; whether it has."""
        store, deadline = Store(root), time.monotonic() + seconds
        active = [record.id for record in store.runs() if record.status is not RunStatus.DONE]
        try:
            while active and time.monotonic() < deadline:
                if any(store.run(run_id).status is RunStatus.DONE for run_id in active):
                    return True
                time.sleep(0.2)
        finally:
            store.close()
        return not active


def reference_steps() -> list[Step]:
    """The steps of a run that nobody disturbs: with as many threads as a worker has, all others make the same."""
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // RUNS_AT_ONCE))
    with tempfile.TemporaryDirectory() as folder:
        dataset = tiny_dataset()
        run = RunFolder.create(Path(folder) / "run", killed_plan(), DatasetReference.to(dataset))
        return [event for event in execute(run, dataset, device="cpu") if isinstance(event, Step)]


def check_store(root: Path, acknowledged: Acknowledged, findings: Findings, when: str) -> None:
    """Reads all there is, while no server runs."""
    with sqlite3.connect(root / "store.sqlite") as connection:
        said = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    if said != [("ok",)]:
        findings.note(f"{when}: the database says {said}")
    store = Store(root)
    try:
        findings.runs, findings.done, findings.slices = 0, 0, 0
        findings.resumptions, findings.slices_resumed = 0, 0
        known = {record.id for record in store.runs()}
        for run_id in acknowledged.runs:
            if run_id not in known:
                findings.note(f"{when}: run {run_id} is gone")
        for record in store.runs():
            findings.runs += 1
            store.ingest(record.id)
            status, folder = store.run(record.id).status, store.folder(record.id)
            events = _check_events(folder, findings)
            if status in (RunStatus.FAILED, RunStatus.DIVERGED, RunStatus.STOPPED):
                findings.note(f"run {record.id}: {status} ({store.run(record.id).message})")
            if timeline(store.events(record.id)[1]) != timeline(events):
                findings.note(f"run {record.id}: the database has other events than the folder")
            if status is RunStatus.DONE:
                findings.done += 1
                _check_end(folder, events, findings)
            _check_slices(store, folder, findings)
        for job in (store.jobs.latest(run_id, file) for run_id, file in _jobs(root)):
            if job is not None and job.status is JobStatus.FAILED:
                findings.note(f"job {job.id} ({job.title}): failed, {job.message}")
        for dataset_id in acknowledged.datasets:
            try:
                if content_hash(store.dataset(dataset_id)) != dataset_id:
                    findings.note(f"dataset {dataset_id}: other content than its id")
            except InputError as error:
                findings.note(f"dataset {dataset_id}: {error}")
    finally:
        store.close()
    uploads = Uploads(root)
    for token, name, digest in acknowledged.uploads:
        try:
            content = uploads.kept_files(token, "images")[name].read_bytes()
        except (InputError, KeyError, OSError) as error:
            findings.note(f"upload {token}/{name}: {error!r}")
            continue
        if hashlib.sha256(content).hexdigest() != digest:
            findings.note(f"upload {token}/{name}: other bytes")
    findings.leftovers += remove_leftovers(root, older_than=-1.0)


def _jobs(root: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(root / "store.sqlite")
    try:
        return connection.execute("SELECT DISTINCT run_id, file FROM jobs").fetchall()
    finally:
        connection.close()


def _check_events(folder: RunFolder, findings: Findings) -> list[Event]:
    """Every line can be read, no step is missing or there twice, and each resumption begins at the last saved state."""
    run, events = folder.path.name, list[Event]()
    if folder.events_file.exists():
        for line in folder.events_file.read_bytes().rpartition(b"\n")[0].splitlines():
            try:
                events.append(from_json(line))
            except ValidationError:
                findings.note(f"run {run}: a line of its events cannot be read: {line[:80]!r}")
    saved = step = 0
    seconds = {0: 0.0}
    for event in events:
        match event:
            case Started():
                if event.step != saved:
                    findings.note(f"run {run}: it resumed from step {event.step}, saved was {saved}")
                findings.resumptions += step > 0
                findings.most_lost = max(findings.most_lost, step - event.step)
                lost = seconds.get(step, 0.0) - seconds.get(event.step, 0.0)
                findings.most_seconds = max(findings.most_seconds, lost)
                step = event.step
            case Step():
                if event.step != step + 1:
                    findings.note(f"run {run}: step {event.step} follows step {step}")
                step = event.step
                seconds[step] = event.seconds
            case CheckpointSaved():
                saved = event.step
            case _:
                pass
    held = [event for event in timeline(events) if isinstance(event, Step)]
    if held != list(findings.reference[: len(held)]):
        findings.note(f"run {run}: its steps are not those of a run that nobody disturbs")
    return events


def _check_end(folder: RunFolder, events: Sequence[Event], findings: Findings) -> None:
    run, last = folder.path.name, len(findings.reference)
    steps = [event.step for event in timeline(events) if isinstance(event, Step)]
    if len(steps) != last or not isinstance(events[-1], Ended):
        findings.note(f"run {run}: done after {len(steps)} of {last} steps")
    rows = [line.split(",") for line in folder.metrics_file.read_text().splitlines()[1:]]
    if [int(cells[0]) for cells in rows if cells[3] == "step"] != steps:
        findings.note(f"run {run}: its table has other steps than its events")
    if not folder.summary_file.is_file():
        findings.note(f"run {run}: there is no summary")
    for file in folder.checkpoint_files():
        try:
            load_checkpoint(file)
        except InputError as error:
            findings.note(f"run {run}: {error}")


def _check_slices(store: Store, folder: RunFolder, findings: Findings) -> None:
    """Finished slices can be read; of the others nothing that was measured is lost."""
    for file in sorted((folder.path / "slices").glob("*.npz")):
        findings.slices += 1
        try:
            found = Slice.load(file)
        except InputError as error:
            findings.note(f"slice {file.name}: {error}")
            continue
        if int(found.measured.sum()) < findings.points.get(file, 0):
            findings.note(f"slice {file.name}: fewer points than before")
        findings.slices_resumed += file in findings.points
    for part in sorted((folder.path / "slices").glob("*.npz.part")):
        file = part.with_suffix("")
        journal = read_journal(file)
        if journal is None:
            findings.note(f"slice {file.name}: its journal cannot be read ({journal_path(file).stat().st_size} bytes)")
            continue
        count = int(journal[1].measured.sum())
        if count < findings.points.get(file, 0):
            findings.note(f"slice {file.name}: {count} points, before {findings.points[file]}")
        findings.points[file] = count
