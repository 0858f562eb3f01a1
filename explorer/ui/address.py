"""A selectbox for what the address names, so that a reload and a link show the same.

The address decides; a choice changes the address. A widget's value is never overwritten: where the address has changed
otherwise, a new widget takes the place of the old one. A page that polls may still send the value of the old one, and
Streamlit then calls its callback, which therefore takes nothing but a choice that differs from what was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st


def select(
    label: str,
    options: Sequence[str],
    shown: str | None,
    in_words: Callable[[str], str],
    take: Callable[[str], None],
    placeholder: str | None = None,
) -> None:
    """Draws the selectbox.

    Args:
        label: unique on the page.
        options: to choose from.
        shown: what the address names, one of the options; None: nothing, and the placeholder is shown.
        in_words: an option as the visitor reads it; no two may read the same.
        take: puts a choice into the address; called before the page runs again.
        placeholder: what is shown for None.
    """
    turn = f"{label}-turn"
    key = f"{label}-{st.session_state.setdefault(turn, 0)}"
    if st.session_state.get(key, shown) != shown:
        st.session_state[turn] += 1
        key = f"{label}-{st.session_state[turn]}"
    st.selectbox(
        label,
        options,
        None if shown is None else options.index(shown),
        in_words,
        key=key,
        on_change=_chosen,
        args=(key, shown, take),
        placeholder=placeholder,
    )


def _chosen(key: str, shown: str | None, take: Callable[[str], None]) -> None:
    choice = st.session_state.get(key, shown)
    if choice is not None and choice != shown:
        take(choice)
