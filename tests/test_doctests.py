"""The examples in the docstrings of losses, metrics, landscape and training give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("losses", "metrics", "landscape", "training")
FEWEST = 5  # examples in each package


def modules_with_examples(package: str) -> list[str]:
    """Names of a package's modules with a doctest prompt in them."""
    files = sorted((ROOT / "explorer" / package).rglob("*.py"))
    return [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in files
        if ">>> " in file.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("name", [name for package in PACKAGES for name in modules_with_examples(package)])
def test_examples_of_module_hold(name: str) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in doctest.DocTestFinder().find(importlib.import_module(name)):
        runner.run(example, out=report.append)
    assert runner.tries > 0
    assert not report, "".join(report)


@pytest.mark.parametrize("package", PACKAGES)
def test_package_has_examples(package: str) -> None:
    finder, names = doctest.DocTestFinder(), modules_with_examples(package)
    found = [
        example for name in names for test in finder.find(importlib.import_module(name)) for example in test.examples
    ]
    assert len(found) >= FEWEST
