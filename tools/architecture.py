"""Draws docs/architecture.svg from the imports: ``python -m tools.architecture``.

Boxes are the packages of the layers contract in pyproject.toml, in its order. Arrows are imports; one that follows
from others (pages → ui → figures implies pages → figures) is left out, so that the picture stays readable.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import grimp

from tools.import_contracts import add_script

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"

_LAYERS_CONTRACT = "Imports go down the layers"
_STAND_ALONE = {"app": "pages", "explorer.__main__": "explorer.cli"}
"""Modules outside the layers that are drawn in the box of the package that they start."""

_WIDTH, _ROW, _BOX, _HEIGHT, _MARGIN, _STAGGER = 760, 78, 132, 36, 20, 140  # pixels

Imports = Mapping[str, set[str]]


def layers() -> list[list[str]]:
    """The packages of each layer, top layer first."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["name"] == _LAYERS_CONTRACT)
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def package_imports(packages: Sequence[str]) -> dict[str, set[str]]:
    """Which of the packages each of them imports, except for type checking only."""
    graph = grimp.build_graph(
        "explorer",
        "pages",
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )
    add_script(graph, ROOT / "app.py")
    imports: dict[str, set[str]] = {package: set() for package in packages}
    for module in graph.modules:
        importer = _package_of(module, packages)
        if importer is None:
            continue
        imported = {_package_of(other, packages) for other in graph.find_modules_directly_imported_by(module)}
        imports[importer] |= {package for package in imported if package is not None and package != importer}
    return imports


def without_implied(imports: Imports) -> dict[str, set[str]]:
    """The imports that do not follow from a longer way (the transitive reduction of a graph without circles).

    >>> without_implied({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    {'a': {'b'}, 'b': {'c'}, 'c': set()}
    """

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = set(imports[start])
        while ahead:
            package = ahead.pop()
            found.add(package)
            ahead |= imports[package] - found
        return found

    return {
        importer: imported - set().union(*(reached(package) for package in imported))
        for importer, imported in imports.items()
    }


def draw(rows: Sequence[Sequence[str]], imports: Imports) -> str:
    """The picture as SVG.

    Args:
        rows: packages of each row, top first.
        imports: the arrows.
    """
    centres = {
        package: (
            round(_WIDTH * (number + 1) / (len(row) + 1)) + _shift(rows, level),
            _MARGIN + level * _ROW + _HEIGHT // 2,
        )
        for level, row in enumerate(rows)
        for number, package in enumerate(row)
    }
    height = 2 * _MARGIN + (len(rows) - 1) * _ROW + _HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'font-family="sans-serif" font-size="14" role="img" aria-label="Packages and their imports">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#52606d"/></marker></defs>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for importer, (x, y) in centres.items():
        for imported in sorted(imports[importer], key=list(centres).index):
            x2, y2 = centres[imported]
            start, end = y + _HEIGHT // 2, y2 - _HEIGHT // 2 - 2
            middle = (start + end) // 2
            lines.append(
                f'<path d="M{x} {start}C{x} {middle} {x2} {middle} {x2} {end}" fill="none" stroke="#52606d" '
                f'stroke-width="1.3" marker-end="url(#head)"><title>{_title(importer)} imports {_title(imported)}'
                "</title></path>"
            )
    for package, (x, y) in centres.items():
        lines += [
            f'<rect x="{x - _BOX // 2}" y="{y - _HEIGHT // 2}" width="{_BOX}" height="{_HEIGHT}" rx="6" '
            'fill="#e8f1f8" stroke="#0072b2"/>',
            f'<text x="{x}" y="{y + 5}" text-anchor="middle" fill="#1b2631">{_title(package)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def picture() -> str:
    """The picture of the tree as it is."""
    rows = layers()
    return draw(rows, without_implied(package_imports([package for row in rows for package in row])))


def _shift(rows: Sequence[Sequence[str]], level: int) -> int:
    """Pixels to the right. Single boxes below each other alternate, so that no arrow is hidden behind one of them."""
    below = 0
    while level + below < len(rows) and len(rows[level + below]) == 1:
        below += 1
    return 0 if below < 2 else _STAGGER if below % 2 == 0 else -_STAGGER


def _package_of(module: str, packages: Sequence[str]) -> str | None:
    module = _STAND_ALONE.get(module, module)
    return next((package for package in packages if f"{module}.".startswith(f"{package}.")), None)


def _title(package: str) -> str:
    own = [module for module, home in _STAND_ALONE.items() if home == package and "." not in module]
    return ", ".join([package.removeprefix("explorer."), *(f"{module}.py" for module in own)])


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}", file=sys.stderr)
