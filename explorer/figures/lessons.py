"""Figures of the lessons: a guess beside its result, what a class has said, and gradients on a log scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.colours import HIT, INK
from explorer.losses.registry import LOSSES
from explorer.losses.spec import LossSpec

LINE_HEIGHT, VALUE_HEIGHT = 320, 150  # pixels
_CLASS = "#8A949E"
_GUESS = {"color": INK, "dash": "dash", "width": 2}


def options_height(count: int) -> int:
    """Pixels that ``options_figure`` takes for this number of options."""
    return 60 + 30 * count


def line_figure(
    labels: Sequence[str],
    result: tuple[str, Sequence[float]] | None,
    guess: tuple[str, Sequence[float]] | None,
    of_class: tuple[str, Sequence[float], Sequence[float], Sequence[float]] | None,
    titles: tuple[str, str],
    unit: str,
    limits: tuple[float, float],
) -> go.Figure:
    """A drawn line, the result, and the middle and quartiles of what a class has drawn.

    Args:
        labels: of the values of x.
        result: its name and values, NaN is a hole; None: not shown.
        guess: likewise; None: none was made.
        of_class: name, lower quartile, median, upper quartile; None: not shown.
        titles: of the x axis and of the y axis.
        unit: of y.
        limits: of the guess, lowest and highest.
    """
    figure = go.Figure()
    if of_class is not None:
        name, lower, middle, upper = of_class
        figure.add_scatter(x=list(labels), y=list(upper), mode="lines", line={"width": 0}, showlegend=False,
                           hoverinfo="skip")  # fmt: skip
        figure.add_scatter(x=list(labels), y=list(lower), mode="lines", line={"width": 0}, fill="tonexty",
                           fillcolor="rgba(138,148,158,0.3)", showlegend=False, hoverinfo="skip")  # fmt: skip
        figure.add_scatter(x=list(labels), y=list(middle), mode="lines", name=name, line={"color": _CLASS, "width": 2})
    if guess is not None:
        figure.add_scatter(x=list(labels), y=list(guess[1]), mode="lines+markers", name=guess[0], line=_GUESS)
    if result is not None:
        figure.add_scatter(x=list(labels), y=list(result[1]), mode="lines+markers", name=result[0],
                           line={"color": HIT, "width": 3}, marker={"size": 9})  # fmt: skip
    finite = [value for value in ([] if result is None else result[1]) if np.isfinite(value)]
    low, high = min([limits[0], *finite]), max([limits[1], *finite])
    room = 0.04 * (high - low)
    figure.update_traces(hovertemplate=f"%{{x}}: %{{y:.3g}} {unit}<extra>%{{fullData.name}}</extra>")
    figure.update_xaxes(type="category", title_text=titles[0])
    figure.update_yaxes(title_text=f"{titles[1]} ({unit})" if unit else titles[1], range=[low - room, high + room])
    return _framed(figure, left=64)


def value_figure(
    result: tuple[str, float] | None,
    guess: tuple[str, float] | None,
    of_class: tuple[str, float, float, float] | None,
    unit: str,
    limits: tuple[float, float],
) -> go.Figure:
    """A guessed number and the result on one axis, and the middle half of what a class has guessed.

    Args:
        result: its name with its value, and the value; None: not shown.
        guess: likewise; None: none was made.
        of_class: name with the median, lower quartile, median, upper quartile; None: not shown.
        unit: of the numbers.
        limits: of the guess, lowest and highest.
    """
    figure = go.Figure()
    if of_class is not None:
        name, lower, middle, upper = of_class
        figure.add_scatter(x=[lower, upper], y=[0, 0], mode="lines", line={"color": _CLASS, "width": 14}, opacity=0.4,
                           showlegend=False, hoverinfo="skip")  # fmt: skip
        _mark(figure, name, middle, "diamond", _CLASS, unit)
    if guess is not None:
        _mark(figure, guess[0], guess[1], "circle-open", INK, unit)
    low, high = limits
    if result is not None:
        _mark(figure, result[0], result[1], "circle", HIT, unit)
        low, high = min(low, result[1]), max(high, result[1])
    room = 0.04 * (high - low)
    figure.update_xaxes(title_text=unit or None, range=[low - room, high + room])
    figure.update_yaxes(visible=False, range=[-1, 1])
    return _framed(figure, left=16)


def _mark(figure: go.Figure, name: str, value: float, symbol: str, colour: str, unit: str) -> None:
    figure.add_scatter(
        x=[value], y=[0], mode="markers", name=name,
        marker={"symbol": symbol, "size": 17, "color": colour, "line": {"width": 3, "color": colour}},
        hovertemplate=f"%{{x:.3g}} {unit}<extra>%{{fullData.name}}</extra>",
    )  # fmt: skip


def options_figure(options: Sequence[str], counts: Sequence[int], right: int | None) -> go.Figure:
    """How often each option was chosen; the right one is filled, the others are pale; None: all of them are pale."""
    figure = go.Figure(
        go.Bar(
            x=list(counts),
            y=[f"{number}. {_short(option)}" for number, option in enumerate(options, 1)],
            orientation="h",
            marker={"color": [HIT if number == right else _CLASS for number in range(len(options))]},
            text=list(counts),
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.15 * max(1, *counts)], visible=False)
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_layout(margin={"l": 10, "r": 30, "t": 8, "b": 8}, showlegend=False, bargap=0.35)
    return figure


def miss_gradient_figure(
    specs: Sequence[LossSpec],
    probabilities: Sequence[float],
    gradients: NDArray[np.float64],
    marked: float,
    titles: tuple[str, str],
) -> go.Figure:
    """The gradient of each loss at a missed pixel, on two log axes.

    Args:
        specs: of the losses.
        probabilities: of the objects' class at the missed pixel, ascending.
        gradients: (losses, probabilities), positive.
        marked: a probability, drawn as a line.
        titles: of the axes.
    """
    figure = go.Figure()
    for spec, values in zip(specs, gradients, strict=True):
        info = LOSSES[spec.kind]
        figure.add_scatter(
            x=list(probabilities),
            y=np.where(values > 0, values, np.nan),
            mode="lines",
            name=info.name,
            line={"color": info.color, "width": 2.5},
            hovertemplate="p = %{x:.2g}: %{y:.2g}<extra>%{fullData.name}</extra>",
        )
    axis: dict[str, Any] = {"type": "log", "exponentformat": "power", "dtick": 2}
    figure.update_xaxes(title_text=titles[0], **axis)
    figure.update_yaxes(title_text=titles[1], **axis)
    figure.add_vline(x=marked, line={"color": _CLASS, "dash": "dot", "width": 2})
    return _framed(figure, left=70)


def values_figure(
    labels: Sequence[str], values: Mapping[str, Sequence[float]], dashes: Sequence[str], titles: tuple[str, str]
) -> go.Figure:
    """Scores in 0..1 against a setting, one line for each score.

    Args:
        labels: of the setting's values.
        values: by the score's name; NaN is a hole.
        dashes: of the lines, one for each score.
        titles: of the axes.
    """
    figure = go.Figure()
    for (name, line), dash in zip(values.items(), dashes, strict=True):
        figure.add_scatter(
            x=list(labels), y=list(line), mode="lines+markers", name=name,
            line={"color": HIT, "dash": dash, "width": 2.5}, marker={"size": 8},
            hovertemplate="%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_xaxes(type="category", title_text=titles[0])
    figure.update_yaxes(title_text=titles[1], range=[-0.02, 1.03])
    return _framed(figure, left=56)


def _short(text: str) -> str:
    return text if len(text) <= 48 else f"{text[:47]}…"


def _framed(figure: go.Figure, left: int) -> go.Figure:
    figure.update_layout(
        margin={"l": left, "r": 12, "t": 12, "b": 48},
        hovermode="closest",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"size": 11}},
    )
    return figure
