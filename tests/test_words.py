"""Code, pages and documents use the field's terms: no private word of the project is left."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = {".py", ".js", ".md", ".toml", ".yaml"}
EXEMPT = {"tests/test_words.py", "CHANGELOG.md"}
PRIVATE = re.compile(
    r"(?<![a-z])("
    r"bells?|wish(es)?|obeys?|aside|trampolines?|bench(es)?|materials?|tall(y|ies)|doubts?|surpris(e|es|ed|ing)|"
    r"alarmed|slack|pulls?|dear|asks of|the price|takes its side|what a loss wants|is content with|what becomes of"
    r")(?![a-z])",
    re.IGNORECASE,
)
MEANT = re.compile(r":material/|make bench|[\"`]bench[\"`]")  # icons of Streamlit; the target of the Makefile


def project_files() -> list[Path]:
    """Files that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in listed if name not in EXEMPT and Path(name).suffix in SUFFIXES]


def test_no_private_word_is_left() -> None:
    files = [file for file in project_files() if file.is_file()]
    assert len(files) > 100
    found = [
        f"{file.relative_to(ROOT)}:{number}: {match[0]}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        for match in PRIVATE.finditer(MEANT.sub("", line))
    ]
    assert not found, "\n".join(found)
