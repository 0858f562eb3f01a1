"""Carries on from a finished run: a run of one's own with its history and weights, and its plan one cycle longer.

The finished run stays as it is. Its last checkpoint is a compact one, without the optimiser's moments: the new cycle
begins with a fresh optimiser, which the run's log says.
"""

from __future__ import annotations

import shutil

from explorer.errors import InputError
from explorer.runs.records import RunRecord
from explorer.runs.store import Store
from explorer.runs.timeline import timeline
from explorer.training.events import CheckpointSaved, Ended, Event, Note, Paused, PhaseChange, to_json

_NAME = "{name}, carried on"
_LONGEST_NAME = 80  # of a plan
_FRESH = "Carried on from a finished run, with a fresh optimiser; what came before is its history."


def carry_on(store: Store, run_id: str, owner: str) -> RunRecord:
    """A paused run that goes on where a finished one has ended.

    Args:
        store: of both.
        run_id: of the finished run.
        owner: id of the visitor whose the new run is.

    Raises:
        InputError: there is no such run, or it has not come to the end of its plan.
    """
    record, source = store.run(run_id), store.folder(run_id)
    held = timeline(source.events())
    files = source.checkpoint_files()
    if not held or not isinstance(held[-1], Ended) or held[-1].reason != "done" or not files:
        raise InputError("the run has not come to the end of its plan", record.name, "resume it, or choose another")
    last = next(event for event in reversed(held) if isinstance(event, CheckpointSaved))
    name = _NAME.format(name=record.plan.name)[:_LONGEST_NAME]
    plan = record.plan.model_copy(update={"name": name, "cycles": record.plan.cycles + 1, "seconds": None})
    begun = store.create_run(plan, record.dataset_id, owner=owner)
    folder = store.folder(begun.id)
    for part in (source.checkpoints, source.previews):
        shutil.copytree(part, folder.path / part.name, copy_function=shutil.copyfile)
    before: list[Event] = [event for event in held if event is not last and not isinstance(event, Ended)]
    turn = PhaseChange(last.step, 0, record.plan.cycles, "the finished run has ended")
    events = [*before, Note(last.step, _FRESH), turn, last, Paused(last.step)]
    folder.events_file.write_text("".join(f"{to_json(event)}\n" for event in events), encoding="utf-8")
    store.ingest(begun.id)
    return store.run(begun.id)
