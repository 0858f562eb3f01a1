"""No two widgets share a key: the session outlives a change of pages, so that one would find the other's value."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def constants(module: ast.Module) -> dict[str, str]:
    """Names of a module that stand for a text."""
    found = {}
    for line in module.body:
        if isinstance(line, ast.Assign):
            names, values = line.targets[0], line.value
            pairs = (
                zip(names.elts, values.elts, strict=True)
                if isinstance(names, ast.Tuple) and isinstance(values, ast.Tuple)
                else [(names, values)]
            )
            for name, value in pairs:
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[name.id] = value.value
    return found


def keys(text: str) -> Iterator[tuple[str, int]]:
    """Keys of widgets that are the same in every run of a page, with their lines."""
    module = ast.parse(text)
    known = constants(module)
    for call in ast.walk(module):
        for keyword in call.keywords if isinstance(call, ast.Call) else ():
            if keyword.arg == "key":
                value = keyword.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value, call.lineno
                elif isinstance(value, ast.Name) and value.id in known:
                    yield known[value.id], call.lineno


def test_keys_are_found_as_texts_and_as_names() -> None:
    assert list(keys('KEY, N = "one", 3\nst.slider(key=KEY)\nst.toggle("x", key="two")')) == [("one", 2), ("two", 3)]


def test_every_key_is_that_of_one_widget() -> None:
    places = defaultdict(list)
    for file in [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "explorer" / "ui").glob("*.py")]:
        for key, line in keys(file.read_text(encoding="utf-8")):
            places[key].append(f"{file.relative_to(ROOT)}:{line}")
    assert len(places) > 30
    assert {key: where for key, where in places.items() if len(where) > 1} == {}
