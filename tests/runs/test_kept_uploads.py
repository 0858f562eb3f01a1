"""Uploads in the store: files add up under one token, within limits, until they are discarded or too old."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.runs.uploads import Uploads
from explorer.settings import Settings


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path)


def contents(uploads: Uploads, token: str, side: str) -> dict[str, bytes]:
    kept = uploads.kept_files(token, side)  # type: ignore[arg-type]
    return {name: path.read_bytes() for name, path in kept.items()}


def test_files_of_several_uploads_add_up_side_by_side(uploads: Uploads) -> None:
    token = uploads.begin()
    assert uploads.add(token, "masks", [("a/north.png", b"mask")]) == ["a/north.png"]
    uploads.add(token, "images", [("a/north.png", b"one"), ("south.png", b"two")])
    again = Uploads(uploads._root.parent)  # after the server has started again
    assert contents(again, token, "images") == {"a/north.png": b"one", "south.png": b"two"}
    assert contents(again, token, "masks") == {"a/north.png": b"mask"}


def test_other_content_under_a_taken_name_gets_a_number_and_the_same_content_is_kept_once(uploads: Uploads) -> None:
    token = uploads.begin()
    names = uploads.add(token, "images", [("1.png", b"one"), ("1.png", b"two"), ("1.png", b"one")])
    assert names == ["1.png", "2/1.png", "1.png"]
    assert uploads.add(token, "images", [("1.png", b"two")]) == ["2/1.png"]
    assert contents(uploads, token, "images") == {"1.png": b"one", "2/1.png": b"two"}


@pytest.mark.parametrize(
    "name", ["../../evil.png", "/etc/passwd", "C:\\evil.png", "a\0b.png", "upload.json", "x" * 255]
)
def test_a_name_decides_nothing_about_where_a_file_lies(uploads: Uploads, name: str) -> None:
    token = uploads.begin()
    assert uploads.add(token, "images", [(name, b"content")]) == [name]
    [path] = uploads.kept_files(token, "images").values()
    assert path.parent.name == token
    assert contents(uploads, token, "images") == {name: b"content"}


def test_a_name_without_end_is_refused_in_a_short_line(uploads: Uploads) -> None:
    token = uploads.begin()
    [problem] = uploads.add(token, "images", [("x" * 1_000_000, b"content")])
    assert isinstance(problem, InputError)
    assert len(str(problem)) < 200
    assert uploads.files(token) == ()


@pytest.mark.parametrize("token", ["", "..", "../runs", "a" * 22, "a/b", "*" * 22])
def test_what_is_no_token_names_no_upload(uploads: Uploads, token: str) -> None:
    assert not uploads.exists(token)
    with pytest.raises(InputError, match="no such upload"):
        uploads.files(token)
    uploads.discard(token)


@pytest.mark.parametrize(
    ("limits", "sizes", "kept", "says"),
    [
        ({"max_file_bytes": 10}, [11, 5], 1, "per file"),
        ({"max_files": 2}, [5, 6, 7], 2, "more than 2 files"),
        ({"max_total_bytes": 12}, [5, 6, 7], 2, "in one upload"),
    ],
)
def test_what_exceeds_a_limit_is_refused_and_the_rest_is_kept(
    tmp_path: Path, limits: dict[str, int], sizes: list[int], kept: int, says: str
) -> None:
    uploads = Uploads(tmp_path, Settings.model_validate(limits))
    token = uploads.begin()
    outcomes = uploads.add(token, "images", [(f"{size}.png", bytes(size)) for size in sizes])
    refused = [each for each in outcomes if isinstance(each, InputError)]
    assert [says in str(each) for each in refused] == [True]
    assert len(uploads.files(token)) == kept


def test_a_removed_file_is_gone_unless_another_has_its_content(uploads: Uploads) -> None:
    token = uploads.begin()
    uploads.add(token, "images", [("a.png", b"same"), ("b.png", b"same")])
    uploads.remove(token, "images", "a.png")
    assert contents(uploads, token, "images") == {"b.png": b"same"}
    [path] = uploads.kept_files(token, "images").values()
    uploads.remove(token, "images", "b.png")
    assert not path.exists()


def test_uploads_that_nobody_changes_are_discarded_after_their_days(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Settings(upload_days=2))
    old, young = uploads.begin(), uploads.begin()
    for token, days in ((old, 2.1), (young, 1.9)):
        seen = time.time() - days * 24 * 60 * 60
        os.utime(tmp_path / "uploads" / token, (seen, seen))
    uploads.begin()
    assert (uploads.exists(old), uploads.exists(young)) == (False, True)


def test_pages_that_add_at_once_lose_nothing(uploads: Uploads) -> None:
    token = uploads.begin()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: uploads.add(token, "images", [(f"{n}.png", b"%d" % n)]), range(20)))
    assert len(contents(uploads, token, "images")) == 20
