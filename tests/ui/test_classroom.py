"""The class in memory: what open pages ask for, who is there, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette

from explorer.runs.class_state import ClassState
from explorer.runs.store import Store
from explorer.ui import class_push
from explorer.ui.classroom import Classroom
from tests.ui.asgi import get


@pytest.fixture
def room(tmp_path: Path) -> Classroom:
    return Classroom(Store(tmp_path), is_open=False)


def test_a_class_is_open_once_there_was_a_teacher_or_a_state(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not Classroom(store, is_open=False).is_open
    assert Classroom(store, is_open=True).is_open
    room = Classroom(store, is_open=False)
    room.open()
    assert room.is_open
    room.change(lambda now: now.with_push("imagery"))
    assert Classroom(store, is_open=False).is_open
    assert Classroom(store, is_open=False).state == room.state


def test_each_change_has_another_number_and_none_has_the_same(room: Classroom) -> None:
    before = room.version
    room.change(lambda now: now)
    assert room.version == before
    room.change(lambda now: now.with_locks(["rate"], []))
    assert room.version != before
    assert room.state == ClassState(locked_controls=("rate",))


def test_open_pages_get_the_number_and_are_noted(room: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_push, "classroom", lambda: room)
    app = Starlette(routes=class_push.CLASS_ROUTES)
    page = room.page_of("a")
    assert room.page_of("a") == page
    assert room.page_of("b") != page
    assert room.here(60) == set()
    assert get(app, f"/live/class/{page}").content == str(room.version).encode()
    assert room.here(60) == {"a"}
    room.change(lambda now: now.with_push("imagery"))
    unknown = get(app, "/live/class/of-another-server")
    assert (unknown.status, unknown.content) == (200, str(room.version).encode())
    assert room.here(60) == {"a"}
    assert room.here(-1) == set()
