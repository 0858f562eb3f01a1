"""The codes of notes: those that the code gives are those that are listed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from explorer.imagery.notes import NOTE_CODES, Note

EXPLORER = Path(__file__).resolve().parents[2] / "explorer"
GIVING = {"Note", "of_masks"}  # what is called with a code first


def codes_given() -> set[str]:
    """The codes in all calls that make a note, in modules that import the type or collect notes on masks."""
    found = set()
    for path in EXPLORER.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "from explorer.imagery.notes import" not in text and "of_masks(" not in text:
            continue
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
                name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                if name in GIVING:
                    found.add(call.args[0].value)
    return found


def test_every_code_that_is_given_is_listed_and_every_listed_one_is_given():
    assert codes_given() == set(NOTE_CODES)


def test_a_note_of_an_unknown_code_is_refused():
    with pytest.raises(ValueError, match="'unheard_of' is not in NOTE_CODES"):
        Note("unheard_of", "Something.")
