"""What it costs that a class looks: real sessions against a real server while a run trains.

    python -m tests.benchmarks.classroom [--seconds S] [--viewers N] [--only PART …]

Prints measurements, each with its bar; the last part needs Chromium. A viewer does what the page in a browser does:
it opens the page, asks for what has changed once a second, fetches each new prediction, has the page drawn again where
only the page can draw what has changed, and clicks now and then on a page that does not move by itself. Shares are
those of one core. The workers, which train, are not counted. Speed with a viewer and without is measured in turns, so
that a busy machine slows both.
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
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from tornado.httpclient import AsyncHTTPClient

from explorer.runs.records import RunStatus
from explorer.runs.store import Store
from explorer.training.events import Step, from_json
from explorer.ui.class_push import FOLLOW_SECONDS
from tests.benchmarks.classroom_browser import measured_in_browser
from tests.benchmarks.classroom_runs import LENGTHS, Runs, copy_slices, prepared
from tests.benchmarks.classroom_viewers import Look, cpu, of_landscape, of_run, watched
from tests.benchmarks.session import FollowedRun, Session
from tests.browser.conftest import ROOT, free_port, wait_for_health

ONE_CORE, ONE_SPEED = 0.03, 0.02  # of a core, and of the training speed, that one viewer may cost
PUSH_CORE = 0.03  # of a core: open pages that ask whether the teacher has changed something
CLASS_CORE, CLASS_P95, RUNS_P95 = 0.35, 0.3, 0.5  # of a core; seconds
POLL_BYTES = 4096  # median
FLAT = 1.25  # times as much, at most, at the most steps as at the fewest
SESSIONS, LEFT_OPEN, LEFT_BYTES = 200, 10, 20 * 1024 * 1024  # descriptors and memory more after so many sessions
MAIN_THREAD = 3.0  # seconds a minute
HIDDEN_SHARE = 0.1  # of the questions of a tab in view
_TURNS = 9
_SETTLING = 3.0  # seconds between turns
_KEPT_FOR = 32.0  # seconds after which a session is forgotten, see .streamlit/config.toml
_FEW = 8  # sessions


@dataclass(frozen=True)
class Room:
    """Where a class looks."""

    address: str  # of the server
    server: psutil.Process
    store: Path
    runs: Runs
    seconds: float  # of each measurement
    viewers: int


def line(what: str, value: str, bar: str, met: bool) -> bool:
    """Prints a row; says whether its bar is met."""
    print(f"{what:<72} {value:>12}   {bar:<10} {'met' if met else 'NOT met'}", flush=True)
    return met


async def play(room: Room, run_id: str) -> FollowedRun:
    """Begins a run, by a click on its page, and waits for its first steps."""
    followed = FollowedRun(room.address, run_id)
    before = await followed.step()
    visitor = await Session.begin(room.address, "train", f"run={run_id}")
    await visitor.run(button="Resume" if before else "Play")
    await visitor.end()
    while await followed.step() < before + 20:
        await asyncio.sleep(0.5)
    return followed


async def pause(room: Room, run_id: str) -> None:
    """Pauses it, likewise."""
    visitor = await Session.begin(room.address, "train", f"run={run_id}")
    await visitor.run(button="Pause")
    await visitor.end()
    store = Store(room.store)
    while store.run(run_id).status is not RunStatus.PAUSED:
        await asyncio.sleep(0.2)
    store.close()


@asynccontextmanager
async def training(room: Room, run_id: str) -> AsyncIterator[FollowedRun]:
    """A run that trains meanwhile."""
    followed = await play(room, run_id)
    try:
        yield followed
    finally:
        await pause(room, run_id)


async def speed(room: Room, run_id: str, seconds: float) -> float:
    """Steps a second of the run that trains, by its own clock: others hear of a step up to half a second later."""
    first = _last_step(room, run_id)
    await asyncio.sleep(seconds)
    last = _last_step(room, run_id)
    return (last.step - first.step) / (last.seconds - first.seconds)


def _last_step(room: Room, run_id: str) -> Step:
    lines = (room.store / "runs" / run_id / "events.jsonl").read_bytes().rpartition(b"\n")[0].splitlines()
    events = (from_json(line.decode()) for line in reversed(lines))
    return next(event for event in events if isinstance(event, Step))


async def one_viewer(room: Room) -> list[bool]:
    """What one viewer costs, against nobody who looks."""
    run_id, alone, shared, idle, one = room.runs.training, [], [], [], Look()
    async with training(room, run_id):
        for _ in range(_TURNS):
            before, began = cpu(room.server), time.perf_counter()
            alone.append(await speed(room, run_id, room.seconds))
            idle.append((cpu(room.server) - before) / (time.perf_counter() - began))
            looking = asyncio.create_task(watched(room.server, [of_run(room.address, run_id)], room.seconds))
            await asyncio.sleep(8)  # the page is open
            shared.append(await speed(room, run_id, room.seconds))
            one = one.joined(await looking)
            await asyncio.sleep(_SETTLING)
    core = one.core - statistics.fmean(idle)
    turns = [1 - b / a for a, b in zip(alone, shared, strict=True)]
    slower, unsure = statistics.median(turns), statistics.stdev(turns) / len(turns) ** 0.5
    print(f"  training slower by, turn by turn: {', '.join(f'{each:+.1%}' for each in turns)} (± {unsure:.1%}); "
          f"server without a viewer: {statistics.fmean(idle):.1%}")  # fmt: skip
    return [
        line("one viewer: share of a core", f"{core:.1%}", f"≤ {ONE_CORE:.0%}", core <= ONE_CORE),
        line("one viewer: training is slower by (median)", f"{slower:.1%}", f"≤ {ONE_SPEED:.0%}", slower <= ONE_SPEED),
        line("median bytes of an answer", f"{one.size:.0f}", f"≤ {POLL_BYTES}", one.size <= POLL_BYTES),
    ]


async def class_of_one_run(room: Room) -> list[bool]:
    """All look at the run that trains."""
    async with training(room, room.runs.training):
        viewers = [of_run(room.address, room.runs.training)] * room.viewers
        look = await watched(room.server, viewers, room.seconds)
    who = f"{room.viewers} viewers of one run"
    share = line(f"{who}: share of a core", f"{look.core:.1%}", f"≤ {CLASS_CORE:.0%}", look.core <= CLASS_CORE)
    return [*_answered(who, look, CLASS_P95), share]


async def class_of_runs(room: Room) -> list[bool]:
    """Each looks at a run of its own: one trains, some wait, the others have ended."""
    runs = room.runs
    async with training(room, runs.training):
        for run_id in runs.waiting:
            visitor = await Session.begin(room.address, "train", f"run={run_id}")
            await visitor.run(button="Play")
            await visitor.end()
        shown = [runs.training, *runs.waiting, *runs.ended][: room.viewers]
        look = await watched(room.server, [of_run(room.address, run_id) for run_id in shown], room.seconds)
        for run_id in runs.waiting:
            await pause(room, run_id)
    return _answered(f"{room.viewers} viewers of {len(shown)} runs", look, RUNS_P95)


async def class_of_landscapes(room: Room) -> list[bool]:
    """Each looks at the landscape of a run of its own, measured beforehand, while another run trains."""
    first, *others = room.runs.ended
    visitor = await Session.begin(room.address, "landscape", f"run={first}")
    await visitor.run(button="Measure")
    store = Store(room.store)
    while store.jobs.active(first):
        await asyncio.sleep(0.5)
    store.close()
    await visitor.end()
    copy_slices(room.store, first, tuple(others))
    async with training(room, room.runs.training):
        viewers = [of_landscape(room.address, run_id) for run_id in room.runs.ended]
        look = await watched(room.server, viewers, room.seconds)
    return _answered(f"{len(viewers)} viewers of {len(viewers)} landscapes", look, RUNS_P95)


async def flat(room: Room) -> list[bool]:
    """What a viewer costs of a run that has made few steps, and many. In turns; the least of each is compared."""
    cost: dict[int, list[tuple[float, float, float]]] = {steps: [] for steps in LENGTHS}
    for _ in range(2):
        for steps, run_id in room.runs.long.items():
            async with training(room, run_id):
                look = await watched(room.server, [of_run(room.address, run_id)] * 3, room.seconds)
                for error in look.errors:
                    print(f"  {error}"[:160])
                answered = statistics.median(reply.seconds for reply in look.polls)
                cost[steps].append((look.core, answered * 1000, look.size))
    least = {steps: [min(values) for values in zip(*each, strict=True)] for steps, each in cost.items()}
    for steps, (core, answered, size) in least.items():
        print(f"  at step {steps}: {core:.2%} of a core, answered in {answered:.1f} ms, {size:.0f} bytes (medians)")
    few, many, whats = least[min(LENGTHS)], least[max(LENGTHS)], ("share of a core", "time of an answer", "bytes")
    return [
        line(f"{what} of 3 viewers, step {max(LENGTHS):,} against {min(LENGTHS):,}", f"{b / a:.2f}", f"≤ {FLAT}",
             b <= FLAT * a) for what, a, b in zip(whats, few, many, strict=True)
    ]  # fmt: skip


async def sessions(room: Room) -> list[bool]:
    """Memory and file descriptors over sessions that are opened and closed."""

    async def visit(count: int) -> None:
        for number in range(count):
            page = ("train", "landscape", "tradeoffs", "")[number % 4]
            query = f"run={room.runs.ended[number % len(room.runs.ended)]}" if page != "tradeoffs" else ""
            await (await Session.begin(room.address, page, query)).end()

    def held() -> tuple[int, int]:
        return room.server.num_fds(), room.server.memory_info().rss

    async def over() -> tuple[int, int]:
        """Once no session is kept any more for a visitor who may come back."""
        await asyncio.sleep(_KEPT_FOR)
        await visit(_FEW)  # Streamlit lets go of a session when another one ends
        await asyncio.sleep(_SETTLING)
        return held()

    await visit(4 * _FEW)
    before = await over()
    await visit(SESSIONS)
    meanwhile = held()
    after = await over()
    files, memory = (b - a for a, b in zip(before, after, strict=True))
    files_seen, memory_seen = zip(before, meanwhile, after, strict=True)
    print(f"  before, as the last one ends, and {_KEPT_FOR:g} s later: {' → '.join(map(str, files_seen))} descriptors, "
          f"{' → '.join(f'{each / 2**20:.0f}' for each in memory_seen)} MiB")  # fmt: skip
    return [
        line(f"file descriptors more after {SESSIONS} sessions", str(files), f"≤ {LEFT_OPEN}", files <= LEFT_OPEN),
        line(f"memory more after {SESSIONS} sessions", f"{memory / 2**20:.1f} MiB",
             f"≤ {LEFT_BYTES // 2**20} MiB", memory <= LEFT_BYTES),
    ]  # fmt: skip


async def in_browser(room: Room) -> list[bool]:
    """A real browser that shows a run that trains: in view, then hidden."""
    async with training(room, room.runs.training) as followed:
        found = await asyncio.to_thread(
            measured_in_browser, f"{room.address}/train?run={followed.run_id}", max(room.seconds, 30.0)
        )
    share, unseen = found.hidden_rate / found.shown_rate, ", ".join(sorted(found.asked_out_of_view)) or "none"
    return [
        line("browser: main thread, seconds a minute", f"{found.busy:.1f}", f"≤ {MAIN_THREAD:g}",
             found.busy <= MAIN_THREAD),
        line("browser: a hidden tab asks, against one in view", f"{share:.2f}", f"≤ {HIDDEN_SHARE * FLAT:g}",
             share <= HIDDEN_SHARE * FLAT),
        line("browser: figures that are asked for out of view", unseen, "none", not found.asked_out_of_view),
    ]  # fmt: skip


async def following(room: Room) -> list[bool]:
    """Open pages that ask whether the teacher has changed something, while nothing else is done."""

    async def page(number: int) -> None:
        await asyncio.sleep(number / room.viewers * FOLLOW_SECONDS)
        while True:
            await AsyncHTTPClient().fetch(f"{room.address}/live/class/{number}", request_timeout=60)
            await asyncio.sleep(FOLLOW_SECONDS)

    async def share() -> float:
        before, began = cpu(room.server), time.perf_counter()
        await asyncio.sleep(room.seconds)
        return (cpu(room.server) - before) / (time.perf_counter() - began)

    idle = await share()
    asking = [asyncio.create_task(page(number)) for number in range(room.viewers)]
    await asyncio.sleep(FOLLOW_SECONDS)
    core = await share() - idle
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    return [line(f"{room.viewers} pages follow the class: share of a core", f"{core:.1%}", f"≤ {PUSH_CORE:.0%}",
                 core <= PUSH_CORE)]  # fmt: skip


def _answered(who: str, look: Look, most: float) -> list[bool]:
    for error in dict.fromkeys(look.errors):
        print(f"  {error}"[:160])
    print(f"  {len(look.polls)} answers of the feed, {len(look.parts)} of pages")
    bar = f"≤ {most * 1000:.0f} ms"
    return [
        line(f"{who}: 95 % are answered within", f"{look.p95 * 1000:.0f} ms", bar, look.p95 <= most),
        line(f"{who}: errors", str(len(look.errors)), "0", not look.errors),
    ]


PARTS: dict[str, Callable[[Room], object]] = {
    "following": following,
    "one": one_viewer,
    "class": class_of_one_run,
    "runs": class_of_runs,
    "landscapes": class_of_landscapes,
    "flat": flat,
    "sessions": sessions,
    "browser": in_browser,
}


async def _main(seconds: float, viewers: int, parts: list[str]) -> bool:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        runs = prepared(Path(folder), viewers)
        settings = {"EXPLORER_STORE": folder, "EXPLORER_CPU_SLOTS": "1"}
        with (
            subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL) as server,
        ):  # fmt: skip
            try:
                await asyncio.to_thread(wait_for_health, address, server, Path(os.devnull))
                room = Room(address, psutil.Process(server.pid), Path(folder), runs, seconds, viewers)
                met = [each for part in parts for each in await PARTS[part](room)]  # type: ignore[misc]
            finally:
                server.terminate()
    return all(met)


def main() -> int:
    """Prints the measurements; 1 if a bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--viewers", type=int, default=30)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts alone")
    chosen = parser.parse_args()
    return 0 if asyncio.run(_main(chosen.seconds, chosen.viewers, chosen.only)) else 1


if __name__ == "__main__":
    sys.exit(main())
