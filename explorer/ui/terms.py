"""The popover with the terms of a page."""

from __future__ import annotations

import streamlit as st

from explorer.lessons.glossary import LANGUAGES, terms_of
from explorer.ui.messages import escaped

_HEIGHT = 420  # pixels; the rest is scrolled to


def show_terms(title: str) -> None:
    """A button that opens the explanations; none on a page without terms.

    Args:
        title: of the page.
    """
    if terms_of(title, "en"):
        with st.popover("Terms", icon=":material/menu_book:", key="terms", type="tertiary"):
            st.fragment(_show_list)(title)


def _show_list(title: str) -> None:
    language = st.segmented_control(
        "Language of the terms", list(LANGUAGES), default="en", required=True, key="terms-language",
        format_func=LANGUAGES.__getitem__, label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    terms = terms_of(title, language)
    with st.container(height=_HEIGHT, border=False):
        st.markdown("\n\n".join(f"**{escaped(each.term)}**: {escaped(each.text)}" for each in terms))
