"""Makefile, .pre-commit-config.yaml, .ci/run and the README name the same commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile."""
    found = re.search(rf"^{re.escape(target)}:.*\n((?:\t.+\n)+)", read("Makefile"), re.MULTILINE)
    assert found is not None, f"the Makefile has no target {target}"
    return [line.strip() for line in found[1].splitlines()]


def hooks() -> list[dict[str, object]]:
    config = yaml.safe_load(read(".pre-commit-config.yaml"))
    return [hook for repository in config["repos"] for hook in repository["hooks"]]


@pytest.mark.parametrize("target", ["setup", "run", "test", "lint", "bench", "docs"])
def test_target_sets_the_environment_up_first(target: str) -> None:
    makefile = read("Makefile")
    needs = ".venv/installed" if target == "setup" else "setup"
    assert re.search(rf"^{target}: {re.escape(needs)}$", makefile, re.MULTILINE)
    assert re.search(rf"^\.PHONY:.* {target}\b", makefile, re.MULTILINE)


def test_hooks_are_the_commands_of_lint() -> None:
    assert [hook["entry"] for hook in hooks()] == recipe("lint")
    assert {hook["language"] for hook in hooks()} == {"system"}, "hooks call the installed tools"
    config = yaml.safe_load(read(".pre-commit-config.yaml"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]


def test_ci_runs_the_commands_of_lint() -> None:
    lines = read(".ci/run").splitlines()
    start = lines.index(recipe("lint")[0])
    assert lines[start : start + len(recipe("lint"))] == recipe("lint")


def test_readme_and_makefile_set_up_and_run_alike() -> None:
    blocks = re.findall(r"```bash\n(.+?)\n```", read("README.md"), re.DOTALL)
    app, tests = (block.split(" && ") for block in blocks[:2])
    assert app[-1:] == recipe("run")
    assert tests[-1:] == recipe("test")
    assert tests[1] in recipe(".venv/installed")


def test_every_benchmark_of_the_readme_is_run() -> None:
    named = re.findall(r"\| `(python -m tests\.benchmarks\.\w+)` \|", read("README.md"))
    assert [f".venv/bin/{command}" for command in named] == recipe("bench")
    for command in named:
        assert (ROOT / (command.rpartition(" ")[2].replace(".", "/") + ".py")).is_file()
