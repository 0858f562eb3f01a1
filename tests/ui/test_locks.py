"""Locks of the class and of a link: who is locked, what a link may name, and that it survives a change of pages."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from streamlit.testing.v1 import AppTest

from explorer.runs.class_state import ClassState
from explorer.runs.ownership import Visitor
from explorer.ui import locks


@dataclass
class Room:
    """The class, without a store."""

    state: ClassState = field(default_factory=ClassState)
    teacher: bool = False


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    made = Room()
    monkeypatch.setattr(locks, "classroom", lambda: made)
    monkeypatch.setattr(locks, "visitor", lambda: Visitor("a", "Ann", made.teacher))
    return made


def page() -> None:
    import streamlit as st

    from explorer.errors import InputError
    from explorer.ui.locks import (
        is_locked_by_link_alone,
        is_page_locked,
        locked_controls,
        require_unlocked,
        say_locked,
        say_unknown_locks,
        take_locks_of_link,
    )

    say_unknown_locks(take_locks_of_link(["train", "imagery"]), ["train", "imagery"])
    st.session_state["controls"] = locked_controls()
    st.session_state["train"] = is_page_locked("train")
    st.session_state["by link"] = is_locked_by_link_alone("rate")
    say_locked("losses", "rate", "upload")
    try:
        require_unlocked("losses", "start")
        st.session_state["refused"] = ""
    except InputError as problem:
        st.session_state["refused"] = problem.where


def opened(lock: str | None = None) -> AppTest:
    app = AppTest.from_function(page)
    if lock is not None:
        app.query_params["lock"] = lock
    return app.run()


def test_nothing_is_locked_at_first(room: Room) -> None:
    app = opened()
    assert app.session_state["controls"] == frozenset()
    assert (app.session_state["train"], app.session_state["refused"]) == (False, "")
    assert not app.caption


def test_locks_of_the_class_hold_for_all_but_the_teacher(room: Room) -> None:
    room.state = ClassState().with_locks(["losses", "rate"], ["train"])
    app = opened()
    assert app.session_state["controls"] == {"losses", "rate"}
    assert app.session_state["train"]
    assert app.session_state["refused"] == "losses and their settings"
    assert [each.value for each in app.caption] == [
        ":material/lock: The teacher has locked losses and their settings and learning rates."
    ]
    room.teacher = True
    app.run()
    assert app.session_state["controls"] == frozenset()
    assert (app.session_state["train"], app.session_state["refused"]) == (False, "")


def test_a_link_locks_and_its_locks_survive_its_address(room: Room) -> None:
    app = opened("losses, rate,train")
    assert app.session_state["controls"] == {"losses", "rate"}
    assert app.session_state["train"]
    assert app.session_state["by link"]
    del app.query_params["lock"]
    app.run()
    assert app.session_state["controls"] == {"losses", "rate"}, "as after a click on another page"
    room.state = ClassState().with_locks(["rate"], [])
    app.run()
    assert not app.session_state["by link"], "the class locks it, too"


def test_unknown_names_are_left_out_and_said(room: Room) -> None:
    app = opened("losses,everything,<b>")
    assert app.session_state["controls"] == {"losses"}
    (said,) = app.info
    assert "everything" in said.value
    assert "<b>" not in said.value


def test_a_link_does_not_lock_a_teacher(room: Room) -> None:
    room.teacher = True
    assert opened("losses").session_state["controls"] == frozenset()
