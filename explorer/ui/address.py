"""What the address names: said where it is unknown, and a selectbox for it, so that a reload and a link show the same.

The address decides; a choice changes the address. A widget's value is never overwritten: where the address has changed
otherwise, a new widget takes the place of the old one. A page that polls may still send the value of the old one, and
Streamlit then calls its callback, which therefore takes nothing but a choice that differs from what was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import streamlit as st

from explorer.ui.messages import escaped

_SHOWN_LENGTH = 40  # characters of an unknown value that are shown


def named(parameter: str, what: str, known: Collection[str], instead: str) -> str | None:
    """What the address names, if it is known. Where it names something else, the page says so.

    Call it before a widget that is bound to the parameter: Streamlit takes unknown values out of the address.

    Args:
        parameter: of the address.
        what: it names, in words: "scene".
        known: the values that it can have.
        instead: what the page shows if the value is unknown, in words.

    Returns:
        One of ``known``; None if the address names none of them.
    """
    value = st.query_params.get(parameter)
    if not value or value in known:
        return value or None
    say_unknown([value], what, f"{instead} is shown instead")
    return None


def say_unknown(values: Sequence[str], what: str, then: str) -> None:
    """Says that the address names something that does not exist.

    Args:
        values: the unknown ones; at least one.
        what: they name, in words.
        then: what the page does about it, in words.
    """
    short = [value if len(value) <= _SHOWN_LENGTH else f"{value[:_SHOWN_LENGTH]}…" for value in values]
    names = " or ".join(escaped(value) for value in short)
    st.info(f"There is no {what} {names} here; {escaped(then)}.", icon=":material/link_off:")


def say_ignored(parameter: str, value: str, problem: str) -> None:
    """Says that a value of the address cannot be what its parameter is for.

    Args:
        parameter: of the address.
        value: that it had there.
        problem: why not, in a phrase.
    """
    short = value if len(value) <= _SHOWN_LENGTH else f"{value[:_SHOWN_LENGTH]}…"
    st.info(
        f"“{escaped(short)}” in the address is ignored: it cannot be {escaped(parameter)} ({escaped(problem)}).",
        icon=":material/link_off:",
    )


def select(
    label: str,
    options: Sequence[str],
    shown: str | None,
    in_words: Callable[[str], str],
    take: Callable[[str], None],
    placeholder: str | None = None,
    disabled: bool = False,
) -> None:
    """Draws the selectbox.

    Args:
        label: unique on the page.
        options: to choose from.
        shown: what the address names, one of the options; None: nothing, and the placeholder is shown.
        in_words: an option as the visitor reads it; no two may read the same.
        take: puts a choice into the address; called before the page runs again.
        placeholder: what is shown for None.
        disabled: nothing else can be chosen.
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
        disabled=disabled,
    )


def _chosen(key: str, shown: str | None, take: Callable[[str], None]) -> None:
    choice = st.session_state.get(key, shown)
    if choice is not None and choice != shown:
        take(choice)
