"""The results of a class as one zip: per visitor and run its plan, its summary and its table, and an index of all.

No pixels leave the server with it: no images, labels, predictions or checkpoints. Of imagery that its owner has not
shared, the names of dataset, scenes and classes are left out, too.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.runs.folder import RunFolder
from explorer.runs.records import RunRecord
from explorer.runs.timeline import timeline
from explorer.training.events import Event, Validation

OWN_IMAGERY = "own imagery"
"""Stands for the name of a dataset that its owner has not shared."""

INDEX = (
    "visitor", "run", "plan", "dataset", "status", "steps",
    "class", "recall", "precision", "f1", "counted", "threshold",
)  # fmt: skip
"""Columns of ``index.csv``: one row per class of the last validation; ``counted`` says by which rule."""

_OF_SCENES = ("threshold_scenes", "scenes", "scene_use", "not_used")  # in summaries: they hold names of scenes


@dataclass(frozen=True)
class ClassRun:
    """One run as it is collected."""

    visitor: str  # name of its owner
    record: RunRecord
    folder: RunFolder
    classes: Sequence[str]  # names by class id
    is_shown: bool  # its dataset is an example, or was shared with the class


def class_results(runs: Iterable[ClassRun]) -> bytes:
    """The zip: ``index.csv``, and ``<visitor>/<run>/`` with ``plan.json``, ``summary.json`` and ``metrics.csv``.

    Files that a run does not have yet are left out. Runs whose folder is gone are in the index alone.

    Args:
        runs: in the order of the index.
    """
    content, index = io.BytesIO(), io.StringIO()
    table = csv.DictWriter(index, INDEX, lineterminator="\n")
    table.writeheader()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for run in runs:
            table.writerows(_safe(row) for row in index_rows(run, run.folder.events()))
            at = f"{_folder_name(run.visitor)}/{run.record.id}"
            archive.writestr(f"{at}/plan.json", run.record.plan.model_dump_json(indent=1))
            if run.folder.summary_file.is_file():
                summary = json.loads(run.folder.summary_file.read_text(encoding="utf-8"))
                archive.writestr(f"{at}/summary.json", json.dumps(_shown(summary, run.is_shown), indent=1))
            if run.folder.metrics_file.is_file():
                archive.write(run.folder.metrics_file, f"{at}/metrics.csv")
        archive.writestr("index.csv", index.getvalue())
    return content.getvalue()


def index_rows(run: ClassRun, events: Sequence[Event]) -> list[dict[str, Any]]:
    """The rows of a run: its last validation, by objects and by pixels for each class; one row before the first.

    Args:
        run: the run.
        events: of the run, in order.
    """
    record = run.record
    same = {
        "visitor": run.visitor,
        "run": record.id,
        "plan": record.name,
        "dataset": record.dataset_name if run.is_shown else OWN_IMAGERY,
        "status": str(record.status),
        "steps": record.step,
    }
    last = next((each for each in reversed(timeline(events)) if isinstance(each, Validation)), None)
    if last is None:
        return [same]
    threshold = "0.5" if len(last.scores.classes) == 2 else "most probable class"
    rows = []
    for class_id, scores in last.scores.classes.items():
        if class_id == 0:
            continue
        name = run.classes[class_id] if run.is_shown else f"class {class_id}"
        for counted, of in ((last.scores.match_rule.words, scores.object), ("pixels", scores.pixel)):
            values = {"recall": of.recall, "precision": of.precision, "f1": of.f1}
            rows.append(same | {"class": name, "counted": counted, "threshold": threshold} | values)
    return rows


def _shown(summary: Mapping[str, Any], is_shown: bool) -> dict[str, Any]:
    """A summary, without names of the imagery where it is not shared."""
    if is_shown:
        return dict(summary)
    kept = {name: value for name, value in summary.items() if name not in _OF_SCENES}
    return kept | {"classes": [f"class {number}" for number in range(len(summary.get("classes", ())))]}


def _safe(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose texts no spreadsheet takes for a formula."""
    return {
        name: f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value
        for name, value in row.items()
    }


def _folder_name(visitor: str) -> str:
    """A visitor's name as a folder: letters, digits, spaces, and a few signs."""
    kept = "".join(each if each.isalnum() or each in " _-" else "_" for each in visitor).strip()
    return kept or "visitor"
