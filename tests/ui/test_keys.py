"""Keys: each presses a button that there is, and no page has two of one key."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from explorer.ui import frame, keys

ROOT = Path(__file__).resolve().parents[2]
STREAMLIT = {"C", "R"}  # its own: clear the cache, run again
LEAST_TEXT = 4  # characters of a key outside {}: less says nothing of whose it is


def widget_keys(text: str) -> Iterator[str]:
    """What widgets of a module may have as key: its texts, with ``*`` in place of what is computed."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w-]+", node.value):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values]
            text = "".join(part for part in parts if part != "*")
            if len(text) >= LEAST_TEXT and re.fullmatch(r"[\w-]+", text):
                yield "".join(parts)


@pytest.fixture(scope="module")
def known() -> set[str]:
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "explorer" / "ui").glob("*.py")]
    return {key for file in files if file.name != "keys.py" for key in widget_keys(file.read_text("utf-8"))}


def is_wired(widget: str, known: set[str]) -> bool:
    sample = widget.replace("*", "x")
    return any(fnmatchcase(sample, key) or key == widget for key in known)


@pytest.mark.parametrize("widget", sorted({widget for key in keys.KEYS for widget in key.widgets}))
def test_every_key_presses_a_widget_that_there_is(widget: str, known: set[str]) -> None:
    assert is_wired(widget, known)


def test_a_widget_that_does_not_exist_is_found_out(known: set[str]) -> None:
    assert not is_wired("no-such-button", known)
    assert not is_wired("rewind-*", known)


@pytest.mark.parametrize("title", frame.PAGES)
def test_a_key_does_one_thing_on_a_page(title: str) -> None:
    own = Counter(key.key for key in keys.keys_of(title))
    assert [key for key, count in own.items() if count > 1] == []
    assert not own.keys() & {*STREAMLIT, "G", keys.LIST}
    assert keys.NUMBERED not in own or not any(key.isdigit() for key in own)
    assert all(re.fullmatch(r"[A-Z0-9]", key) or key == keys.NUMBERED for key in own)


def test_every_page_of_a_key_exists_and_every_page_can_be_gone_to() -> None:
    assert {page for key in keys.KEYS for page in key.pages} <= frame.PAGES.keys()
    assert keys.GO.keys() == frame.PAGES.keys()
    assert len(set(keys.GO.values())) == len(keys.GO)
