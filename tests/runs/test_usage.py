"""Bytes by run, dataset, upload and visitor, and the limits on them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.runs import usage as usages
from explorer.runs.records import JobStatus
from explorer.runs.store import Store
from explorer.runs.uploads import Uploads
from explorer.runs.usage import Sent, Usage
from explorer.settings import MEBI, Settings
from tests.runs.tiny import tiny_dataset, tiny_plan

ANA, BEN = "a" * 24, "b" * 24


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(usages, "_KEPT_SECONDS", 0.0)
    return Store(tmp_path)


def sent(name: str, size: int) -> Sent:
    content = (name * size)[:size].encode()
    return Sent(name, size, lambda: content)


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_everything_counts_for_whose_it_is(store: Store) -> None:
    dataset_id = store.save_dataset(tiny_dataset(), ANA)
    (store.root / "datasets" / f"{dataset_id}.fingerprint-1.json").write_bytes(b"x" * 1000)
    run_id = store.create_run(tiny_plan(), dataset_id, owner=ANA).id
    (store.folder(run_id).path / "checkpoints").mkdir()
    (store.folder(run_id).path / "checkpoints" / "step.safetensors").write_bytes(b"x" * 5000)
    uploads = Uploads(store.root)
    token = uploads.begin(ANA)
    uploads.add(token, "images", [("a.png", b"x" * 3000)])
    uploads.begin(BEN)
    taken = store.usage.of(ANA)
    assert taken.runs == {run_id: on_disk(store.folder(run_id).path)}
    assert taken.datasets == {dataset_id: on_disk(store.root / "datasets")}
    assert taken.uploads == {token: on_disk(store.root / "uploads" / token)}
    assert taken.total == sum((*taken.runs.values(), *taken.datasets.values(), *taken.uploads.values())) > 9000
    assert store.usage.by_owner()[ANA] == taken.total
    assert store.usage.of_nobody() == 0
    store.save_dataset(tiny_dataset("example"))
    assert store.usage.of_nobody() > 0


def test_a_slice_counts_for_whoever_ordered_it(store: Store) -> None:
    run_id = store.create_run(tiny_plan(), store.save_dataset(tiny_dataset(), ANA), owner=ANA).id
    alone = store.usage.of(ANA).total
    for name, owner in (("mine", ANA), ("others", BEN)):
        job, _ = store.jobs.create("MeasureSlice", run_id, f"slices/{name}.npz", f"slice {name}", owner)
        (store.folder(run_id).path / "slices").mkdir(exist_ok=True)
        (store.folder(run_id).path / "slices" / f"{name}.npz").write_bytes(b"x" * 7000)
        store.jobs.set_status(job.id, JobStatus.DONE)
    assert store.usage.of(ANA).total == alone + 7000
    assert store.usage.of(BEN).elsewhere == store.usage.of(BEN).total == 7000
    assert store.usage.by_owner() == {ANA: alone + 7000, BEN: 7000}
    assert [(each.title, each.bytes) for each in store.usage.ordered([run_id])] == [
        ("slice others", 7000),
        ("slice mine", 7000),
    ]
    assert [each.title for each in store.usage.ordered(owner=BEN)] == ["slice others"]


def test_runs_are_measured_again_after_a_while_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    run_id = store.create_run(tiny_plan(), store.save_dataset(tiny_dataset(), ANA), owner=ANA).id
    before = store.usage.run_bytes(run_id)
    (store.folder(run_id).path / "more").write_bytes(b"x" * 100)
    assert store.usage.run_bytes(run_id) == before
    assert Usage(store._database, store.root).run_bytes(run_id) == before + 100


def test_files_that_vanish_while_they_are_counted_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"xx")
    os.symlink(tmp_path / "nowhere", tmp_path / "link")
    assert usages.folder_bytes(tmp_path / "missing") == 0
    assert usages.folder_bytes(tmp_path) == 2 + os.lstat(tmp_path / "link").st_size


def test_a_full_share_of_the_disk_is_said_with_what_to_do(store: Store) -> None:
    store.usage.require_room(ANA, "a run", Settings(visitor_bytes=1000), more=1000)
    with pytest.raises(InputError, match="takes 2 KiB") as problem:
        store.usage.require_room(ANA, "a run", Settings(visitor_bytes=1000), more=1001 * 2)
    assert "Storage" in str(problem.value)
    store.save_dataset(tiny_dataset(), ANA)
    with pytest.raises(InputError, match=r"your things take .* of the 1 KiB"):
        store.usage.require_room(ANA, "a run", Settings(visitor_bytes=1000))
    store.usage.require_room(BEN, "a run", Settings(visitor_bytes=1000))


def test_uploads_are_kept_as_far_as_there_is_room(store: Store) -> None:
    uploads = Uploads(store.root, Settings(visitor_bytes=10_000))
    token = uploads.begin(ANA)
    outcomes = store.usage.add_upload(
        uploads, token, "images", [sent("a", 4000), sent("b", 6000), sent("c", 4000)], ANA
    )
    assert [outcome if isinstance(outcome, str) else "no" for outcome in outcomes] == ["a", "no", "c"]
    assert [file.name for file in uploads.files(token)] == ["a", "c"]


def test_uploads_of_an_hour_are_limited_and_only_what_is_kept_counts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = Uploads(store.root, Settings(visitor_upload_bytes_per_hour=10_000, max_file_bytes=9_000))
    token = uploads.begin(ANA)

    def add(*files: Sent, owner: str = ANA) -> list[str]:
        outcomes = store.usage.add_upload(uploads, token, "images", files, owner)
        return [outcome if isinstance(outcome, str) else outcome.what for outcome in outcomes]

    assert add(sent("too large", 9_500))[0].startswith("0 MiB, at most")
    assert add(sent("a", 6000)) == ["a"], "what was refused did not count"
    (why,) = add(sent("b", 6000))
    assert why == "you have uploaded 6 KiB in the last hour, at most 10 KiB can come"
    assert add(sent("b", 6000), owner=BEN) == ["b"], "each visitor has their own"
    uploads.discard(token)
    token = uploads.begin(ANA)
    assert add(sent("c", 6000)) == [why], "also once the files are thrown away"
    with store._database.transaction() as connection:
        ago = (datetime.now(UTC) - timedelta(minutes=61)).isoformat()
        connection.execute("UPDATE accepted SET at = ?", (ago,))
    assert add(sent("c", 6000)) == ["c"]
    assert len(store._database.rows("SELECT * FROM accepted")) == 1, "older notes are not kept"


def test_a_share_of_mebibytes_reads_well() -> None:
    assert [usages.in_words(size) for size in (0, 1, 1500 * 1024, 1000 * MEBI, 2048 * MEBI)] == [
        "0 KiB",
        "1 KiB",
        "1.46 MiB",
        "1000 MiB",
        "2 GiB",
    ]


def test_a_file_with_holes_counts_as_what_the_disk_holds(store: Store) -> None:
    uploads = Uploads(store.root)
    token = uploads.begin(ANA)
    folder = uploads.decoded(token)
    folder.mkdir(parents=True)
    with (folder / "arrays").open("wb") as file:  # as while an upload is decoded, or where that was broken off
        file.truncate(3 * 1024**3)
        file.write(b"x" * 5000)
    assert store.usage.of(ANA).total < 100_000
