"""A reading of an upload that another one has overtaken: what it found is gone before the page has opened it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from explorer.errors import InputError
from explorer.imagery.archive import save_dataset
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.readings import Reading
from explorer.jobs.registry import ReadUpload
from explorer.runs.upload_reading import UploadReading, UploadToRead
from explorer.settings import settings
from explorer.ui import reading, services
from tests.runs.tiny import tiny_dataset

JOB = ReadUpload(UploadToRead(Path("none"), {}, {}, "tiny", ReadingChoices(), settings()))


def answering(file: Path, removed: int, monkeypatch: pytest.MonkeyPatch) -> list[ReadUpload]:
    """An engine whose first answers name a file that is gone; gives what it was asked."""
    asked: list[ReadUpload] = []

    def ask(job: ReadUpload) -> UploadReading:
        asked.append(job)
        if len(asked) > removed and not file.exists():
            save_dataset(tiny_dataset(), file)
        return UploadReading(Reading((), None), file, (), {}, ())

    monkeypatch.setattr(services, "engine", lambda: SimpleNamespace(ask=ask))
    return asked


def test_it_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(tmp_path / "dataset.npz", 2, monkeypatch)
    _, dataset = reading._ask(JOB)
    assert dataset is not None
    assert dataset.scenes
    assert len(asked) == 3


def test_it_ends_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(tmp_path / "dataset.npz", 100, monkeypatch)
    with pytest.raises(InputError, match="other pages read these files"):
        reading._ask(JOB)


def test_a_broken_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dataset.npz").write_bytes(b"no archive")
    asked = answering(tmp_path / "dataset.npz", 0, monkeypatch)
    with pytest.raises(InputError, match=r"dataset\.npz"):
        reading._ask(JOB)
    assert len(asked) == 1
