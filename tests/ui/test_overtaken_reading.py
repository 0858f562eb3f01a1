"""A reading of kept files that another one has overtaken: what it left is gone before the page has opened it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from explorer.errors import InputError
from explorer.jobs.registry import ReadImages
from explorer.runs.decoded_image import DecodedImage
from explorer.runs.image_reading import ImagesToRead
from explorer.settings import settings
from explorer.ui import services
from explorer.ui.kept_files import ask_for_files


def times_asked(file: Path, removed: int, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Has an engine whose first answers name a file that is gone; gives what it is asked."""
    asked: list[object] = []

    def ask(job: object) -> tuple[DecodedImage, ...]:
        asked.append(job)
        if len(asked) > removed:
            file.touch()
        return ()

    monkeypatch.setattr(services, "engine", lambda: SimpleNamespace(ask=ask))
    return asked


@pytest.mark.parametrize("removed", [0, 2])
def test_it_is_asked_for_again(removed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = times_asked(tmp_path / "a", removed, monkeypatch)
    ask_for_files(ReadImages(ImagesToRead(tmp_path, {}, False, settings())), lambda _: [tmp_path / "a"])
    assert len(asked) == removed + 1


def test_it_ends_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times_asked(tmp_path / "a", 100, monkeypatch)
    with pytest.raises(InputError, match="other pages read these files"):
        ask_for_files(ReadImages(ImagesToRead(tmp_path, {}, False, settings())), lambda _: [tmp_path / "a"])
