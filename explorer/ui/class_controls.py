"""What a teacher decides for all: locks, and where everybody is sent. Each callback looks whether a teacher asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import streamlit as st

from explorer.errors import InputError
from explorer.runs.class_state import CONTROLS, ClassState
from explorer.training.presets import PRESETS
from explorer.ui.class_overview import require_teacher
from explorer.ui.classroom import classroom
from explorer.ui.frame import stacking_columns
from explorer.ui.messages import escaped, show_problem

_REFUSED = "class-change-refused"  # in the session: why a change was not made


def control_class(lockable: Mapping[str, str]) -> None:
    """The widgets.

    Args:
        lockable: title of the pages that can be locked, by their name in the address.
    """
    state = classroom().state
    locks, pushes = stacking_columns("class-controls", 2)
    with locks:
        st.markdown("**Lock for all but teachers**")
        _locks(
            "Controls",
            {str(name): words for name, words in CONTROLS.items()},
            state.locked_controls,
            lambda now, chosen: now.with_locks(chosen, now.locked_pages),
        )
        _locks("Pages", lockable, state.locked_pages, lambda now, chosen: now.with_locks(now.locked_controls, chosen))
        _show_link(state)
    with pushes:
        st.markdown("**Send everybody to**")
        preset, sends = st.columns([3, 2], vertical_alignment="bottom")
        chosen = preset.selectbox(
            "A preset on Train", list(PRESETS), format_func=lambda key: PRESETS[key].name, key="push-preset"
        )
        sends.button("Send preset", icon=":material/campaign:", width="stretch", on_click=_push, args=("train", chosen),
                     key="send-preset")  # fmt: skip
        page, sends = st.columns([3, 2], vertical_alignment="bottom")
        pages = {"": "Home", **lockable}
        there = page.selectbox("A page", list(pages), format_func=pages.__getitem__, key="push-page")
        sends.button("Send to page", icon=":material/campaign:", width="stretch", on_click=_push, args=(there, None),
                     key="send-page")  # fmt: skip
        st.caption(_last_push(state, pages))
    problem = st.session_state.pop(_REFUSED, None)
    if problem is not None:
        show_problem(problem)


def _locks(
    label: str,
    words: Mapping[str, str],
    locked: tuple[str, ...],
    make: Callable[[ClassState, list[str]], ClassState],
) -> None:
    key = f"locked-{label}-{','.join(locked)}"  # begins anew where another teacher has changed it
    st.pills(
        label,
        list(words),
        selection_mode="multi",
        default=[each for each in words if each in locked],
        format_func=words.__getitem__,
        wrap=True,
        key=key,
        on_change=_lock,
        args=(key, make),
    )


def _lock(key: str, make: Callable[[ClassState, list[str]], ClassState]) -> None:
    chosen = list(st.session_state.get(key) or [])
    _change(lambda now: make(now, chosen))


def _push(page: str, preset: str | None) -> None:
    _change(lambda now: now.with_push(page, preset))


def _change(make: Callable[[ClassState], ClassState]) -> None:
    try:
        require_teacher()
        classroom().change(make)
    except InputError as problem:
        st.session_state[_REFUSED] = problem


def _show_link(state: ClassState) -> None:
    """A link that locks the same for whoever opens it, also when nothing is locked for all."""
    names = ",".join((*state.locked_controls, *state.locked_pages)) or "losses,rate"
    address = urlsplit(st.context.url or "")
    root = f"{address.scheme}://{address.netloc}{address.path.rpartition('/')[0]}" if address.netloc else ""
    st.caption("A link can lock, too, for whoever opens it:")
    st.code(f"{root}/train?lock={names}", language=None, wrap_lines=True)


def _last_push(state: ClassState, pages: Mapping[str, str]) -> str:
    follows = "Pages that are open follow within five seconds. An edited plan is kept and can be taken back."
    if state.push is None:
        return follows
    preset = PRESETS.get(state.push.preset or "")
    where = f"“{preset.name}”" if preset is not None else pages.get(state.push.page, state.push.page)
    return f"Sent last: {escaped(where)}. {follows}"
