"""Writes the tables of docs/imagery.md from the registries: formats, choices, checks, notes. ``make docs`` calls it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from explorer.cli.imagery_options import add_options
from explorer.imagery.checks import CHECKS
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.notes import NOTE_CODES
from explorer.imagery.reading.annotations.unsupported import UNSUPPORTED
from explorer.imagery.reading.labels import LABEL_FORMATS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "imagery.md"


def filled(text: str) -> str:
    """The document with its tables as the registries have them now."""
    tables = {
        "formats": _formats(),
        "unsupported": _unsupported(),
        "choices": _choices(),
        "checks": _checks(),
        "notes": _notes(),
    }
    for name, table in tables.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        text = before + start + table + rest[rest.index("<!-- end -->") :]
    return text


def _formats() -> str:
    rows = [(each.name, each.recognised_by, each.reads, each.limits or "–") for each in LABEL_FORMATS]
    return _table(("format", "recognised by", "what is read", "limits"), rows)


def _unsupported() -> str:
    return _table(("format", "what to do instead"), [(each.name, each.instead) for each in UNSUPPORTED])


def _choices() -> str:
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = {action.dest: action for action in parser._actions}
    renamed = {"minimum_area": "min_area", "match_rule": "match", "pairs": "pair", "areas": "area"}
    rows = []
    for name, field in ReadingChoices.model_fields.items():
        action = options[renamed.get(name, name)]
        metavar = action.metavar or (" or ".join(action.choices) if action.choices else "")
        rows.append((f"`{action.option_strings[0]} {metavar}`".replace(" `", "`"), field.description or ""))
    return _table(("option", "meaning"), rows)


def _checks() -> str:
    return _table(("finding", "why it matters"), [(check.title, check.meaning) for check in CHECKS])


def _notes() -> str:
    return _table(("code", "meaning"), [(f"`{code}`", meaning) for code, meaning in NOTE_CODES.items()])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
