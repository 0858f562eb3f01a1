"""Undo and redo of what a visitor changes on a page: the page's state as the address has it, step by step.

A step is a change of something that was there before: what a page adds by itself as it opens is none. Steps are kept
for each page of a session. Undo gives widgets and the address the values that they had.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from explorer.ui.page_state import STATES

Shown = dict[str, object]
"""Values by the name of the field: of a widget its value, of what the page keeps in the address its text."""

_MOST_STEPS = 50
_KEPT = "undo-of-pages"  # in the session: steps by the page's title


@dataclass
class _Steps:
    """What a page has shown."""

    now: Shown | None = None
    before: list[Shown] = field(default_factory=list)
    after: list[Shown] = field(default_factory=list)  # what was undone, the last first


def remember(title: str) -> None:
    """Notes what the page shows now; the frame calls it before the page draws its widgets."""
    steps, shown = _steps(title), _shown(title)
    if steps.now is not None and _differs(steps.now, shown):
        steps.before = [*steps.before, steps.now][-_MOST_STEPS:]
        steps.after.clear()
    steps.now = shown


def can_undo(title: str) -> bool:
    """Whether there is a step to take back."""
    return bool(_steps(title).before)


def can_redo(title: str) -> bool:
    """Whether a step was taken back."""
    return bool(_steps(title).after)


def undo(title: str) -> None:
    """Takes the last step back. A callback."""
    steps = _steps(title)
    if steps.before:
        steps.after.append(_shown(title))
        _show(title, steps.before.pop())


def redo(title: str) -> None:
    """Makes the step again that was taken back last. A callback."""
    steps = _steps(title)
    if steps.after:
        steps.before.append(_shown(title))
        _show(title, steps.after.pop())


def _steps(title: str) -> _Steps:
    kept: dict[str, _Steps] = st.session_state.setdefault(_KEPT, {})
    return kept.setdefault(title, _Steps())


def _shown(title: str) -> Shown:
    shown: Shown = {}
    for each in STATES[title].names():
        if each.widget and each.name in st.session_state:
            shown[each.name] = st.session_state[each.name]
        elif not each.widget and each.name in st.query_params:
            shown[each.name] = st.query_params[each.name]
    return shown


def _differs(before: Shown, now: Shown) -> bool:
    return any(name in now and now[name] != value for name, value in before.items())


def _show(title: str, wanted: Shown) -> None:
    """Gives the page these values; what it had beside them goes back to its default."""
    for each in STATES[title].names():
        if each.widget and each.name in wanted:
            st.session_state[each.name] = wanted[each.name]
        elif each.widget:
            st.session_state.pop(each.name, None)
        elif each.name in wanted:
            st.query_params[each.name] = str(wanted[each.name])
        else:
            st.query_params.pop(each.name, None)
    _steps(title).now = wanted
