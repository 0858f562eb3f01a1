"""The pictures on Home, of the finished runs that come with the app: small, and drawn once.

Home is shown before Plotly is loaded, so these are SVG; ``python -m tools.home_pictures`` writes them to
``assets/home``. Each says what its axes are.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from plotly.colors import get_colorscale, sample_colorscale

from explorer.imagery.pictures import Picture
from explorer.runs.grids import Grid

WIDTH, HEIGHT = 320, 240
_LOOK = (  # as .streamlit/config.toml; a picture has no part in the page's theme, so that it brings its ground along
    "svg{color:#1B2631;background:#FFFFFF;font-family:sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#E4EAF0;background:#12181F}}"
)
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 26, 12, 36  # margins around the axes


@dataclass(frozen=True)
class Path:
    """A run on the plane of recall and precision."""

    name: str
    colour: str  # "#rrggbb"
    points: Sequence[tuple[float, float]]  # recall and precision of each validation


def path_svg(paths: Sequence[Path], title: str) -> str:
    """Runs on the plane of recall (across) and precision (up), from their first validation to the large dot."""
    parts = [_axes("recall of objects", "precision of objects")]
    for number, path in enumerate(paths):
        dots = [_place(recall, precision) for recall, precision in path.points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{path.colour}" stroke-width="2"/>')
        for position, (x, y) in enumerate(dots):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{6 if position == len(dots) - 1 else 2.5}" '
                         f'fill="{path.colour}"/>')  # fmt: skip
        at = _TOP + 14 + 15 * number
        parts.append(f'<rect x="{_LEFT + 8}" y="{at - 9}" width="10" height="10" fill="{path.colour}"/>')
        parts.append(_text(_LEFT + 23, at, path.name))
    return _svg(parts, title)


def surfaces_svg(fields: Sequence[tuple[str, NDArray[np.float64]]], title: str) -> str:
    """Fields over one plane side by side, dark where they are low.

    Args:
        fields: name, and values (B, A) over the plane.
        title: what is shown, for whoever cannot see it.
    """
    side = (WIDTH - 12 * (len(fields) + 1)) / len(fields)
    parts = []
    for number, (name, values) in enumerate(fields):
        x = 12 + number * (side + 12)
        parts.append(f'<image x="{x:.1f}" y="{_TOP + 14}" width="{side:.1f}" height="{side:.1f}" '
                     f'preserveAspectRatio="none" href="{_png(_coloured(values))}"/>')  # fmt: skip
        parts.append(_text(x, _TOP + 6, name))
        parts.append(_text(x + side / 2, _TOP + side + 30, "α", anchor="middle"))
    parts.append(_text(WIDTH / 2, HEIGHT - 8, "two directions in the space of the weights", anchor="middle"))
    return _svg(parts, title)


def grid_svg(grid: Grid, title: str) -> str:
    """The pixel recall at threshold ½ of each cell of a grid of two axes; a cross where the run diverged."""
    across, up = grid.axes[1], grid.axes[0]
    width = (WIDTH - _LEFT - _RIGHT) / len(across.values)
    height = (HEIGHT - _TOP - _BOTTOM) / len(up.values)
    parts = []
    for row, gamma in enumerate(reversed(up.values)):
        y = _TOP + row * height
        parts.append(_text(_LEFT - 6, y + height / 2 + 4, f"{gamma:g}", anchor="end"))
        for column, rate in enumerate(across.values):
            cell = grid.cell(gamma, rate)
            x, value = _LEFT + column * width, cell.recall or 0.0
            colour = sample_colorscale(get_colorscale("cividis"), [value])[0]
            ink = "#000000" if value > 0.5 else "#ffffff"
            shown = "×" if cell.diverged else "n/a" if cell.recall is None else f"{cell.recall:.2f}"
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{height - 2:.1f}" '
                         f'fill="{colour}"/>')  # fmt: skip
            parts.append(_text(x + width / 2, y + height / 2 + 4, shown, anchor="middle", colour=ink))
    for column, rate in enumerate(across.values):
        parts.append(_text(_LEFT + (column + 0.5) * width, HEIGHT - _BOTTOM + 13, f"{rate:g}", anchor="middle"))
    parts.append(_text((_LEFT + WIDTH) / 2, HEIGHT - 6, "learning rate", anchor="middle"))
    parts.append(_text(8, _TOP - 10, "γ"))
    parts.append(_text(_LEFT, _TOP - 10, "recall of pixels at threshold ½"))
    return _svg(parts, title)


def _place(recall: float, precision: float) -> tuple[float, float]:
    return (
        _LEFT + recall * (WIDTH - _LEFT - _RIGHT),
        HEIGHT - _BOTTOM - precision * (HEIGHT - _TOP - _BOTTOM),
    )


def _axes(across: str, up: str) -> str:
    left, bottom = _place(0, 0)
    right, top = _place(1, 1)
    grid = ""
    for share in (0, 0.5, 1):
        x, y = _place(share, share)
        grid += f'<path d="M{x:.1f} {top}V{bottom}M{left} {y:.1f}H{right}" stroke="currentColor" opacity="0.2"/>'
        grid += _text(x, bottom + 14, f"{share:g}", anchor="middle") + _text(
            left - 6, y + 4, f"{share:g}", anchor="end"
        )
    return grid + _text((left + right) / 2, HEIGHT - 6, across, anchor="middle") + _text(6, _TOP - 10, up)


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "currentColor") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _svg(parts: Sequence[str], title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><style>{_LOOK}</style>{"".join(parts)}</svg>'
    )


def _coloured(values: NDArray[np.float64]) -> Picture:
    """A field in the colours of cividis, the lowest row of the array at the bottom of the picture."""
    low, high = np.nanmin(values), np.nanmax(values)
    shares = np.clip((values - low) / (high - low), 0, 1)[::-1]
    table = np.array(
        [
            [int(part) for part in colour[4:-1].split(",")]
            for colour in sample_colorscale(get_colorscale("cividis"), np.linspace(0, 1, 256).tolist())
        ],
        dtype=np.uint8,
    )
    return table[np.nan_to_num(shares * 255).astype(np.uint8)]


def _png(picture: Picture) -> str:
    content = io.BytesIO()
    PIL.Image.fromarray(picture).resize((164, 164), PIL.Image.Resampling.BICUBIC).save(content, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
