"""What every page offers beside its title: undo and redo, and a link to what it shows, to copy or to save.

Each change of a page's state is an entry of the browser's history (``page_tools.js``): back and forward are undo and
redo, and Streamlit gives widgets the values that the address then has.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from explorer.ui.browser_script import script
from explorer.ui.keys import COPY_LINK, REDO, SAVE_LINK, UNDO
from explorer.ui.page_state import STATES
from explorer.ui.saved_links import save

_LAST_PAGE, _ARRIVED = "page-drawn-last", "page-arrived"  # in the session: its title; whether it was another one before
_BUTTONS = f"""
<div class="page-tools">
  <button type="button" title="Undo ({UNDO})">Undo</button>
  <button type="button" title="Redo ({REDO})">Redo</button>
  <button type="button" class="copy-link" title="Copy a link to what this page shows ({COPY_LINK})">Copy link</button>
  <button type="button" title="Save a link to what this page shows in your list, which Home presents ({SAVE_LINK})"
  >Save link</button>
</div>
"""
_STYLE = """
.page-tools { display: flex; justify-content: flex-end; flex-wrap: wrap; }
.page-tools button {
  font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: none; cursor: pointer;
  border: 0; border-radius: var(--st-base-radius); padding: 0.25rem 0.6rem; white-space: nowrap;
}
.page-tools button:hover:enabled { color: var(--st-primary-color); }
.page-tools button:focus-visible { outline: 2px solid var(--st-primary-color); }
.page-tools button:disabled { opacity: 0.45; cursor: default; }
.page-tools button[hidden] { display: none; }
"""


@dataclass(frozen=True)
class Ignored:
    """A value of the address that the page cannot show."""

    parameter: str
    value: str
    problem: str  # why not, in a phrase


def take_state(title: str) -> list[Ignored]:
    """Reads the address as the page's state, and takes out of it what the page cannot show."""
    st.session_state[_ARRIVED] = st.session_state.get(_LAST_PAGE) != title
    st.session_state[_LAST_PAGE] = title
    state = STATES.get(title)
    if state is None:
        return []
    _, problems = state.read({name: st.query_params.get_all(name) for name in st.query_params})
    ignored = [Ignored(name, st.query_params[name], problem) for name, problem in problems.items()]
    for each in ignored:
        del st.query_params[each.parameter]
    return ignored


def has_arrived() -> bool:
    """Whether the session has shown another page before this one, or none: what the address does not name may then be
    taken from the session; otherwise it was taken back."""
    return bool(st.session_state.get(_ARRIVED, True))


def show_tools(title: str, page: str) -> None:
    """The buttons.

    Args:
        title: of the page.
        page: its name as the address has it.
    """
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component("page_tools", html=_BUTTONS, css=_STYLE, js=script("page_tools.js"))
    data = {"steps": title in STATES, "keys": [UNDO, REDO, COPY_LINK, SAVE_LINK]}
    query = component(key="page-tools", data=data, on_saved_change=lambda: None).saved
    if query is not None:
        save(title, page, query)
