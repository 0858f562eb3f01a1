"""The server of ``tests.benchmarks.kills``: trains, measures slices, keeps uploads, saves datasets, until it is killed.

What it has acknowledged to a visitor, it prints as a line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.errors import InputError
from explorer.imagery.archive import content_hash
from explorer.imagery.assembly import make_dataset
from explorer.jobs.engine import Engine
from explorer.jobs.registry import MeasureSlice
from explorer.landscape.plane_kinds import PlaneSpec
from explorer.landscape.slice_meta import SliceRequest
from explorer.runs.records import JobStatus, RunStatus
from explorer.runs.store import Store
from explorer.runs.uploads import Uploads
from explorer.settings import Settings
from explorer.training.plan import Plan
from tests.runs.tiny import tiny_dataset, tiny_plan

RUNS_AT_ONCE = 2
CHECKPOINT_STEPS = 50
_UPLOAD_BYTES = 400_000
_lock = threading.Lock()


def killed_plan() -> Plan:
    """What all runs train: small steps for some ten seconds."""
    return tiny_plan(150)


def slice_request(index: int, checkpoint: str) -> SliceRequest:
    """Another plane for each number."""
    return SliceRequest(
        plane=PlaneSpec(kind="random", seed=index), checkpoint=checkpoint, resolution=15, tolerance=0.001
    )


def say(**what: object) -> None:
    """Tells the parent what a visitor would have been told."""
    with _lock:
        print(json.dumps(what), flush=True)


def keep_training(store: Store, engine: Engine) -> None:
    """Resumes what was interrupted, as a visitor would, and starts new runs when others end."""
    runs = store.runs()
    for record in runs:
        if record.status is RunStatus.INTERRUPTED:
            engine.submit(record.id)
    if sum(record.status.active for record in runs) < RUNS_AT_ONCE:
        run = store.create_run(killed_plan(), store.save_dataset(tiny_dataset()))
        say(run=run.id)
        engine.submit(run.id)


def keep_measuring(store: Store, engine: Engine) -> None:
    """Orders the slices that were interrupted again, and a new one where none is at work."""
    if store.jobs.active():
        return
    for record in reversed(store.runs()):
        folder = store.folder(record.id)
        checkpoints = folder.checkpoint_files()
        if len(checkpoints) < 3:
            continue
        for index in range(100):
            wanted = slice_request(index, checkpoints[1].name)
            job = MeasureSlice(folder.path, store.dataset_file(record.dataset_id), "cpu", wanted)
            last = store.jobs.latest(record.id, str(job.file.relative_to(folder.path)))
            if last is None or last.status is not JobStatus.DONE:
                engine.order(job)
                return


def keep_uploading(uploads: Uploads) -> None:
    """Adds a file to an upload."""
    token, content = uploads.begin(), os.urandom(_UPLOAD_BYTES)
    for number in range(3):
        (kept,) = uploads.add(token, "images", [(f"{number}.png", content[number:])])
        if isinstance(kept, InputError):
            raise kept
        say(upload=token, name=kept, digest=hashlib.sha256(content[number:]).hexdigest())
    time.sleep(0.3)


def keep_saving(store: Store) -> None:
    """Saves another dataset."""
    made = tiny_dataset()
    noise = np.frombuffer(os.urandom(made.scenes[0].image.nbytes), np.uint8).reshape(made.scenes[0].image.shape)
    scenes = (replace(made.scenes[0], image=noise), *made.scenes[1:])
    dataset = make_dataset(f"noise {os.urandom(4).hex()}", scenes, made.classes)
    say(dataset=store.save_dataset(dataset), content=content_hash(dataset))
    time.sleep(0.5)


def repeat(work: Callable[[], None], pause: float) -> None:
    """Does something again and again; a fault ends the server, which the parent notices."""
    while True:
        try:
            work()
        except BaseException as fault:
            say(fault=repr(fault))
            raise
        time.sleep(pause)


def serve(root: Path) -> None:
    """Until it is killed."""
    store = Store(root)
    engine = Engine(store, Settings(cpu_slots=RUNS_AT_ONCE, checkpoint_steps=CHECKPOINT_STEPS))
    uploads = Uploads(root)
    say(ready=True)
    for work, pause in (
        (lambda: keep_training(store, engine), 0.2),
        (lambda: keep_measuring(store, engine), 0.2),
        (lambda: keep_uploading(uploads), 0.1),
        (lambda: keep_saving(store), 0.1),
    ):
        threading.Thread(target=repeat, args=(work, pause), daemon=True).start()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
