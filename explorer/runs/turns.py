"""Whose turn it is: visitors one after another, and each visitor's runs by their age. Pure functions.

With one visitor, this is first come, first served. With several, whoever was served longest ago comes next, so that
ten runs of one visitor do not keep another from their first.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True)
class Waiting:
    """A run that waits for a slot."""

    run_id: str
    owner: str | None  # id of a visitor; those of nobody are served like those of one visitor
    queued: int  # its number in the order in which runs were queued
    seconds: float | None = None  # that it was planned for; None: it was planned in steps


def in_turn(waiting: Sequence[Waiting], served: Mapping[str | None, int]) -> list[Waiting]:
    """The runs in the order in which they start.

    Args:
        waiting: the runs, in any order.
        served: number of the turn at which a run of each visitor started last, by owner; none for those of whom none
            has started.

    Returns:
        Again and again, the oldest run of whoever was served longest ago; of those never served, whoever has waited
        longest.
    """
    of_owner: dict[str | None, deque[Waiting]] = defaultdict(deque)
    for each in sorted(waiting, key=lambda each: each.queued):
        of_owner[each.owner].append(each)
    turn = max(served.values(), default=0)
    order: list[Waiting] = []
    last = {owner: served.get(owner, -1) for owner in of_owner}
    while of_owner:
        owner = min(of_owner, key=lambda each: (last[each], of_owner[each][0].queued))
        order.append(of_owner[owner].popleft())
        turn += 1
        last[owner] = turn
        if not of_owner[owner]:
            del of_owner[owner]
    return order


def seconds_until_start(slots: Sequence[float | None], before: Sequence[float | None], free: int = 0) -> float | None:
    """About how long a run waits.

    Args:
        slots: seconds that the runs in the slots still train; None: not known.
        before: seconds that each run ahead in the queue will train, the next one first; None: not known.
        free: slots that are empty.

    Returns:
        Seconds; None where it depends on a run whose time is not known.
    """
    ends = [0.0] * free + [float("inf") if each is None else each for each in slots]
    if not ends:
        return None
    heapify(ends)
    for each in before:
        heappush(ends, heappop(ends) + (float("inf") if each is None else each))
    return None if ends[0] == float("inf") else ends[0]
