"""A chart on which a visitor draws the line that they expect, with the pointer or by keys."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.lessons.model import LineGuess
from explorer.lessons.words import Words
from explorer.ui.browser_script import script

_STEPS = 200  # between the lowest and the highest value


def draw_line(guess: LineGuess, words: Words, key: str) -> tuple[float, ...] | None:
    """The chart.

    Args:
        guess: its axes.
        words: of the language.
        key: unique on the page.

    Returns:
        The value at each x; None until the visitor has drawn.
    """
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component(
        "lesson_line", html="<div class='lesson-line'></div>", js=script("lesson_line.js"), isolate_styles=False
    )
    data = {
        "labels": x_labels(guess, words),
        "decimal": words.decimal,
        "low": guess.low,
        "high": guess.high,
        "unit": guess.unit,
        "step": (guess.high - guess.low) / _STEPS,
        "xTitle": guess.x_title,
        "yTitle": guess.y_title,
    }
    kept = as_line(st.session_state.get(key, {}).get("line"), guess)
    drawn = component(key=key, data=data | {"line": kept}, on_line_change=_drawn).line
    return as_line(drawn, guess)


def as_line(drawn: object, guess: LineGuess) -> tuple[float, ...] | None:
    """What a browser has sent, if it is a line for this guess: anybody can send anything."""
    if not isinstance(drawn, Sequence) or len(drawn) != len(guess.x):
        return None
    if not all(isinstance(value, int | float) and guess.low <= value <= guess.high for value in drawn):
        return None
    return tuple(float(value) for value in drawn)


def x_labels(guess: LineGuess, words: Words) -> list[str]:
    """The values of x as the chart names them."""
    return [f"{words.number(value, 'g')} {guess.x_unit}".strip() for value in guess.x]


def _drawn() -> None:
    """A line that is drawn runs the page again; that is all."""
