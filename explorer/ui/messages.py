"""Text on a page: escaped text of users, percentages, and errors beside the widget."""

from __future__ import annotations

import re

import streamlit as st

from explorer.errors import InputError

_OPTION = re.compile(r" \(--[^()]*\)")
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&])")


def escaped(text: str) -> str:
    """Text of a user for Markdown: shown literally, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def without_options(text: str) -> str:
    """A note or a remedy without the options of the command line that it names: a page has buttons for them."""
    return _OPTION.sub("", text)


def percent(share: float) -> str:
    """A share in 0..1 as a percentage with up to three digits."""
    return f"{100 * share:.3g} %"


def show_problem(problem: InputError) -> None:
    """An error that the visitor can correct: what is wrong, where, and the remedy."""
    where = f"**{escaped(problem.where)}**: " if problem.where else ""
    remedy = (
        f"  \n{escaped(without_options(problem.remedy[:1].upper() + problem.remedy[1:]))}." if problem.remedy else ""
    )
    st.error(f"{where}{escaped(problem.what)}{remedy}", icon=":material/error:")
