"""What a report is made of: facts, tables and figures, as text that the templates lay out and escape."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import plotly.graph_objects as go

UNKNOWN = "n/a"
MOST_ROWS = 200
"""Of a table whose rows grow with the scenes or the steps: the report is one file."""


@dataclass(frozen=True)
class Fact:
    """One line of a list: a name and what is known."""

    name: str
    value: str
    remark: str = ""  # why it is not known, or what it rests on


@dataclass(frozen=True)
class Table:
    """Rows of text under a head. A row of one cell is the heading of those that follow."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()  # positions of the columns that are aligned at the right
    remark: str = ""  # what is left out

    def first_rows(self) -> Table:
        """The table with at most ``MOST_ROWS`` rows; the remark says how many are left out."""
        left_out = len(self.rows) - MOST_ROWS
        if left_out <= 0:
            return self
        remark = f"The first {MOST_ROWS:,} of {len(self.rows):,} rows; {left_out:,} are left out."
        return replace(self, rows=self.rows[:MOST_ROWS], remark=remark)


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure and its place: Plotly draws it once the page is open."""

    figure: go.Figure
    height: int  # pixels
    alt: str  # what it shows, for those who cannot see it
    caption: str = ""
    title: str = ""


def unknown(name: str, reason: str) -> Fact:
    """A fact that is not known, with the reason."""
    return Fact(name, UNKNOWN, reason)


def number(value: float | None, digits: int = 3) -> str:
    """A number with this many decimals.

    >>> number(0.25), number(None)
    ('0.250', 'n/a')
    """
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.{digits}f}"


def short(value: float) -> str:
    """A setting with the digits that it has.

    >>> short(0.0001), short(12.0), short(0.123456789)
    ('0.0001', '12', '0.123457')
    """
    return f"{value:.6g}"


def percent(share: float | None) -> str:
    """A share in 0..1 as a percentage.

    >>> percent(0.0123), percent(None)
    ('1.23 %', 'n/a')
    """
    return UNKNOWN if share is None else f"{100 * share:.3g} %"
