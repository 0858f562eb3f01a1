"""docs/architecture.md: the picture is that of the imports, and the walks name modules that are linked by imports."""

from __future__ import annotations

import re
from pathlib import Path

import grimp
import pytest

from tools import architecture
from tools.import_contracts import add_script

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MOST = {
    "A crop: bytes → device": 12,
    "A plan: page → loop": 8,
    "An event: loop → chart": 12,
    "A slice: request → figure": 12,
}
"""The walks and the most modules that each may enter."""

UNLISTED = {"explorer.ui.services"}
"""Gives pages the store and the engine; the document says that no walk lists it."""


def walk(title: str) -> list[str]:
    """The files of a walk, in order."""
    section = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w/]+\.py)` \| [^|]+ \|$", section, re.MULTILINE)


def module(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    graph = grimp.build_graph("explorer", "pages", include_external_packages=True, cache_dir=None)
    add_script(graph, ROOT / "app.py")
    return graph


def test_picture_is_up_to_date() -> None:
    stale = "docs/architecture.svg is out of date: run make docs and commit it"
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.picture(), stale


def test_picture_shows_each_package_once_and_no_implied_import() -> None:
    imports = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}
    drawn = architecture.draw([["a"], ["b", "c"], ["d"]], architecture.without_implied(imports))
    assert re.findall(r"<title>(.*?)</title>", drawn) == ["a imports b", "b imports c", "c imports d"]
    assert re.findall(r"<text [^>]*>(.*?)</text>", drawn) == ["a", "b", "c", "d"]


def test_every_walk_is_checked() -> None:
    assert re.findall(r"^## (.+)$", TEXT, re.MULTILINE) == list(MOST)


@pytest.mark.parametrize("title", MOST)
def test_walk_names_modules_that_exist_once_each(title: str, graph: grimp.ImportGraph) -> None:
    files = walk(title)
    assert 5 < len(files) <= MOST[title]
    assert len(set(files)) == len(files)
    missing = [file for file in files if module(file) not in graph.modules or not (ROOT / file).is_file()]
    assert not missing


@pytest.mark.parametrize("title", MOST)
def test_modules_of_a_walk_are_linked_by_imports(title: str, graph: grimp.ImportGraph) -> None:
    modules = {module(file) for file in walk(title)} | UNLISTED
    unlinked, groups = set(modules), []
    while unlinked:
        group, ahead = set[str](), {unlinked.pop()}
        while ahead:
            here = ahead.pop()
            group.add(here)
            around = graph.find_modules_directly_imported_by(here) | graph.find_modules_that_directly_import(here)
            ahead |= (around & modules) - group
        unlinked -= group
        groups.append(group - UNLISTED)
    groups = [group for group in groups if group]
    assert len(groups) <= 2, "a job is ordered by name, so that server and worker make a group each"
    assert all(len(group) > 1 for group in groups), groups
