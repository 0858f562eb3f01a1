"""A synthetic label on which a visitor paints the pixels that are missed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer.figures.colours import HIT, MISS
from explorer.lessons.words import Words
from explorer.losses.lab import SyntheticLabel, first_objects
from explorer.ui.browser_script import script

_GROUND = "#8A949E"
_WHOLE = 0  # the brush that paints an object


def paint_misses(field: SyntheticLabel, most: int, words: Words, key: str) -> tuple[int, ...]:
    """The label with its brushes.

    Args:
        field: the label.
        most: pixels that can be painted.
        words: of the language.
        key: unique on the page.

    Returns:
        Numbers of the missed pixels, row by row.
    """
    kept, token = f"{key}-missed", f"{key}-token"  # in the session: a component forgets on another page
    st.session_state.setdefault(kept, ())
    st.session_state.setdefault(token, 0)
    brush = st.segmented_control(
        words.brush, [1, 3, 5, _WHOLE], default=3, required=True, key=f"{key}-brush",
        format_func=lambda side: f"{side} × {side}" if side else words.brush_object,
    )  # fmt: skip
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component(
        "lesson_paint", html="<div class='lesson-paint'></div>", js=script("lesson_paint.js"), isolate_styles=False
    )
    rows, columns = field.ids.shape
    data = {
        "rows": rows,
        "columns": columns,
        "objects": _squares(field),
        "colours": {"ground": _GROUND, "hit": HIT, "miss": MISS},
        "brush": brush,
        "most": most,
        "label": words.paint_label,
        "token": st.session_state[token],
        "missed": list(st.session_state[kept]),
    }
    painting = f"{key}-painting"
    component(key=painting, data=data, on_missed_change=lambda: _take(painting, kept, field, most))
    with st.container(horizontal=True):
        corners = np.unique(field.ids, return_index=True)[1][1:]
        in_one = np.flatnonzero(first_objects(field, most))
        for name, pixels in ((words.all_of_one, in_one), (words.one_of_each, corners), (words.clear, corners[:0])):
            st.button(name, key=f"{key}-{name}", on_click=_put, args=(kept, token, tuple(int(each) for each in pixels)))
    missed: tuple[int, ...] = st.session_state[kept]
    return missed


def as_pixels(sent: object, field: SyntheticLabel, most: int) -> tuple[int, ...] | None:
    """What a browser has sent, if these are pixels of objects: anybody can send anything."""
    if not isinstance(sent, Sequence) or isinstance(sent, str) or len(sent) > most:
        return None
    inside = all(isinstance(each, int) and 0 <= each < field.ids.size and field.ids.flat[each] for each in sent)
    return tuple(sorted(set(sent))) if inside else None


def _take(painting: str, kept: str, field: SyntheticLabel, most: int) -> None:
    """Keeps what was painted."""
    pixels = as_pixels(st.session_state[painting].get("missed"), field, most)
    if pixels is not None:
        st.session_state[kept] = pixels


def _put(kept: str, token: str, pixels: tuple[int, ...]) -> None:
    st.session_state[kept] = pixels
    st.session_state[token] += 1


def _squares(field: SyntheticLabel) -> list[tuple[int, int, int]]:
    """Left, top and side of each object."""
    _, corners = np.unique(field.ids, return_index=True)
    rows, columns = np.divmod(corners[1:], field.ids.shape[1])
    side = round(field.object_area**0.5)
    return [(int(column), int(row), side) for row, column in zip(rows, columns, strict=True)]
