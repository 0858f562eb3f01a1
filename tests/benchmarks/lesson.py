"""A lesson: thirty visitors for ten minutes, each with an upload, a run, a slice and a reload, on one real server.

    python -m tests.benchmarks.lesson [--visitors N] [--minutes M] [--seed S]

Every visitor has a cookie and imagery of their own, comes at a moment that the seed decides, uploads it as a zip, saves
it, trains (one in three for 30 s, which has a slot of its own, the others for a number of steps), measures a line
through the landscape, opens the app anew, and tries the links to what others keep to themselves. One in five queues a
second run at once. The program prints what went wrong, and a table with a bar for each line; 1 where one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.runs.records import DatasetRecord, RunStatus
from explorer.runs.store import Store
from tests.benchmarks.classroom import line
from tests.benchmarks.session import FollowedRun, Session, cookies_of
from tests.browser.conftest import ROOT, free_port, wait_for_health

STEPS = 80
_SIDE = 160  # pixels of a scene
_ASK_SECONDS = 1.0
_SAME_MOMENT = 2 * _ASK_SECONDS
_COMING = 0.5  # of the time, within which all come
_TWO_RUNS = 5  # one in so many visitors queues a second run
_ENDED = {"done", "stopped", "diverged", "failed"}
_SHORT, _LONG = "training-time=30+s", f"training-time=Steps&training-steps={STEPS}"


@dataclass
class Lesson:
    """What was seen, of all visitors."""

    address: str
    store: Path
    began: float  # time.monotonic()
    names: list[str]  # of the visitors' imagery, which nobody else may be told
    private: list[str] = field(default_factory=list)  # queries of links to what somebody keeps to themselves
    places: dict[str, list[tuple[float, int]]] = field(default_factory=dict)  # by run: when, and which place was shown
    started: dict[str, float] = field(default_factory=dict)  # when a run was first seen to train
    short: dict[str, bool] = field(default_factory=dict)  # which queue each run is in
    problems: list[str] = field(default_factory=list)
    whole: int = 0  # visitors who have done all they came for


def imagery(name: str, seed: int) -> bytes:
    """A zip of three scenes with bright squares, and their masks."""
    random_, packed = np.random.default_rng(seed), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            mask = np.zeros((_SIDE, _SIDE), np.uint8)
            for row, column in random_.integers(8, _SIDE - 20, (12, 2)):
                mask[row : row + 9, column : column + 9] = 255
            image = random_.normal(90, 14, (_SIDE, _SIDE, 3)) + 0.4 * mask[..., None]
            for folder, array in (("images", image.clip(0, 255).astype(np.uint8)), ("masks", mask)):
                content = io.BytesIO()
                Image.fromarray(array).save(content, "PNG")
                archive.writestr(f"{folder}/{name}-{number}.png", content.getvalue())
    return packed.getvalue()


async def visit(lesson: Lesson, number: int, wait: float) -> None:
    """All that one visitor does."""
    await asyncio.sleep(wait)
    name = lesson.names[number]
    secrets = tuple(each.encode() for each in lesson.names if each != name)
    cookies = await cookies_of(lesson.address)
    tab = await Session.begin(lesson.address, "imagery", "source=Upload", cookies, secrets)
    await tab.send_file(f"{name}.zip", imagery(name, number))
    lesson.private.append(tab.query)  # the upload
    await _click(tab, "Use this dataset")
    dataset = (await _own_dataset(lesson, name)).id
    lesson.private += [f"dataset={dataset}", f"source=Saved&saved={dataset}"]
    await tab.go("train", f"dataset={dataset}&{_SHORT if number % 3 == 0 else _LONG}")
    await _click(tab, "Play")
    runs = [tab.run_id]
    lesson.short[runs[0]] = number % 3 == 0
    if number % _TWO_RUNS == 0:
        again = await Session.begin(lesson.address, "train", f"dataset={dataset}&{_LONG}", cookies, secrets)
        await _click(again, "Play")
        runs.append(again.run_id)
        lesson.short[runs[1]] = False
        await again.end()
    for run_id in runs:
        await _follow(lesson, run_id)
    await tab.go("landscape", f"run={runs[0]}&line=true")
    await _click(tab, "Measure")
    while tab.fragments:  # parts that run by themselves, as long as something is measured
        await asyncio.sleep(_ASK_SECONDS)
        for part in list(tab.fragments):
            await tab.run(part)
    if not tab.figures:
        tab.problems.append("no landscape")
    await tab.end()
    later = await Session.begin(lesson.address, "", "", cookies, secrets)
    for page in ("imagery", "train", "tradeoffs", "storage"):
        for query in random.Random(number).sample(lesson.private, min(4, len(lesson.private))):
            await later.go(page, query)
    await later.go("train", f"run={runs[0]}")
    if "New run" not in later.buttons or later.run_id != runs[0]:
        later.problems.append("the run is gone after a reload")
    await later.end()
    for seen in (tab, later):
        lesson.problems += [f"{name}: {problem}" for problem in seen.problems]
        lesson.problems += [f"{name} was told of {each.decode()}" for each in seen.overheard]
    lesson.whole += 1


async def _click(tab: Session, label: str) -> None:
    if label not in tab.buttons:
        raise AssertionError(f"there is no button {label}; the page says {tab.problems or sorted(tab.buttons)}")
    await tab.run(button=label)


async def _follow(lesson: Lesson, run_id: str) -> None:
    """Looks at a run until it has ended, and notes each place that is shown."""
    followed = FollowedRun(lesson.address, run_id)
    while followed.badge not in _ENDED:
        await followed.ask()
        now = time.monotonic() - lesson.began
        if "place " in followed.words:
            lesson.places.setdefault(run_id, []).append((now, int(followed.words.split("place ")[1].split()[0])))
        if followed.badge == "running":
            lesson.started.setdefault(run_id, now)
        await asyncio.sleep(_ASK_SECONDS)


async def _own_dataset(lesson: Lesson, name: str) -> DatasetRecord:
    """The dataset that the page has saved, as the store lists it."""
    store = await asyncio.to_thread(Store, lesson.store)
    try:
        return next(each for each in store.datasets() if each.name == name)
    finally:
        store.close()


def broken_promises(lesson: Lesson, turns: dict[str, int]) -> list[str]:
    """Pairs of runs of one queue that began in another order than the one that both pages showed last.

    Args:
        lesson: what was seen.
        turns: in which order the store says that runs have begun.
    """
    broken = []
    for one, other in combinations([each for each in lesson.places if each in turns], 2):
        if lesson.short[one] != lesson.short[other]:
            continue
        begun = min(lesson.started.get(each, float("inf")) for each in (one, other))
        last = [[place for at, place in lesson.places[each] if at < begun - _SAME_MOMENT] for each in (one, other)]
        if all(last) and (last[0][-1] < last[1][-1]) != (turns[one] < turns[other]):
            broken.append(
                f"{one} was shown place {last[0][-1]} and {other} {last[1][-1]}, and began the other way round"
            )
    return broken


async def _lesson(address: str, root: Path, visitors: int, minutes: float, seed: int) -> bool:
    names = [f"quay{hex(number * 7919 + 4096)[2:]}bay" for number in range(visitors)]
    lesson = Lesson(address, root, time.monotonic(), names)
    moments = random.Random(seed)
    waits = [moments.uniform(0, _COMING * minutes * 60) for _ in names]
    visits = [asyncio.create_task(visit(lesson, number, wait)) for number, wait in enumerate(waits)]
    done = await asyncio.gather(*visits, return_exceptions=True)
    lesson.problems += [f"{name}: {why!r}" for name, why in zip(names, done, strict=True) if why is not None]
    store = Store(root)
    runs, waiting = store.runs(), store.jobs.active()
    turns = {row["id"]: row["turn"] for row in store._database.rows("SELECT id, turn FROM runs WHERE turn IS NOT NULL")}
    store.close()
    broken = broken_promises(lesson, turns)
    wanted = visitors + -(-visitors // _TWO_RUNS)
    ended = sum(record.status is RunStatus.DONE for record in runs)
    shown = sum(len(each) for each in lesson.places.values())
    for problem in (*lesson.problems, *broken):
        print(f"  {problem}"[:300])
    print(f"  {time.monotonic() - lesson.began:.0f} s in all; {shown} times a place in the queue was shown")
    return all(
        [
            line("visitors who did all they came for", str(lesson.whole), f"{visitors}", lesson.whole == visitors),
            line("runs that ended as they should", str(ended), str(wanted), ended == wanted == len(runs)),
            line("what went wrong, or was seen of others", str(len(lesson.problems)), "0", not lesson.problems),
            line("pairs of runs that began in another order than shown", str(len(broken)), "0", not broken),
            line("jobs that are left", str(len(waiting)), "0", not waiting),
        ]
    )


def main() -> int:
    """Prints the measurements; 1 if a bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0, help="within half of which all have come")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | {"EXPLORER_STORE": folder}) as server,
    ):
        try:
            wait_for_health(address, server, Path(os.devnull))
            met = asyncio.run(_lesson(address, Path(folder), chosen.visitors, chosen.minutes, chosen.seed))
        finally:
            server.terminate()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
