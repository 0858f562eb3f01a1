"""The pages of the sidebar are the files in ``pages``, and each has its test."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.ui.frame import PAGES, frame

ROOT = Path(__file__).resolve().parents[2]
FILES = [file for file, _ in PAGES.values()]


def test_every_page_is_in_the_sidebar() -> None:
    there = {file.relative_to(ROOT).as_posix() for file in (ROOT / "pages").glob("*.py")}
    assert {"app.py", *there} == set(FILES), "a page needs its line in PAGES (explorer/ui/frame.py)"
    assert len(FILES) == len(set(FILES))


@pytest.mark.parametrize("file", [file for file in FILES if file != "app.py"])
def test_every_page_has_its_title_and_its_test(file: str) -> None:
    (title,) = (title for title, (each, _) in PAGES.items() if each == file)
    assert f'frame("{title}")' in (ROOT / file).read_text(encoding="utf-8")
    assert (ROOT / "tests" / "pages" / f"test_{Path(file).stem}_page.py").exists()


def test_page_that_is_not_listed_is_an_error() -> None:
    with pytest.raises(KeyError, match="PAGES"):
        frame("Glossary")
