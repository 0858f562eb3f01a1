"""Kills workers and servers at random moments while everything is at work, and looks for what was lost.

    python -m tests.benchmarks.kills [--workers N] [--servers N] [--minutes M] [--seed S] [--store DIR]

A server trains runs, measures slices, keeps uploads and saves datasets (``kills_server``). Its workers are killed one
at a time, it is itself killed and started again, all with SIGKILL, at moments that the seed decides: between two kills
lies at most the time that the machine needs from a start of the server to the first step. After each kill of the server
and at the end all that is on the disk is read (``kills_checks``). The program prints a table with a bar for each line,
and ends with 1 where one is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.benchmarks.kills_checks import Acknowledged, Findings, check_store, reference_steps
from tests.browser.conftest import ROOT

_START_SECONDS = 120.0
_FIRST_STEP_SECONDS = 300.0
_ORPHAN_SECONDS = 15.0
_NANNIES = 0.1  # share of the kills of workers that hit a nanny


@dataclass
class Server:
    """The server, its output, and what was seen of its processes."""

    root: Path
    temporary: Path
    acknowledged: Acknowledged
    faults: list[str]
    process: subprocess.Popen[str] | None = None
    ready: threading.Event = field(default_factory=threading.Event)

    def start(self) -> float:
        """Starts it; gives the seconds until it was there."""
        began = time.monotonic()
        self.ready.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.kills_server", str(self.root)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=self._log(), text=True,
            env=os.environ | {"TMPDIR": str(self.temporary), "OMP_WAIT_POLICY": "PASSIVE"},
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()
        if not self.ready.wait(_START_SECONDS):
            raise SystemExit(f"the server did not start:\n{self.log_file.read_text()[-3000:]}")
        return time.monotonic() - began

    def processes(self) -> list[psutil.Process]:
        """All below it."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def workers(self, sign: str = "spawn_main") -> list[psutil.Process]:
        """The workers, which nannies start; or their nannies."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if sign in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def kill(self) -> int:
        """Kills it; gives the number of processes that outlive it."""
        assert self.process is not None
        below = self.processes()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        _, alive = psutil.wait_procs(below, timeout=_ORPHAN_SECONDS)
        return len(alive)

    @property
    def log_file(self) -> Path:
        """What it says about faults."""
        return self.temporary.parent / "server.log"

    def _log(self) -> int:
        return os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(json.JSONDecodeError):  # the last line of one that was killed
                said = json.loads(line)
                if "ready" in said:
                    self.ready.set()
                elif "fault" in said:
                    self.faults.append(said["fault"])
                else:
                    self.acknowledged.add(said)


def main() -> int:
    """Runs the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=100, help="kills of workers")
    parser.add_argument("--servers", type=int, default=30, help="kills of the server")
    parser.add_argument("--minutes", type=float, default=120.0, help="no kills after so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, help="folder to work in, which is kept; a temporary one if not given")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        base = given.store or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kills-")))
        (base / "tmp").mkdir(parents=True, exist_ok=True)
        return soak(
            base, given.workers, given.servers, random.Random(given.seed), time.monotonic() + 60 * given.minutes
        )


def soak(base: Path, workers: int, servers: int, chance: random.Random, until: float) -> int:
    """Kills, checks, and prints; gives the exit status."""
    made = {"worker": 0, "server": 0}
    findings, faults = Findings(reference_steps()), list[str]()
    server = Server(base / "store", base / "tmp", Acknowledged(), faults)
    order = ["worker"] * workers + ["server"] * servers
    chance.shuffle(order)
    try:
        starts = [server.start()]
        pace = findings.await_step(server.root, _FIRST_STEP_SECONDS)  # on a busy machine workers start slowly
        for number, kind in enumerate(order, 1):
            if time.monotonic() > until:
                break
            time.sleep(chance.uniform(0.0, pace))
            made[kind] += 1
            if kind == "worker":
                victims = server.workers("distributed.Nanny") if chance.random() < _NANNIES else server.workers()
                deadline = time.monotonic() + _START_SECONDS
                while not victims and time.monotonic() < deadline:  # all of them are about to start
                    time.sleep(0.05)
                    victims = server.workers()
                if not victims:
                    faults.append(f"no worker came back within {_START_SECONDS:.0f} s")
                    continue
                with contextlib.suppress(psutil.NoSuchProcess):
                    chance.choice(victims).kill()
            else:
                findings.orphans += server.kill()
                check_store(server.root, server.acknowledged, findings, "after a kill of the server")
                starts.append(server.start())
            if server.process is not None and server.process.poll() is not None:
                faults.append(f"the server ended by itself ({server.process.returncode})")
                starts.append(server.start())
            print(
                f"\r{number}/{len(order)} kills, {len(findings.wrong)} findings ", end="", file=sys.stderr, flush=True
            )
        ended = findings.await_runs(server.root, seconds=120.0)
        findings.orphans += server.kill()
        check_store(server.root, server.acknowledged, findings, "at the end")
        folders = len(list(server.temporary.glob("explorer-cluster-*")))
    finally:
        if server.process is not None:
            server.process.kill()
    print(file=sys.stderr)
    lines = [
        ("kills of workers, of the server", f"{made['worker']}, {made['server']}", True),
        ("runs made, ended as planned", f"{findings.runs}, {findings.done}", findings.done > 0 and ended),
        (
            "resumptions, each from the last saved state; most steps made again",
            f"{findings.resumptions}; {findings.most_lost}",
            True,
        ),
        (
            "most training seconds made again (2, or a hundred times what a save takes)",
            f"{findings.most_seconds:.1f}",
            True,
        ),
        ("uploads acknowledged", f"{len(server.acknowledged.uploads)}", True),
        ("datasets acknowledged", f"{len(server.acknowledged.datasets)}", True),
        ("slices finished; interrupted and gone on with", f"{findings.slices}; {findings.slices_resumed}", True),
        ("what was lost or wrong", f"{len(findings.wrong)}", not findings.wrong),
        ("faults of the server", f"{len(faults)}", not faults),
        ("orphan processes", f"{findings.orphans}", findings.orphans == 0),
        ("folders of clusters left in the temporary folder", f"{folders}", folders <= 1),
        ("half-written files, at most one a kill", f"{findings.leftovers}", findings.leftovers <= sum(made.values())),
        ("slowest start of the server, s", f"{max(starts):.1f}", True),
    ]
    for name, value, reached in lines:
        print(f"| {name} | {value} | {'yes' if reached else 'NO'} |")
    for what in [*findings.wrong, *faults][:40]:
        print(f"- {what}")
    return 0 if all(reached for *_, reached in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
