"""The import contracts of pyproject.toml are broken by what they forbid, in packages, pages and app.py alike."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NO_TORCH, NO_CLUSTER = "The server never imports torch", "The command line runs without the cluster"
ONLY_JOBS, LAYERS = "Only jobs use Dask", "Imports go down the layers"
BELOW_JOBS = "What lies below jobs works without Dask"
DECODES_NOTHING = "The server decodes nothing that a visitor sent"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of everything that the contracts read."""
    for name in ("explorer", "pages", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def broken_contracts(tree: Path) -> set[str]:
    """Names of the contracts that ``lint-imports`` finds broken; its exit code has to agree."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    # without the path that starting a cluster adds: `pages` is a namespace, whose modules may then come from either
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120, check=False)
    broken = set(re.findall(r"^(.+) BROKEN\b", ended.stdout, re.MULTILINE))
    assert " KEPT" in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == (1 if broken else 0)
    return broken


def test_tree_keeps_all_contracts(tree: Path) -> None:
    assert broken_contracts(tree) == set()


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("pages/train.py", "import torch", NO_TORCH),
        ("app.py", "import torch", NO_TORCH),
        ("app.py", "from torch import nn", NO_TORCH),
        ("app.py", "def later() -> None:\n    import torch.nn", NO_TORCH),
        ("app.py", "import explorer.losses.pixelwise", NO_TORCH),
        ("pages/train.py", "from explorer.losses import pixelwise", NO_TORCH),
        ("explorer/ui/frame.py", "import explorer.training.loop", NO_TORCH),
        ("app.py", "import dask", ONLY_JOBS),
        ("pages/imagery.py", "from distributed import Client", ONLY_JOBS),
        ("explorer/ui/reading.py", "from explorer.imagery.reading.raster import read_raster", DECODES_NOTHING),
        ("explorer/cli/train.py", "from explorer.jobs import engine", NO_CLUSTER),
        ("explorer/runs/folder.py", "import distributed", BELOW_JOBS),
        ("explorer/figures/colours.py", "import explorer.ui.frame", LAYERS),
        ("explorer/ui/frame.py", "import pages.train", LAYERS),
        ("explorer/files.py", "import explorer.imagery.scene", LAYERS),
    ],
)
def test_forbidden_import_breaks_its_contract(tree: Path, file: str, line: str, contract: str) -> None:
    with (tree / file).open("a") as source:
        source.write(f"\n{line}\n")
    assert contract in broken_contracts(tree)
