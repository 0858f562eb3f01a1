"""Presenting (``?present=1``): the links of a list, one after another, in large type, each with a sentence above it."""

from __future__ import annotations

import streamlit as st

from explorer.lessons.presentation import Slide, read_slides, saved_slides
from explorer.ui import services
from explorer.ui.address import say_unknown
from explorer.ui.browser_script import base_path, script

PARAMETER = "present"  # in the address: number of the link, from 1
LIST = "list"  # likewise: key of a visitor's list; without it the demo is presented
_HTML = """
<header class="presenter">
  <h1></h1>
  <nav aria-label="Presentation">
    <button type="button" aria-label="Back">‹</button> <output></output>
    <button type="button" aria-label="Next">›</button>
    <button type="button" aria-label="Leave the presentation">×</button>
  </nav>
</header>
"""
_STYLE = """
.presenter { display: flex; align-items: baseline; justify-content: space-between; gap: 2rem; }
.presenter h1 { font-size: 2.2rem; line-height: 1.2; margin: 0; color: var(--st-heading-color); }
.presenter nav { white-space: nowrap; font-size: 1.1rem; }
.presenter button {
  font: inherit; font-size: 1.5rem; color: inherit; background: none; border: 0; padding: 0 0.6rem; cursor: pointer;
}
.presenter button:focus-visible { outline: 2px solid var(--st-primary-color); }
.presenter button:disabled { opacity: 0.4; cursor: default; }
"""
_LARGE = "<style>html { font-size: 125%; } [data-testid=stSidebar], .st-key-page-tools { display: none; }</style>"


def is_presenting() -> bool:
    """Whether the page is one of a presentation."""
    return PARAMETER in st.query_params


def present() -> Slide | None:
    """Draws the sentence and the buttons of the link that the address names; None where it is not presented.

    Raises:
        InputError: the list cannot be read.
    """
    if not is_presenting():
        return None
    slides = _slides()
    text = st.query_params[PARAMETER]
    at = int(text) if text.isdecimal() and 1 <= int(text) <= len(slides) else 1
    st.html(_LARGE)
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component("presenter", html=_HTML, css=_STYLE, js=script("presenter.js"))
    shown = [{"say": each.say, "address": f"{base_path()}/{each.address}"} for each in slides]
    parameters = {LIST: st.query_params[LIST]} if LIST in st.query_params else {}
    component(key="presenter", data={"slides": shown, "at": at, "place": PARAMETER, "parameters": parameters})
    return slides[at - 1]


def _slides() -> tuple[Slide, ...]:
    """Those of the list that the address names, else the demo."""
    key = st.query_params.get(LIST)
    if key is None:
        return read_slides()
    links = services.store().saved_links.of_key(key)
    if not links:
        say_unknown([key], "list of links", "the demo is presented instead")
        return read_slides()
    return saved_slides(links)
