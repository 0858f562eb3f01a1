"""The zip of a class: what is in it, and what never is."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.runs.class_results import INDEX, OWN_IMAGERY, ClassRun, class_results
from explorer.runs.records import RunRecord
from explorer.runs.store import Store
from explorer.runs.training import execute
from tests.runs.tiny import tiny_dataset, tiny_plan


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def trained(store: Store) -> RunRecord:
    """A run that has ended."""
    dataset = tiny_dataset("secret harbour")
    record = store.create_run(tiny_plan(4), store.save_dataset(dataset, "a"), owner="a")
    for _ in execute(store.folder(record.id), dataset, device="cpu", checkpoint_steps=2):
        pass
    store.ingest(record.id)
    return store.run(record.id)


def zipped(*runs: ClassRun) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(class_results(runs))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_each_run_has_plan_summary_and_table_and_nothing_else(store: Store, trained: RunRecord) -> None:
    files = zipped(ClassRun("Ann", trained, store.folder(trained.id), ("background", "square"), True))
    at = f"Ann/{trained.id}"
    assert set(files) == {"index.csv", f"{at}/plan.json", f"{at}/summary.json", f"{at}/metrics.csv"}
    assert json.loads(files[f"{at}/summary.json"])["classes"] == ["background", "square"]
    rows = list(csv.DictReader(io.StringIO(files["index.csv"].decode())))
    assert tuple(rows[0]) == INDEX
    assert [(row["visitor"], row["dataset"], row["status"], row["steps"]) for row in rows] == [
        ("Ann", "secret harbour", "done", "4")
    ] * 2
    assert [row["counted"] for row in rows] == ["IoU > 0.5", "pixels"]
    assert {row["threshold"] for row in rows} == {"0.5"}
    last = files[f"{at}/metrics.csv"].decode().splitlines()
    table = list(csv.DictReader(last))
    score = [row for row in table if row["row"] == "validation"][-1]["class_1_pixel_recall"]
    assert rows[1]["recall"] == score


def test_nothing_of_imagery_that_is_not_shared_is_named(store: Store, trained: RunRecord) -> None:
    files = zipped(ClassRun("Ann", trained, store.folder(trained.id), ("background", "square"), False))
    everything = b"\n".join(files.values())
    assert OWN_IMAGERY.encode() in files["index.csv"]
    for word in (b"harbour", b"square", b"scene0", b"scene1", b"scene2", b"scene3"):
        assert word not in everything, word
    summary = json.loads(files[f"Ann/{trained.id}/summary.json"])
    assert summary["validation"]["classes"]["1"]["pixel"], "scores are the class's results"


def test_run_that_has_not_begun_is_in_the_index(store: Store, trained: RunRecord) -> None:
    waiting = store.create_run(tiny_plan(4), trained.dataset_id, owner="b")
    files = zipped(ClassRun("Bob", waiting, store.folder(waiting.id), ("background", "square"), True))
    assert set(files) == {"index.csv", f"Bob/{waiting.id}/plan.json"}
    (row,) = csv.DictReader(io.StringIO(files["index.csv"].decode()))
    assert (row["status"], row["recall"]) == ("paused", "")


def test_names_are_no_paths_and_no_formulas(store: Store, trained: RunRecord, tmp_path: Path) -> None:
    named = replace(trained, name="=1+1")
    files = zipped(ClassRun("../=../x", named, store.folder(trained.id), ("background", "square"), True))
    (folder,) = {name.split("/")[0] for name in files} - {"index.csv"}
    assert ".." not in folder
    row = next(csv.DictReader(io.StringIO(files["index.csv"].decode())))
    assert row["plan"] == "'=1+1"
