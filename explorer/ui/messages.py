"""Words on a page: text of a user shown as text, and errors in plain words beside the widget."""

from __future__ import annotations

import re

import streamlit as st

from explorer.errors import InputError

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&])")


def escaped(text: str) -> str:
    """Text of a user for a place that reads Markdown: shown as it is, on one line, nothing in it takes effect."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def show_problem(problem: InputError) -> None:
    """An error that the visitor can mend: what, where, and the remedy."""
    where = f"**{escaped(problem.where)}**: " if problem.where else ""
    remedy = f"  \n{escaped(problem.remedy[:1].upper() + problem.remedy[1:])}." if problem.remedy else ""
    st.error(f"{where}{escaped(problem.what)}{remedy}", icon=":material/error:")
