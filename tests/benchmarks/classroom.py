"""What it costs that a class looks: real sessions against a real server while a run trains.

    python -m tests.benchmarks.classroom [--seconds S] [--viewers N]

Prints, each with its bar: what it costs that open pages follow the teacher's changes, what one viewer of a run costs
of a core and of the training speed, how fast and how large the answers are, and the same for a class that looks at
one run, and at as many runs as there are viewers. A viewer does what the page in a browser does: it opens the page,
asks for what has changed once a second, fetches each new prediction, and has the parts of the page run that run by
themselves. Shares are those of one core. The workers, which train, are not counted. Speed with a viewer and without
is measured in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from tornado.httpclient import AsyncHTTPClient

from explorer.imagery.builtin import builtin_dataset
from explorer.runs.store import Store
from explorer.training.plan import scaled
from explorer.training.presets import preset_plan
from explorer.ui.class_push import FOLLOW_SECONDS
from tests.benchmarks.session import FollowedRun, Reply, Session
from tests.browser.conftest import ROOT, free_port, wait_for_health

ONE_CORE, ONE_SPEED = 0.03, 0.02  # of a core, and of the training speed, that one viewer may cost
CLASS_CORE, CLASS_P95, RUNS_P95 = 0.35, 0.3, 0.5  # of a core; seconds
POLL_BYTES = 4096  # median
PUSH_CORE = 0.03  # of a core: open pages that ask whether the teacher has changed something
STEPS = 100_000  # of each run
_TURNS = 3


@dataclass
class Look:
    """What a number of viewers were answered in some time."""

    polls: list[Reply] = field(default_factory=list)
    parts: list[Reply] = field(default_factory=list)  # of pages that run by themselves
    errors: list[str] = field(default_factory=list)
    core: float = 0.0  # share of one that the server took

    def joined(self, other: Look) -> Look:
        """Of both; the share is the mean of those that were measured."""
        shares = [each.core for each in (self, other) if each.core]
        return Look(self.polls + other.polls, self.parts + other.parts, self.errors + other.errors,
                    statistics.fmean(shares) if shares else 0.0)  # fmt: skip

    @property
    def p95(self) -> float:
        """Seconds within which 95 % of all answers came."""
        return float(np.quantile([reply.seconds for reply in (*self.polls, *self.parts)], 0.95))


async def viewer(address: str, run_id: str, seconds: float) -> Look:
    """Looks at a run."""
    look = Look()
    try:
        session = await Session.begin(address, "train", f"run={run_id}")
    except Exception as error:  # whatever goes wrong is counted
        look.errors.append(repr(error))
        return look
    followed, until = FollowedRun(address, run_id), time.monotonic() + seconds

    async def polling() -> None:
        while time.monotonic() < until:
            look.polls.append(await followed.ask())
            await asyncio.sleep(1.0)

    async def part() -> None:
        while time.monotonic() < until:
            due = list(session.fragments.items())
            await asyncio.sleep(min((every for _, every in due), default=1.0))
            for fragment, _ in due:
                look.parts.append(await session.run(fragment))

    for ended in await asyncio.gather(polling(), part(), return_exceptions=True):
        if isinstance(ended, BaseException):
            look.errors.append(repr(ended))
    look.errors += session.problems
    await session.end()
    return look


async def watched(server: psutil.Process, address: str, runs: Sequence[str], seconds: float) -> Look:
    """All of these runs looked at, each by one viewer. What opening the pages costs is not counted in the share."""
    looks = [asyncio.create_task(viewer(address, run_id, seconds + 5)) for run_id in runs]
    await asyncio.sleep(5)
    before, began = sum(server.cpu_times()[:2]), time.perf_counter()
    await asyncio.sleep(seconds)
    core = (sum(server.cpu_times()[:2]) - before) / (time.perf_counter() - began)
    together = Look(core=core)
    for look in await asyncio.gather(*looks):
        together = together.joined(look)
    together.core = core
    return together


async def core_of(server: psutil.Process, seconds: float) -> float:
    """Share of a core that the server takes."""
    before, began = sum(server.cpu_times()[:2]), time.perf_counter()
    await asyncio.sleep(seconds)
    return (sum(server.cpu_times()[:2]) - before) / (time.perf_counter() - began)


async def following(server: psutil.Process, address: str, pages: int, seconds: float) -> float:
    """Share of a core that it costs that these pages follow the class, nothing else being done."""
    idle = await core_of(server, seconds)

    async def page(number: int) -> None:
        await asyncio.sleep(number / pages * FOLLOW_SECONDS)
        while True:
            await AsyncHTTPClient().fetch(f"{address}/live/class/{number}", request_timeout=60)
            await asyncio.sleep(FOLLOW_SECONDS)

    asking = [asyncio.create_task(page(number)) for number in range(pages)]
    await asyncio.sleep(FOLLOW_SECONDS)
    core = await core_of(server, seconds)
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    return core - idle


async def speed(followed: FollowedRun, seconds: float) -> float:
    """Steps a second of the run that trains."""
    first, began = await followed.step(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (await followed.step() - first) / (time.perf_counter() - began)


def prepared(root: Path, runs: int) -> list[str]:
    """Ids of runs on the car park that are long enough for all measurements; none has begun."""
    store = Store(root)
    dataset_id, plan = store.save_dataset(builtin_dataset("car_park")), scaled(preset_plan("ce_only"), STEPS)
    made = [store.create_run(plan, dataset_id).id for _ in range(runs)]
    store.close()
    return made


async def play(address: str, run_id: str) -> None:
    """Begins a run, by a click on its page."""
    visitor = await Session.begin(address, "train", f"run={run_id}")
    await visitor.run(button="Play")
    await visitor.end()


def line(what: str, value: str, bar: str, met: bool) -> bool:
    """Prints a row; says whether its bar is met."""
    print(f"{what:<64} {value:>12}   {bar:<10} {'met' if met else 'NOT met'}", flush=True)
    return met


async def measured(address: str, server: psutil.Process, seconds: float, runs: Sequence[str]) -> bool:
    """All measurements, with as many viewers as there are runs; says whether every bar is met."""
    run_id, viewers = runs[0], len(runs)
    push = await following(server, address, viewers, seconds)
    met = [line(f"{viewers} pages follow the class: share of a core", f"{push:.1%}", f"≤ {PUSH_CORE:.0%}",
                push <= PUSH_CORE)]  # fmt: skip
    await play(address, run_id)
    followed = FollowedRun(address, run_id)
    while await followed.step() < 20:
        await asyncio.sleep(1)
    alone, shared, one, idle = [], [], Look(), []
    for _ in range(_TURNS):
        before, began = sum(server.cpu_times()[:2]), time.perf_counter()
        alone.append(await speed(followed, seconds))
        idle.append((sum(server.cpu_times()[:2]) - before) / (time.perf_counter() - began))
        looking = asyncio.create_task(watched(server, address, [run_id], seconds))
        await asyncio.sleep(5)  # the page is open
        shared.append(await speed(followed, seconds))
        one = one.joined(await looking)
    core = one.core - statistics.fmean(idle)
    slower = 1 - statistics.fmean(shared) / statistics.fmean(alone)
    size = statistics.median(reply.size for reply in one.polls)
    met += [
        line("one viewer: share of a core", f"{core:.1%}", f"≤ {ONE_CORE:.0%}", core <= ONE_CORE),
        line("one viewer: training is slower by", f"{slower:.1%}", f"≤ {ONE_SPEED:.0%}", slower <= ONE_SPEED),
        line("median bytes of an answer", f"{size:.0f}", f"≤ {POLL_BYTES}", size <= POLL_BYTES),
    ]
    room = await watched(server, address, [run_id] * viewers, seconds)
    met += _of_class(f"{viewers} viewers of one run", room, CLASS_P95)
    met.append(line(f"{viewers} viewers of one run: share of a core", f"{room.core:.1%}", f"≤ {CLASS_CORE:.0%}",
                    room.core <= CLASS_CORE))  # fmt: skip
    for other in runs[1:]:
        await play(address, other)
    met += _of_class(f"{viewers} viewers of {viewers} runs", await watched(server, address, runs, seconds), RUNS_P95)
    return all(met)


def _of_class(who: str, look: Look, most: float) -> list[bool]:
    for error in dict.fromkeys(look.errors):
        print(f"  {error}"[:160])
    return [
        line(
            f"{who}: 95 % are answered within", f"{look.p95 * 1000:.0f} ms", f"≤ {most * 1000:.0f} ms", look.p95 <= most
        ),
        line(f"{who}: errors", str(len(look.errors)), "0", not look.errors),
    ]


async def _main(seconds: float, viewers: int) -> bool:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as store:
        runs = prepared(Path(store), viewers)
        return await served(command, address, store, seconds, runs)


async def served(command: list[str], address: str, store: str, seconds: float, runs: Sequence[str]) -> bool:
    """The measurements against a server of their own."""
    with (
        subprocess.Popen(command, cwd=ROOT, env=os.environ | {"EXPLORER_STORE": store}, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL) as server,
    ):  # fmt: skip
        try:
            await asyncio.to_thread(wait_for_health, address, server, Path(os.devnull))
            return await measured(address, psutil.Process(server.pid), seconds, runs)
        finally:
            server.terminate()


def main() -> int:
    """Prints the measurements; 1 if a bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--viewers", type=int, default=30)
    chosen = parser.parse_args()
    return 0 if asyncio.run(_main(chosen.seconds, chosen.viewers)) else 1


if __name__ == "__main__":
    sys.exit(main())
