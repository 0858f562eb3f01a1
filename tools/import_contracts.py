"""A contract of import-linter for scripts, which its own contracts cannot see because they belong to no package."""

from __future__ import annotations

import ast
from pathlib import Path

from grimp import ImportGraph
from importlinter import fields
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.domain.contract import ContractCheck


class ForbiddenForScripts(ForbiddenContract):
    """A forbidden contract whose ``source_modules`` may name scripts such as ``app``.

    Configuration options: those of the forbidden contract, and
        - scripts: files, relative to the working directory; ``app.py`` is the module ``app``.
    """

    type_name = "forbidden_for_scripts"
    scripts = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Adds the scripts to the graph, then checks as the forbidden contract does."""
        for script in sorted(self.scripts):  # type: ignore[call-overload]  # the field stands for its value
            add_script(graph, Path(script))
        return super().check(graph, verbose)


def add_script(graph: ImportGraph, script: Path) -> None:
    """Adds a file and its imports to the graph, as a module named after it.

    Args:
        graph: with external packages, each of them one module.
        script: a Python file.
    """
    graph.add_module(script.stem)
    source = script.read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in _imported(node):
            module = _module_of(graph, name)
            if module not in graph.modules:
                graph.add_module(module, is_squashed=True)
            graph.add_import(
                importer=script.stem,
                imported=module,
                line_number=node.lineno,
                line_contents=lines[node.lineno - 1].strip(),
            )


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names]


def _module_of(graph: ImportGraph, name: str) -> str:
    """The module of the graph that holds this name: itself, a parent, or an external package by its first part."""
    while name not in graph.modules and "." in name:
        name = name.rpartition(".")[0]
    return name
