"""Places of small multiples in a figure, as plain dictionaries: several times as quick as Plotly's own subplots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Panel:
    """One pair of axes of a figure."""

    number: int  # from 1
    left: float  # parts of the figure's width, 0 to 1
    right: float
    bottom: float  # parts of its height
    top: float

    @property
    def axes(self) -> dict[str, str]:
        """What a trace says to be drawn here."""
        return {"xaxis": f"x{self.number}", "yaxis": f"y{self.number}"}

    def layout(self, x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
        """The axes in a figure's layout, with these settings."""
        return {
            f"xaxis{self.number}": {"domain": [self.left, self.right], "anchor": f"y{self.number}"} | x,
            f"yaxis{self.number}": {"domain": [self.bottom, self.top], "anchor": f"x{self.number}"} | y,
        }

    def title(self, text: str, size: int) -> dict[str, Any]:
        """An annotation above the middle."""
        return {
            "text": text,
            "xref": "paper",
            "yref": "paper",
            "x": (self.left + self.right) / 2,
            "y": self.top,
            "xanchor": "center",
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": size},
        }


def across(number: int, columns: int, gap: float) -> tuple[float, float]:
    """Begin and end of one of some columns (or rows) that share the whole out, with gaps between them; from 0."""
    width = (1 - gap * (columns - 1)) / columns
    left = number * (width + gap)
    return left, left + width
