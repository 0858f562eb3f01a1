"""Labels of choices, no two of which read the same: Streamlit resolves a choice by its label, pages by its id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from explorer.runs.names import as_read, numbered

Id = TypeVar("Id", bound=Hashable)

_ID_LENGTH = 8  # characters of an id that are shown


def unique_labels(labels: Mapping[Id, str]) -> dict[Id, str]:
    """Makes labels unique, also where they differ in case or white space only.

    Where several read the same and ids are text, each gets the start of its id, so that no label can later stand for
    another choice. Where ids are positions, the second and later ones are numbered: "ship", "ship (2)".

    Args:
        labels: by id, as they are meant to read.

    Returns:
        The labels in the same order; those that were unique are unchanged.
    """
    alike = Counter(map(as_read, labels.values()))
    taken = {label for label, times in alike.items() if times == 1}
    unique: dict[Id, str] = {}
    for key, label in labels.items():
        unique[key] = label
        if alike[as_read(label)] > 1:
            unique[key] = next(each for each in _variants(key, label) if as_read(each) not in taken)
            taken.add(as_read(unique[key]))
    return unique


def position_labels(names: Iterable[str]) -> dict[int, str]:
    """The same for choices that are known by their position: classes, scenes, bands."""
    return unique_labels(dict(enumerate(names)))


def _variants(key: Hashable, label: str) -> Iterator[str]:
    """What the label may become, the preferred one first."""
    if isinstance(key, str):
        yield f"{label} · {key[:_ID_LENGTH]}"
        yield from numbered(f"{label} · {key}")
    yield from numbered(label)
