"""Which controls and pages are locked for the visitor: by the teacher for all, or by the link that they came by.

A lock disables its widgets, and what they would do is refused as well: a disabled widget stops no attacker. Teachers
are never locked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from explorer.errors import InputError
from explorer.runs.class_state import CONTROLS, Control
from explorer.ui.address import say_unknown
from explorer.ui.classroom import classroom
from explorer.ui.identity import visitor

_ADDRESS = "lock"
_OF_LINK = "locks-of-link"  # in the session: names of controls and pages


def take_locks_of_link(pages: Collection[str]) -> list[str]:
    """Takes the locks of a link (``?lock=losses,rate``) into the session, where they survive a change of pages.

    Args:
        pages: names of those that can be locked, as the address has them.

    Returns:
        What it names that cannot be locked.
    """
    given = st.query_params.get(_ADDRESS)
    if given is None:
        return []
    names = list(dict.fromkeys(name for part in given.split(",") if (name := part.strip())))
    unknown = [name for name in names if name not in CONTROLS and name not in pages]
    st.session_state[_OF_LINK] = frozenset(names) - set(unknown)
    return unknown


def say_unknown_locks(unknown: Sequence[str], pages: Collection[str]) -> None:
    """Says what a link names that cannot be locked, and what can be."""
    if unknown:
        known = ", ".join([*CONTROLS, *pages])
        say_unknown(unknown, "control or page to lock called", f"it is left out. What can be locked: {known}")


def locked_controls() -> frozenset[str]:
    """Names of the controls that are locked for the visitor."""
    return _locked(classroom().state.locked_controls) & set(CONTROLS)


def is_locked(control: Control) -> bool:
    """Whether a control is locked for the visitor."""
    return control in locked_controls()


def is_locked_by_link_alone(control: Control) -> bool:
    """Whether the visitor's link locks a control, which then stays as the link says."""
    return is_locked(control) and control not in classroom().state.locked_controls


def is_page_locked(page: str) -> bool:
    """Whether a page is locked for the visitor.

    Args:
        page: its name as the address has it.
    """
    return page in _locked(classroom().state.locked_pages)


def require_unlocked(*controls: Control) -> None:
    """Refuses what a locked control would do.

    Raises:
        InputError: one of the controls is locked for the visitor.
    """
    locked = [each for each in controls if is_locked(each)]
    if locked:
        raise locked_problem(locked)


def locked_problem(controls: Collection[Control]) -> InputError:
    """The error for something that locks forbid."""
    return InputError("the teacher has locked this", _in_words(controls), "go on with what is there")


def say_locked(*controls: Control) -> None:
    """Says which of a page's controls are locked; nothing, if none is."""
    locked = [each for each in controls if is_locked(each)]
    if locked:
        st.caption(f":material/lock: The teacher has locked {_in_words(locked)}.")


def _locked(of_class: Collection[str]) -> frozenset[str]:
    names = frozenset(of_class) | st.session_state.get(_OF_LINK, frozenset())
    return frozenset() if not names or visitor().teacher else names


def _in_words(controls: Collection[Control]) -> str:
    *most, last = [CONTROLS[each] for each in CONTROLS if each in controls]
    return f"{', '.join(most)} and {last}" if most else last
