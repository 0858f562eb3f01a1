"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from explorer.imagery.checks.mends import Mend
from explorer.imagery.scene import Dataset


@dataclass(frozen=True)
class Case:
    """What a check's function finds in one dataset.

    Attributes:
        text: one or two sentences with the figures of this case.
        scenes: names of the scenes concerned; empty if it concerns all.
        mend: what a button can do about it; None if nothing can safely be done by itself.
    """

    text: str
    scenes: tuple[str, ...] = ()
    mend: Mend | None = None


@dataclass(frozen=True)
class Finding:
    """A case with the title and the meaning of its check: all that the page shows."""

    code: str
    title: str
    text: str
    meaning: str
    scenes: tuple[str, ...]
    mend: Mend | None


@dataclass(frozen=True)
class Check:
    """One question to a dataset.

    Attributes:
        code: stable, for scripts.
        title: of the card.
        meaning: one or two sentences: why it matters.
        cases: finds the cases; a pure function.
    """

    code: str
    title: str
    meaning: str
    cases: Callable[[Dataset], Sequence[Case]]

    def findings(self, dataset: Dataset) -> tuple[Finding, ...]:
        """What the check finds; empty if all is well."""
        return tuple(
            Finding(self.code, self.title, case.text, self.meaning, case.scenes, case.mend)
            for case in self.cases(dataset)
        )


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence; beyond ``most`` only their number."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
