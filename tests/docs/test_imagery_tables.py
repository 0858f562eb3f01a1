"""docs/imagery.md lists every format, choice, check and note as the code has them."""

from __future__ import annotations

from explorer.imagery.notes import NOTE_CODES
from tools.imagery_tables import DOCUMENT, filled


def test_tables_are_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == filled(text), "docs/imagery.md is out of date: run make docs and commit it"


def test_every_code_is_listed_once() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(text.count(f"| `{code}` |") == 1 for code in NOTE_CODES)
