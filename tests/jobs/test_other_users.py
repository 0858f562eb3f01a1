"""Another user of the machine, beside a server with workers: what they can read, reach and end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.jobs.server import WORKERS

NOBODY = 65534
TRY = """
import json, os, socket, sys
given = json.load(sys.stdin)
found = {"user": os.getuid(), "read": [], "written": [], "signalled": [], "answered": []}
for path in given["paths"]:
    for name in (path, *(os.path.join(path, each) for each in given["names"])):
        try:
            os.listdir(name) if os.path.isdir(name) else open(name, "rb").read(1)
        except OSError:
            continue
        found["read"].append(name)
    try:
        open(os.path.join(path, "planted"), "w")
        found["written"].append(path)
    except OSError:
        pass
for process in given["processes"]:
    for name in ("environ", "mem", "maps", "fd/0"):
        try:
            open(f"/proc/{process}/{name}", "rb").read(1)
        except OSError:
            continue
        found["read"].append(f"{process} {name}")
    try:
        os.kill(process, 0)
        found["signalled"].append(process)
    except OSError:
        pass
for port in given["ports"]:
    for asked in (b"GET / HTTP/1.0\\r\\n\\r\\n", b"\\x00" * 64):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
                connection.sendall(asked)
                if connection.recv(64):
                    found["answered"].append([port, asked.decode()])
        except OSError:
            continue
print(json.dumps(found))
"""

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Path]]:
    """A server with a store in a folder that all users can enter; its process and its store."""
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(base / "store")]
    environment = os.environ | {"SECRET_OF_THE_SERVER": "not for others"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip(), "its run trains"
            yield process.pid, base / "store"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
            shutil.rmtree(base)


def tried(paths: list[Path], names: list[str], processes: list[int], ports: list[int]) -> dict[str, Any]:
    """What another user can do, by the system's own Python, which every user can start."""
    python = next((name for name in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(name).exists()), None)
    if python is None:
        pytest.skip("there is no Python that another user could start")
    given = {"paths": list(map(str, paths)), "names": names, "processes": processes, "ports": ports}
    done = subprocess.run(
        [python, "-c", TRY], input=json.dumps(given), user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("user") == NOBODY
    return found


def test_another_user_finds_no_way_in(server: tuple[int, Path]) -> None:
    process, store = server
    family = [psutil.Process(process), *psutil.Process(process).children(recursive=True)]
    keys = {Path(word).parent for each in family for word in json_strings(each) if word.endswith("key.pem")}
    (folder,) = keys
    ports = [
        connection.laddr.port
        for each in family
        for connection in each.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(ports) == 1 + 2 * WORKERS, "the scheduler, and workers with their nannies"
    names = [
        "store.sqlite",
        "server.json",
        "runs",
        "datasets",
        "key.pem",
        "certificate.pem",
        "scheduler.json",
        "in-use",
    ]
    found = tried([store, folder], names, [each.pid for each in family], ports)
    assert found == {"read": [], "written": [], "signalled": [], "answered": []}
    (as_root,) = [Path(folder, "key.pem").stat()]
    assert as_root.st_mode & 0o077 == 0


def json_strings(process: psutil.Process) -> list[str]:
    """All strings of the specifications on a process's command line, which every user can read."""
    return [part for word in process.cmdline() for part in word.split('"')]


def test_a_command_line_holds_no_secret(server: tuple[int, Path]) -> None:
    process, _ = server
    family = [psutil.Process(process), *psutil.Process(process).children(recursive=True)]
    said = " ".join(" ".join(each.cmdline()) for each in family)
    assert "PRIVATE KEY" not in said
    assert "not for others" not in said


def test_what_another_user_plants_in_the_temporary_folder_is_neither_used_nor_followed(tmp_path: Path) -> None:
    """A folder of the cluster has a name that nobody can guess; one that looks like it and is not its own is left."""
    planted = Path(tempfile.gettempdir()) / "explorer-cluster-planted0"
    planted.mkdir()
    (planted / "in-use").touch()
    shutil.chown(planted, NOBODY, NOBODY)
    try:
        subprocess.run(
            [sys.executable, "-c", "from explorer.jobs.cluster_folder import ClusterFolder; ClusterFolder().remove()"],
            check=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        assert (planted / "in-use").exists()
    finally:
        shutil.rmtree(planted)
