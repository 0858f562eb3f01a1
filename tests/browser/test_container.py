"""The Dockerfile's instructions, carried out in order in a fresh folder: all that is needed is copied.

There is no Docker where the tests run. Its packages are those of the tests' environment; the root is made read-only,
and the server runs as a user without rights, in a mount namespace of its own. Only root can do that.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, free_port, settled, wait_for_health

USER = 10001
IGNORED_BY_DOCKER = [".venv", ".git", "tests", "docs", ".store", "tools"]


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile: name and the rest of the line, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines) if name]


def of(wanted: str) -> list[str]:
    return [rest for name, rest in instructions() if name == wanted]


def environment() -> dict[str, str]:
    (line,) = of("ENV")
    return dict(part.split("=", 1) for part in shlex.split(line))


def copies() -> list[tuple[list[str], str]]:
    return [(parts[:-1], parts[-1]) for parts in (line.split() for line in of("COPY"))]


def test_its_python_is_one_that_the_readme_names_and_nothing_else_is_fetched_by_name() -> None:
    (image,) = of("FROM")
    version = re.fullmatch(r"python:3\.(\d+)-slim", image)
    first, last = re.search(r"Python 3\.(\d+) to 3\.(\d+)", (ROOT / "README.md").read_text()).groups()  # type: ignore[union-attr]
    assert version is not None
    assert int(first) <= int(version[1]) <= int(last)
    assert "://" not in re.sub(r"http://127\.0\.0\.1:8501\S*", "", "".join(rest for _, rest in instructions()))
    (install,) = [line for line in of("RUN") if "pip install" in line]
    assert install.endswith("-r requirements.txt"), "no packages of the tests"


def test_requirements_are_installed_before_the_code_is_copied() -> None:
    order = [f"{name} {rest}" for name, rest in instructions()]
    install = next(index for index, line in enumerate(order) if "pip install" in line)
    assert [line for line in order[:install] if line.startswith("COPY")] == ["COPY requirements.txt ./"]


def test_it_ends_as_a_user_without_rights_whose_store_is_a_volume() -> None:
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in ("RUN", "COPY"))
    made = next(line for line in of("RUN") if "useradd" in line)
    assert f"--uid {USER}" in made
    assert made.split("&&")[0].split()[-1] == of("USER")[0] != "root"
    assert of("VOLUME") == [environment()["EXPLORER_STORE"]]


def test_what_is_copied_is_sent_to_docker_and_nothing_private_is() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert lines[[line.startswith("#") for line in lines].index(False)] == "*", "all else stays here"
    assert sent == {source for sources, _ in copies() for source in sources}
    assert not sent & set(IGNORED_BY_DOCKER)


def test_readme_starts_it_with_a_read_only_root() -> None:
    commands = re.findall(r"docker (?:build|run) .*", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(commands) == 2
    for part in ("--read-only", "--tmpfs /tmp", f":{environment()['EXPLORER_STORE']}", "--cap-drop ALL", "--init"):
        assert part in commands[1]
    assert environment()["HOME"] == "/tmp", "the one other place that can be written"


@pytest.fixture
def tree() -> Iterator[Path]:
    """What COPY and the RUN after it leave, in a folder that every user can reach."""
    with tempfile.TemporaryDirectory() as name:
        base, app = Path(name), Path(name) / "app"
        base.chmod(0o755)
        app.mkdir()
        for sources, target in copies():
            for source in sources:
                path = ROOT / source
                if path.is_dir():
                    shutil.copytree(path, app / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(path, app / target)
        compiled = next(line for line in of("RUN") if "compileall" in line)
        subprocess.run([sys.executable, *shlex.split(compiled)[1:]], cwd=app, check=True)
        (base / "store").mkdir(mode=0o700)
        os.chown(base / "store", USER, USER)
        yield base


def closed_to_others(path: Path) -> Path | None:
    """The folder above a path that other users cannot enter."""
    return next((above for above in reversed(path.parents) if not above.stat().st_mode & 0o001), None)


def script(tree: Path, command: list[str], variables: dict[str, str]) -> str:
    """Of a shell in its own mount namespace: a read-only root with the tree in it, and the command without rights."""
    python = Path(sys.base_prefix)
    lines = [
        "mount --make-rprivate /",
        "mount -t tmpfs -o mode=755 tmpfs /mnt",
        "mkdir /mnt/app /mnt/store /mnt/python",
        f"mount --bind {tree}/app /mnt/app",
        f"mount --bind {tree}/store /mnt/store",
        f"mount --bind {python} /mnt/python",
    ]
    closed = closed_to_others(python)
    if closed is not None:  # its other content is not there for the server
        lines += [
            f"mount -t tmpfs -o mode=755 tmpfs {closed}",
            f"mkdir -p {python}",
            f"mount --bind /mnt/python {python}",
            f"mount -o remount,ro,bind {closed}",
        ]
    lines += [
        "mount -t tmpfs -o mode=1777 tmpfs /tmp",
        *(f"mount -o remount,ro,bind {path}" for path in ("/mnt/app", "/mnt", "/")),
        "cd /mnt/app",
        f"exec setpriv --reuid={USER} --regid={USER} --clear-groups --bounding-set=-all --no-new-privs "
        + shlex.join(["env", "-i", *(f"{name}={value}" for name, value in variables.items()), *command]),
    ]
    return "\n".join(lines)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a read-only root and give up its rights")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare here")
def test_all_works_as_a_user_without_rights_on_a_read_only_root(page: Page, tree: Path) -> None:
    if subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False).returncode != 0:
        pytest.skip("this user may not mount")
    if closed_to_others(Path(sys.prefix)) is not None:
        pytest.skip("other users cannot reach the virtual environment of the tests")
    if Path("/tmp") in Path(sys.prefix).parents:
        pytest.skip("the container's /tmp hides the virtual environment of the tests")
    port = free_port()
    (command,) = of("CMD")
    words = [str(port) if word == "8501" else word for word in json.loads(command)]
    variables = environment() | {"EXPLORER_STORE": "/mnt/store", "PATH": f"{sys.prefix}/bin:/usr/bin:/bin"}
    log, address = tree / "log.txt", f"http://127.0.0.1:{port}"
    shell = ["unshare", "--mount", "sh", "-euc", script(tree, words, variables)]
    with log.open("wb") as file, subprocess.Popen(shell, stdout=file, stderr=subprocess.STDOUT) as server:
        try:
            wait_for_health(address, server, log)
            (health,) = of("HEALTHCHECK")
            check = json.loads(health.partition("CMD ")[2].replace("8501", str(port)))
            assert subprocess.run([sys.executable, *check[1:]], check=False).returncode == 0
            owners = {int(line.split()[1]) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines()
                      if line.startswith("Uid")}  # fmt: skip
            assert owners == {USER}
            page.goto(address)
            settled(page)
            page.get_by_role("button", name="Train on it").first.click()
            page.wait_for_url("**/train?run=*")
            expect(page.get_by_text(re.compile(r"step [1-9]\d* of")).first).to_be_visible(timeout=120_000)
            page.get_by_role("link", name="Loss lab").click()
            expect(page.get_by_text("p of the true class").first).to_be_visible(timeout=60_000)
        finally:
            server.terminate()
    said = log.read_text()
    assert not re.search("Traceback|[Rr]ead-only|[Pp]ermission denied|cannot be written|not writable", said), said
    assert {path.stat().st_uid for path in (tree / "store").rglob("*")} == {USER}
