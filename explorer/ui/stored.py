"""What the page Storage lists, as rows: what the visitor has and may see, with its size, and filters on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from explorer.runs.belongings import Kind
from explorer.runs.bin import expires
from explorer.runs.names import as_read
from explorer.runs.ownership import is_of, is_seen_by, may_manage
from explorer.runs.prediction_names import name_of
from explorer.runs.records import DatasetRecord, RunRecord
from explorer.runs.usage import Taken, in_words
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.datasets import is_builtin
from explorer.ui.identity import may_look_at, visitor

MINE, CLASS, EXAMPLES = "Mine", "Of the class", "Examples"
WHOSE = (MINE, CLASS, EXAMPLES)
"""Groups of what is listed."""

KINDS = {"run": "Runs", "dataset": "Datasets", "upload": "Uploads", "measurement": "Slices, sweeps, predictions"}
"""What is listed, as filters read."""


@dataclass(frozen=True)
class Stored:
    """One row."""

    kind: str  # key of KINDS
    id: str  # of the run or dataset; the upload's token; of a measurement, the run's
    name: str
    group: str  # one of WHOSE
    whose: str  # in words
    size: int | None  # bytes; None: that of somebody else's, which takes nothing of one's share
    created: datetime  # with time zone
    about: str
    tags: tuple[str, ...] = ()
    archived: bool = False
    shared: bool = False
    may_change: bool = False
    expires: datetime | None = None  # when it goes to the bin
    file: str = ""  # of a measurement, in the run's folder

    @property
    def item(self) -> tuple[Kind, str] | None:
        """Kind and id of a run or dataset that the visitor may change."""
        if not self.may_change or self.kind not in ("run", "dataset"):
            return None
        return ("run" if self.kind == "run" else "dataset"), self.id


def stored(taken: Taken) -> list[Stored]:
    """Everything that the visitor has, then what is shared with them, then examples; of each the newest first.

    Args:
        taken: by the visitor.
    """
    store, me = services.store(), visitor()
    runs = [run for run in store.runs() if is_seen_by(run, me) and may_look_at(run)]
    datasets = [dataset for dataset in store.datasets() if is_seen_by(dataset, me)]
    used = {run.dataset_id for run in store.runs()}
    own = {run.id: run for run in runs if is_of(run, me)}
    measured = {
        (each.run_id, each.file): each
        for each in (*store.usage.ordered(own), *store.usage.ordered(owner=me.id))
        if each.run_id in own or each.owner == me.id
    }
    parts = dict.fromkeys(own, 0)  # bytes of runs that are listed by themselves
    for (run_id, _), each in measured.items():
        if run_id in parts and each.owner in (None, me.id):
            parts[run_id] += each.bytes
    names = store.visitors.names()
    rows = [_row("run", run, taken.runs.get(run.id, 0) - parts.get(run.id, 0), names) for run in runs]
    rows += [
        _row("dataset", dataset, taken.datasets.get(dataset.id, 0), names, dataset.id in used) for dataset in datasets
    ]
    rows += [
        Stored(
            "measurement",
            run_id,
            each.title,
            MINE,
            "mine" if each.owner in (None, me.id) else f"ordered by {names.get(each.owner, 'somebody else')}",
            each.bytes if each.owner in (None, me.id) else None,
            each.created,
            f"on {own[run_id].name}" if run_id in own else "on a run of somebody else",
            may_change=True,
            file=file,
        )
        for (run_id, file), each in measured.items()
    ]
    rows += [_upload(token, size) for token, size in taken.uploads.items()]
    rows.sort(key=lambda row: row.created, reverse=True)
    return sorted(rows, key=lambda row: WHOSE.index(row.group))


def filtered(
    rows: Sequence[Stored], text: str, groups: Sequence[str], kinds: Sequence[str], tags: Sequence[str], archived: bool
) -> list[Stored]:
    """The rows that a visitor wants to see.

    Args:
        rows: all.
        text: part of the name, of a tag or of what is said about it; "" for all.
        groups: of ``WHOSE``; none for all.
        kinds: keys of ``KINDS``; none for all.
        tags: all of which it must have.
        archived: whether only what is archived is wanted; else, only what is not.
    """
    wanted = as_read(text)
    return [
        row
        for row in rows
        if (not groups or row.group in groups)
        and (not kinds or row.kind in kinds)
        and set(tags) <= set(row.tags)
        and row.archived == archived
        and wanted in as_read(f"{row.name} {row.about} {' '.join(row.tags)}")
    ]


def table(rows: Sequence[Stored], with_expiry: bool) -> list[dict[str, Any]]:
    """The rows as a page shows them."""
    return [
        {
            "kind": _kind(row),
            "name": row.name,
            "MiB": None if row.size is None else row.size / 2**20,
            "whose": row.whose,
            "made": row.created,
            "about": row.about,
            "tags": list(row.tags),
        }
        | ({"expires": row.expires} if with_expiry else {})
        for row in rows
    ]


def shares(taken: Taken, in_bin: int) -> str:
    """What takes how much, in a sentence."""
    parts = {
        "runs": sum(taken.runs.values()),
        "datasets": sum(taken.datasets.values()),
        "uploads": sum(taken.uploads.values()),
        "slices, sweeps and predictions on runs of others": taken.elsewhere,
    }
    said = ", ".join(f"{name} {in_words(size)}" for name, size in parts.items() if size) or "nothing yet"
    return f"{said[:1].upper()}{said[1:]}" + (f"; {in_words(in_bin)} of it lie in the bin." if in_bin else ".")


def _kind(row: Stored) -> str:
    if row.kind != "measurement":
        return row.kind
    return "prediction" if name_of(row.file) else "slice or sweep"


def _row(
    kind: Kind, record: RunRecord | DatasetRecord, size: int, names: dict[str, str], needed: bool = False
) -> Stored:
    me = visitor()
    own = is_of(record, me)
    if own:
        whose = "mine, shared with the class" if record.shared else "mine"
    elif record.owner is None:
        whose = "example" if kind == "dataset" else "everybody's"
    else:
        whose = f"shared by {names.get(record.owner, 'somebody else')}"
    built_in = kind == "dataset" and record.owner is None and is_builtin(record.id)
    return Stored(
        kind,
        record.id,
        record.name,
        MINE if own else EXAMPLES if record.owner is None else CLASS,
        whose,
        size if own else None,
        record.created,
        f"{record.status}, step {record.step}, on {record.dataset_name}"
        if isinstance(record, RunRecord)
        else f"{record.scenes} scene{'s' if record.scenes > 1 else ''}",
        record.tags,
        record.archived,
        record.shared,
        may_manage(record, me) and not built_in,
        expires(record, settings().expiry_days, needed) if own else None,
    )


def _upload(token: str, size: int) -> Stored:
    changed, files = services.uploads().changed(token), services.uploads().files(token)
    name = f"{files[0].name} and {len(files) - 1} more" if len(files) > 1 else files[0].name if files else "empty"
    days = f"kept for {settings().upload_days:g} days, not used yet"
    return Stored("upload", token, name, MINE, "mine", size, changed, days, may_change=True)
