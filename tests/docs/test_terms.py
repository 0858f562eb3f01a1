"""The terms in CONTRIBUTING are names in the code and labels on the pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.imagery.choices import ReadingChoices
from explorer.landscape.slice_meta import PlaneSpec, SliceRequest
from explorer.losses.spec import LossSpec
from explorer.runs.class_state import ClassState
from explorer.training.plan import Phase, Plan, Trigger

ROOT = Path(__file__).resolve().parents[2]
MODELS = {
    model.__name__: model
    for model in (Plan, Phase, Trigger, LossSpec, PlaneSpec, SliceRequest, ReadingChoices, ClassState)
}
TERM = re.compile(r"^\| `(\w+(?:\.\w+)?)` \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
WIDGETS = (
    "app.py",
    "pages/*.py",
    "explorer/ui/*.py",
    "explorer/losses/settings.py",
    "explorer/landscape/plane_kinds.py",
)
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TERMS: list[tuple[str, str]] = TERM.findall(TEXT.partition("## Terms")[2])


def trees(*patterns: str) -> Iterator[ast.Module]:
    for pattern in patterns:
        for file in ROOT.glob(pattern):
            yield ast.parse(file.read_text(encoding="utf-8"))


def test_table_is_read_whole() -> None:
    rows = TEXT.partition("## Terms")[2].partition("\n## ")[0].count("\n| `")
    assert len(TERMS) == rows > 30
    assert len({code for code, _ in TERMS}) == rows, "each code name once"


@pytest.mark.parametrize("code", [code for code, _ in TERMS])
def test_code_name_exists(code: str) -> None:
    model, _, field = code.partition(".")
    if field:
        assert field in MODELS[model].model_fields
    else:
        classes = {
            node.name for tree in trees("explorer/**/*.py") for node in tree.body if isinstance(node, ast.ClassDef)
        }
        assert model in classes


@pytest.fixture(scope="module")
def texts() -> set[str]:
    """All strings in the source of widgets and of the registries that widgets are made from."""
    return {
        node.value.strip()
        for tree in trees(*WIDGETS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("label", sorted({label for _, label in TERMS}))
def test_label_stands_on_a_page(label: str, texts: set[str]) -> None:
    assert label in texts
