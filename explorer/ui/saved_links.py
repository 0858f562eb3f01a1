"""A visitor's own list of links: saved on any page, ordered and given sentences on Home, and presented from there."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from explorer.errors import InputError
from explorer.lessons.presentation import saved_slides
from explorer.runs.saved_links import LONGEST_SENTENCE, SavedLink
from explorer.ui import services
from explorer.ui.browser_script import base_path
from explorer.ui.identity import visitor
from explorer.ui.messages import escaped, show_problem
from explorer.ui.presenter import LIST, PARAMETER

_REMOVED = "saved-link-removed"  # in the session: what was removed last
_REFUSED = "saved-link-refused"  # likewise: why a sentence was not kept


def save(title: str, page: str, query: str) -> None:
    """Adds what a page shows to the visitor's list, and says so.

    Args:
        title: of the page; the first sentence of its link.
        page: its name as the address has it.
        query: what the address has after "?".
    """
    links = services.store().saved_links
    try:
        links.add(visitor().id, page, query.removeprefix("?"), title)
    except InputError as problem:
        show_problem(problem)
    else:
        st.toast(
            f"Saved: link {len(links.of(visitor().id))} of your list, which Home presents.", icon=":material/bookmark:"
        )


def show_saved_links() -> None:
    """The list, with a link that presents it; one sentence while it is empty."""
    store, me = services.store().saved_links, visitor().id
    links = store.of(me)
    st.header("Your saved links", anchor=False)
    st.caption(
        "*Save link* on any page adds what it shows to this list. It is presented one link after another, each below "
        "its sentence."
    )
    problem = st.session_state.pop(_REFUSED, None)
    if problem is not None:
        show_problem(problem)
    for number, link in enumerate(links):
        _show_link(link, links[number - 1] if number else None, links[number + 1] if link is not links[-1] else None)
    removed: SavedLink | None = st.session_state.get(_REMOVED)
    if removed is not None:
        st.button(
            f"Put “{escaped(removed.say)}” back", icon=":material/undo:", key="saved-link-back", on_click=_put_back
        )
    if links:
        st.page_link("app.py", label="Present your saved links", icon=":material/slideshow:",
                     query_params={PARAMETER: "1", LIST: store.key(me)})  # fmt: skip
        st.caption("Its address shows them to others, too, with the runs; your datasets once you share them.")


def _show_link(link: SavedLink, before: SavedLink | None, after: SavedLink | None) -> None:
    """One row: the sentence, which can be changed, and what can be done with the link."""
    (slide,) = saved_slides([link])
    with st.container(key=f"wraps-link-{link.id}", horizontal=True, vertical_alignment="center"):
        key = f"saved-link-say-{link.id}"
        st.text_input(
            "Sentence", link.say, max_chars=LONGEST_SENTENCE, key=key, label_visibility="collapsed",
            on_change=_take_sentence, args=(link, key), width=360,
        )  # fmt: skip
        whole = f"saved-link-whole-{link.id}"
        st.checkbox("With controls", link.whole, key=whole, on_change=_take_whole, args=(link, whole),
                    help="Presented with the page's controls instead of its picture alone.")  # fmt: skip
        st.link_button("Open", f"{base_path()}/{slide.address}", icon=":material/open_in_new:", type="tertiary")
        for name, icon, neighbour in (("up", "arrow_upward", before), ("down", "arrow_downward", after)):
            st.button(f"Move {name}", icon=f":material/{icon}:", key=f"saved-link-{name}-{link.id}", type="tertiary",
                      disabled=neighbour is None, on_click=_exchange, args=(link, neighbour))  # fmt: skip
        st.button("Remove", icon=":material/close:", key=f"saved-link-remove-{link.id}", type="tertiary",
                  on_click=_remove, args=(link,))  # fmt: skip


def _take_sentence(link: SavedLink, key: str) -> None:
    try:
        services.store().saved_links.change(visitor().id, replace(link, say=st.session_state[key]))
    except InputError as problem:  # a callback: the page that shows it is drawn afterwards
        st.session_state[_REFUSED] = problem
        st.session_state[key] = link.say


def _take_whole(link: SavedLink, key: str) -> None:
    services.store().saved_links.change(visitor().id, replace(link, whole=st.session_state[key]))


def _exchange(link: SavedLink, neighbour: SavedLink) -> None:
    services.store().saved_links.exchange(visitor().id, link, neighbour)


def _remove(link: SavedLink) -> None:
    services.store().saved_links.remove(visitor().id, link)
    st.session_state[_REMOVED] = link


def _put_back() -> None:
    services.store().saved_links.put_back(visitor().id, st.session_state.pop(_REMOVED))
