"""The documents name files and folders that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/claims.md")
QUOTED = re.compile(r"`([\w./-]*(?:\.py|\.toml|\.yaml|\.svg|\w/))`")
LINKED = re.compile(r"\]\((?!https?://|#)([^)#]+)(#[^)]+)?\)")


@pytest.fixture(scope="module")
def paths() -> set[str]:
    """Every file of the project, and every folder with a slash at its end, below a slash."""
    found = set()
    for top in ("app.py", "pyproject.toml", "pages", "explorer", "tests", "tools", "docs", "assets"):
        for path in (ROOT / top, *(ROOT / top).rglob("*")):
            found.add(f"/{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}")
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_quoted_path_exists(document: str, paths: set[str]) -> None:
    quoted = set(QUOTED.findall((ROOT / document).read_text(encoding="utf-8")))
    missing = {name for name in quoted if not any(path.endswith(f"/{name}") for path in paths)}
    assert missing == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_link_leads_to_a_file_and_heading(document: str) -> None:
    file = ROOT / document
    for target, anchor in LINKED.findall(file.read_text(encoding="utf-8")):
        linked = file.parent / target
        assert linked.is_file(), target
        headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor[1:] in {heading.lower().replace(" ", "-") for heading in headings}, anchor
