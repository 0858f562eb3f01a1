"""The glossary: complete in both languages, and each of its terms is used on the pages that it names."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.lessons import glossary
from explorer.lessons.glossary import Explanation, read_glossary, terms_of

ROOT = Path(__file__).resolve().parents[2]
FILES = {"Loss lab": "loss_lab", "Trade-offs": "tradeoffs"}
NOT_FOLLOWED = {"explorer.ui.frame", "explorer.ui.services"}  # all pages import them
FOLLOWED = ("explorer.ui", "explorer.figures", "explorer.losses", "explorer.landscape", "explorer.training.presets")
REQUIRED = [
    "recall",
    "precision",
    "f1",
    "iou",
    "match_rule",
    "threshold",
    "own_threshold",
    "class_weight",
    "focal_gamma",
    "cross_entropy",
    "weighted_cross_entropy",
    "jaccard",
    "dice",
    "tversky",
    "lovasz",
    "learning_rate",
    "batch",
    "crop",
    "phase",
    "plan",
    "cycle",
    "trigger",
    "checkpoint",
    "validation_scene",
    "threshold_scene",
    "run",
    "slice",
    "plane",
    "field",
    "alpha_beta",
    "sharpness",
    "random_plane",
    "gradient_plane",
    "hessian_plane",
    "pca_plane",
    "minimum_area",
    "false_alarm",
    "miss",
    "hit",
    "panoptic_quality",
    "tolerance",
    "fingerprint",
    "preset",
    "control",
    "slow_motion",
    "seed",
    "steps_per_second",
]
GERMAN = 'de: {term: B, text: "Zehn Zeichen."}'
ENTRY = f'{{pages: [Train], en: {{term: A, text: "Ten letters."}}, {GERMAN}}}'


@cache
def module(name: str) -> ast.Module | None:
    file = ROOT / Path(*name.split(".")).with_suffix(".py")
    return ast.parse(file.read_text("utf-8")) if file.is_file() else None


def imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return {name for name in found if name.startswith(FOLLOWED) and name not in NOT_FOLLOWED}


def strings(tree: ast.Module) -> str:
    """The texts of a module but for its docstrings."""
    described = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    skipped = {id(node.value) for node in described}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in skipped]
    return "\n".join(node.value for node in texts if isinstance(node.value, str))


@cache
def text_of(page: str) -> str:
    """What a page, and what it is made of, can say."""
    if page == "Learn":
        return "\n".join(file.read_text("utf-8") for file in (ROOT / "assets" / "lessons" / "en").glob("*.md"))
    ahead, seen, said = [f"pages.{FILES.get(page, page.lower())}"], set[str](), []
    while ahead:
        name = ahead.pop()
        tree = None if name in seen else module(name)
        seen.add(name)
        if tree is not None:
            said.append(strings(tree))
            ahead += imported(tree)
    return "\n".join(said)


def is_used(term: Explanation, text: str) -> bool:
    words = (term.term, *term.aliases)
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in words)


@pytest.mark.parametrize("name", glossary.glossary())
def test_term_is_used_on_the_pages_that_it_names(name: str) -> None:
    entry = glossary.glossary()[name]
    assert [page for page in entry.pages if not is_used(entry.en, text_of(page))] == []


def test_a_term_that_a_page_does_not_use_is_found_out() -> None:
    entries = glossary.glossary()
    assert not is_used(entries["hessian_plane"].en, text_of("Imagery"))
    assert not is_used(entries["slow_motion"].en, text_of("Storage"))


def test_all_terms_are_there_in_both_languages() -> None:
    entries = glossary.glossary()
    assert sorted(set(REQUIRED) - entries.keys()) == []
    assert all(entry.de.text != entry.en.text for entry in entries.values())
    for language in glossary.LANGUAGES:
        terms = [entry.said(language).term for entry in entries.values()]
        assert len(set(terms)) == len(terms)


def test_terms_of_a_page_are_its_own_in_order() -> None:
    terms = [each.term for each in terms_of("Landscape", "en")]
    assert "Hessian plane" in terms
    assert "Slow motion" not in terms
    assert terms == sorted(terms, key=str.casefold)
    assert "Hesse-Ebene" in [each.term for each in terms_of("Landscape", "de")]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"one: {ENTRY}\ntwo: {ENTRY.replace(GERMAN, '')}", "two.de"),
        (f"one: {ENTRY.replace('Train', 'Trian')}", "one.pages[0]"),
        (f"one: {ENTRY.replace('term: A', 'trem: A')}", "one.en.term"),
        ("one: {", "line 1"),
    ],
)
def test_errors_name_the_entry(text: str, where: str, tmp_path: Path) -> None:
    file = tmp_path / "glossary.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as raised:
        read_glossary(file)
    assert where in raised.value.where
