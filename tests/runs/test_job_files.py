"""What lies beside a job's file: progress, the request to stop, and the lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.runs.job_files import (
    JobProgress,
    announce,
    begin,
    clear,
    forget,
    lock_file,
    read_progress,
    request_stop,
    stop_requested,
    withdraw,
    write_progress,
)


def test_progress_is_read_as_it_was_written_and_unknown_is_none(tmp_path: Path) -> None:
    file = tmp_path / "slice.npz"
    assert read_progress(file) is None
    for progress in (JobProgress(3, 9, "points", 2.5, 1.25), JobProgress(3, None, "products", None)):
        write_progress(file, progress)
        assert read_progress(file) == progress
    assert read_progress(file).error_in_tolerances is None  # type: ignore[union-attr]


def test_stop_is_seen_until_the_job_has_ended(tmp_path: Path) -> None:
    file = tmp_path / "slice.npz"
    assert not stop_requested(file)
    request_stop(file)
    write_progress(file, JobProgress(1, 2, "points", None))
    assert stop_requested(file)
    clear(file)
    assert not stop_requested(file)
    assert read_progress(file) is None
    clear(file)


def test_job_whose_folder_is_not_there_yet_can_be_stopped(tmp_path: Path) -> None:
    file = tmp_path / "slices" / "slice.npz"
    request_stop(file)
    assert stop_requested(file)


def test_one_process_at_a_time_works_on_a_file(tmp_path: Path) -> None:
    file = tmp_path / "slices" / "slice.npz"
    with lock_file(file), pytest.raises(InputError, match="another job works on slice"), lock_file(file):
        raise AssertionError("two hold the lock")
    with lock_file(file):
        assert not file.exists()


def test_job_either_begins_or_is_withdrawn(tmp_path: Path) -> None:
    announce(tmp_path, "first")
    assert withdraw(tmp_path, "first")
    assert not begin(tmp_path, "first")
    announce(tmp_path, "second")
    assert begin(tmp_path, "second")
    assert not withdraw(tmp_path, "second")
    assert begin(tmp_path, "second"), "again, after its worker has died"
    forget(tmp_path, "second")
    assert not begin(tmp_path, "second")
    assert not list((tmp_path / "jobs").iterdir())
