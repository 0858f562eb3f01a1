"""A class that looks: what each of a number of viewers does, and what all of them are answered."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil

from tests.benchmarks.session import FollowedRun, Reply, Session

OPENING = 8.0  # seconds that all pages have to open before anything is measured
CLICK_EVERY = 5.0  # seconds between clicks of a viewer on a page that does not move by itself


@dataclass
class Look:
    """What a number of viewers were answered in some time."""

    polls: list[Reply] = field(default_factory=list)
    parts: list[Reply] = field(default_factory=list)  # of pages that ran again
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

    @property
    def size(self) -> float:
        """Median bytes of what a browser was told of a run."""
        return statistics.median(reply.size for reply in self.polls)


Viewer = Callable[[Look, float], Awaitable[None]]
"""Looks from now on, to the end of that time (``time.monotonic``)."""


def of_run(address: str, run_id: str) -> Viewer:
    """Opens a run's page. While it follows the run, it asks once a second and has the page drawn again where it must;
    else, there is a click now and then."""

    async def look(seen: Look, until: float) -> None:
        session = await Session.begin(address, "train", f"run={run_id}")
        followed = FollowedRun(address, run_id)
        while time.monotonic() < until:
            if not session.drawn:
                await _clicks(session, seen, until)
                break
            seen.polls.append(await followed.ask())
            if followed.page != session.drawn:
                seen.parts.append(await session.run(session.figures[0]))
            await asyncio.sleep(followed.wait)
        await _left(session, seen)

    return look


def of_landscape(address: str, run_id: str) -> Viewer:
    """Opens the landscape of a run, and clicks on it now and then."""

    async def look(seen: Look, until: float) -> None:
        session = await Session.begin(address, "landscape", f"run={run_id}")
        if not session.figures:
            seen.errors.append(f"no landscape of {run_id}")
        await _clicks(session, seen, until)
        await _left(session, seen)

    return look


async def _clicks(session: Session, seen: Look, until: float) -> None:
    """Parts that run by themselves run; the one with the figure runs for a click."""
    clicked = time.monotonic()
    while time.monotonic() < until:
        await asyncio.sleep(min([*session.fragments.values(), 1.0]))
        for part in list(session.fragments):
            seen.parts.append(await session.run(part))
        if session.figures and time.monotonic() - clicked >= CLICK_EVERY:
            clicked = time.monotonic()
            seen.parts.append(await session.run(session.figures[-1]))


async def _left(session: Session, seen: Look) -> None:
    seen.errors += session.problems
    await session.end()


async def watched(server: psutil.Process, viewers: Sequence[Viewer], seconds: float) -> Look:
    """All of them, one after the other. What they are answered while the pages open is not counted."""
    looks = [(Look(), viewer) for viewer in viewers]
    until = time.monotonic() + OPENING + seconds

    async def one(number: int, look: Look, viewer: Viewer) -> None:
        await asyncio.sleep(0.5 * OPENING * number / len(looks))
        try:
            await viewer(look, until)
        except Exception as error:  # whatever goes wrong is counted
            look.errors.append(repr(error))

    tasks = [asyncio.create_task(one(number, *each)) for number, each in enumerate(looks)]
    await asyncio.sleep(OPENING)
    opened = [(len(look.polls), len(look.parts)) for look, _ in looks]
    before, began = cpu(server), time.perf_counter()
    await asyncio.sleep(seconds)
    core = (cpu(server) - before) / (time.perf_counter() - began)
    await asyncio.gather(*tasks)
    together = Look()
    for (look, _), (polls, parts) in zip(looks, opened, strict=True):
        together = together.joined(Look(look.polls[polls:], look.parts[parts:], look.errors))
    together.core = core
    return together


def cpu(server: psutil.Process) -> float:
    """Seconds of a core that it has taken so far."""
    return float(sum(server.cpu_times()[:2]))
