"""Names that people read: when two read the same, and a free one in place of one that is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count


def as_read(name: str) -> str:
    """The name without what readers overlook: case, and how much white space there is."""
    return " ".join(name.split()).casefold()


def numbered(name: str) -> Iterator[str]:
    """The name, then "name (2)", "name (3)" and so on, without end."""
    yield name
    for number in count(2):
        yield f"{name} ({number})"


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, with the first number that makes it differ from all that are taken, if it does not."""
    used = {as_read(each) for each in taken}
    return next(each for each in numbered(name) if as_read(each) not in used)
