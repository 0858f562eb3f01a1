"""Figures and numbers of the lessons in the language of the lesson: decimal marks, for all that a figure shows."""

from __future__ import annotations

import plotly.graph_objects as go

from explorer.lessons.words import Words
from explorer.ui.live_figure import live_figure
from explorer.ui.messages import percent


def lesson_figure(figure: go.Figure, words: Words, key: str, height: int) -> None:
    """Draws a figure with the decimal mark of a language; names of traces stay, since runs have names of their own.

    Args:
        figure: with numbers as Python writes them; it is changed.
        words: of the language.
        key: unique on the page.
        height: in pixels.
    """
    figure.update_layout(separators=f"{words.decimal} ")
    for trace in figure.data:
        for part in ("text", "x", "y"):
            values = getattr(trace, part, None)
            if isinstance(values, list | tuple):  # arrays hold numbers
                trace[part] = _localised(values, words)
    figure.for_each_annotation(lambda note: note.update(text=words.localised(note.text or "")))
    figure.for_each_xaxis(
        lambda axis: axis.update(ticktext=[words.localised(each) for each in axis.ticktext]) if axis.ticktext else None
    )
    live_figure(figure, key, height)


def share_text(share: float, words: Words) -> str:
    """A share in 0..1 as a percentage in the language."""
    return words.localised(percent(share))


def _localised(value: object, words: Words) -> object:
    """Texts in the language, at any depth; numbers as they are."""
    if isinstance(value, str):
        return words.localised(value)
    return [_localised(each, words) for each in value] if isinstance(value, list | tuple) else value
