"""What every page offers beside its title: undo and redo, a link to what it shows, and the list of keys."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from explorer.ui import undo
from explorer.ui.browser_script import script
from explorer.ui.page_state import STATES


@dataclass(frozen=True)
class Ignored:
    """A value of the address that the page cannot show."""

    parameter: str
    value: str
    problem: str  # why not, in a phrase


def take_state(title: str) -> list[Ignored]:
    """Reads the address as the page's state, and takes out of it what the page cannot show."""
    state = STATES.get(title)
    if state is None:
        return []
    _, problems = state.read({name: st.query_params.get_all(name) for name in st.query_params})
    ignored = [Ignored(name, st.query_params[name], problem) for name, problem in problems.items()]
    for each in ignored:
        del st.query_params[each.parameter]
    undo.remember(title)
    return ignored


def show_tools(title: str) -> None:
    """The buttons."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="small", key="page-tools"):
        if title in STATES:
            st.button(
                "Undo", icon=":material/undo:", type="tertiary", key="undo", shortcut="Alt+Z",
                on_click=undo.undo, args=(title,), disabled=not undo.can_undo(title),
            )  # fmt: skip
            st.button(
                "Redo", icon=":material/redo:", type="tertiary", key="redo", shortcut="Alt+Y",
                on_click=undo.redo, args=(title,), disabled=not undo.can_redo(title),
            )  # fmt: skip
        _copy_link()


def _copy_link() -> None:
    # Registered in each run: a component that is registered at import belongs to the session that imported it.
    component = st.components.v2.component(
        "copy_link",
        html="<button type='button' class='copy-link'></button>",
        css=_STYLE,
        js=script("copy_link.js"),
    )
    component(key="copy-link", width="content")


_STYLE = """
.copy-link {
  font: inherit; color: var(--st-text-color); background: none; border: 0; border-radius: var(--st-base-radius);
  padding: 0.25rem 0.5rem; cursor: pointer; white-space: nowrap;
}
.copy-link:hover { color: var(--st-primary-color); }
.copy-link:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
