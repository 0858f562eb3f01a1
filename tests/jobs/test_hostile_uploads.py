"""Hostile uploads, through the job that reads uploads: sentences come out, and no memory of this process goes in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.jobs import reading
from explorer.jobs.confinement import ConfinedProcesses, Confines
from explorer.jobs.reading import read_upload, readers
from explorer.jobs.registry import ReadUpload
from explorer.runs.upload_reading import UploadReading, UploadToRead
from explorer.runs.uploads import Uploads
from explorer.settings import MEBI, Settings
from tests.imagery.reading.hostile_files import BOMBS, Upload, good, hostile_uploads

LIMITS = Settings(reading_memory=1024 * MEBI, reading_seconds=60)
ENDS = (".png", "_mask.png")
LONGEST = 20_000  # characters of all that is said of an upload


@pytest.fixture(autouse=True, scope="module")
def _end_readers() -> Iterator[None]:
    yield
    readers().close()


def test_no_hostile_upload_raises_anything_but_input_errors() -> None:
    """In one confined process, since three hundred would take minutes to start."""
    before = psutil.Process().memory_info().rss
    uploads = [upload for upload in hostile_uploads(2) if not upload[0].startswith("zip of")]
    assert len(uploads) > 250
    processes = ConfinedProcesses("tests.jobs.reading_on_purpose")
    try:
        confines = Confines(LIMITS.reading_memory, 0, 60, 280)
        outcomes: list[tuple[str, str]] = processes.run("read_all", (uploads,), confines)
    finally:
        processes.close()
    assert [f"{what}: {said}" for what, said in outcomes if said.startswith("!")] == []
    assert [what for what, said in outcomes if len(said) > LONGEST] == []
    for what, said in outcomes:
        said.encode()  # a lone surrogate cannot be sent to a browser
        assert "Traceback" not in said, what
    assert psutil.Process().memory_info().rss - before < 200 * MEBI


def read(tmp_path: Path, files: Upload, limits: Settings = LIMITS) -> UploadReading:
    uploads = Uploads(tmp_path, limits)
    token = uploads.begin()
    uploads.add(token, "images", files.items())
    kept = uploads.kept_files(token, "images")
    return read_upload(ReadUpload(UploadToRead(uploads.decoded(token), kept, {}, "upload", ReadingChoices(), limits)))


@pytest.mark.parametrize("what", ["5000² × 8 float64", "eight of 5000² × 8 float64", "one block of 4 GB"])
def test_a_bomb_is_refused_by_itself_and_the_pair_beside_it_is_read(tmp_path: Path, what: str) -> None:
    before = psutil.Process().memory_info().rss
    found = read(tmp_path, BOMBS[what]() | good())
    used = [report.row.name for report in found.reading.reports if report.scene is not None]
    reasons = [report.reason for report in found.reading.reports if report.scene is None]
    assert used == ["good"]
    assert all(reasons)
    assert found.dataset is not None
    assert psutil.Process().memory_info().rss - before < 50 * MEBI


def test_a_file_that_crashes_the_reader_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "readers", lambda: crashing)
    crashing = ConfinedProcesses("tests.jobs.crashing_reader")
    try:
        found = read(tmp_path, {"bad.png": good()["good.png"], "bad_mask.png": good()["good_mask.png"]} | good())
    finally:
        crashing.close()
    said = {report.row.name: report.reason for report in found.reading.reports}
    assert said["good"] == ""
    assert said["bad"].startswith("bad.png: makes the reader crash (SIGSEGV)")


def test_what_all_files_take_is_limited(tmp_path: Path) -> None:
    files = {f"{number}{end}": data for number in range(4) for end, data in zip(ENDS, good().values(), strict=True)}
    limits = LIMITS.model_copy(update={"max_total_decoded_bytes": 26_000, "max_decoded_bytes": 20_000})
    found = read(tmp_path, files, limits)
    reasons = [report.reason for report in found.reading.reports]
    assert reasons[:2] == ["", ""]
    assert "which is used up" in reasons[-1]
    nothing = read(tmp_path, files, LIMITS.model_copy(update={"max_decoded_bytes": 1000})).reading
    with pytest.raises(InputError, match="no image could be used"):
        nothing.required()
